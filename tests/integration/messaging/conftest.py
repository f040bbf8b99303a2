"""The toys, for every test of delivery."""

from tests.toys.fixtures import toys

__all__ = ["toys"]
