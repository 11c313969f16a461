"""What a run came to: rows, tables, figures and one page, from JSON alone."""
