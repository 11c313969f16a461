"""The model, its tokenizer, its data and its checkpoints."""

import support as support  # first of all: who stops a script while the rest loads gets a sentence
