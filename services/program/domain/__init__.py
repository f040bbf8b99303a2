"""What a document says, what it changes, and whether it can be."""
