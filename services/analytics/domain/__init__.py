"""What is counted, and how an event changes it. Pure."""
