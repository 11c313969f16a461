"""The model, its tokenizer, its data and its checkpoints."""
