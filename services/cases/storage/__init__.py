"""Rows: one module per aggregate, and reads for screens."""
