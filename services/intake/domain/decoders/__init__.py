"""Formats: from the bytes of a delivery to its parts, each with its place, or a named refusal. No I/O, no clock."""
