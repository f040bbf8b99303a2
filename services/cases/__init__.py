"""What is done for a student: cases, their owners and care teams, contacts, and who was asked to combine what."""
