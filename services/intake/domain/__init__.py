"""The nouns of intake and their rules. Nothing here reads a clock, a file or a table."""
