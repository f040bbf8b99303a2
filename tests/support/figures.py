"""Says what a test measured; shown with `pytest -s`, and with the output of a test that fails."""

import sys


def figure(words: str) -> None:
    """Say a figure."""
    sys.stdout.write(f"\n  {words}\n")
