"""A trait as one vector of the last hidden state: solved for, moved, taken out."""
