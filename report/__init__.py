"""What a run came to: rows, tables and figures, from JSON alone."""

import support as support  # first of all: who stops a script while the rest loads gets a sentence
