"""What an event or a person makes happen."""
