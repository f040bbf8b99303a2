"""Tables of the program service."""
