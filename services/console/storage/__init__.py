"""What the console keeps: sessions, saved filters, and what was typed when a session ended."""
