"""The running system, for tests of access that go the whole way through it."""

from tests.journeys.conftest import world

__all__ = ["world"]
