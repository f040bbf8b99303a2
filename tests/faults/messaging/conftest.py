"""The toys on the stack that tests may break."""

from tests.toys.fixtures import toys

__all__ = ["toys"]
