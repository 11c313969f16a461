"""What the models read, and the traits they are asked about. Pure Python."""

import support as support  # first of all: who stops a script while the rest loads gets a sentence
