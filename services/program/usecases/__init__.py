"""What people make happen: apply a document, read the program."""
