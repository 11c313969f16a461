"""What the models read, and the traits that they are asked about. Pure Python."""
