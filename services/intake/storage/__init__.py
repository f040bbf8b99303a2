"""Intake's tables: every statement takes a whole batch."""
