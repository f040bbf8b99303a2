"""Faults kill servers, so they have a stack of their own."""

from collections.abc import Iterator

import pytest

from deploy.local.stack import Stack
from tests.stack import shared_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Servers that a test may kill: no other test uses them."""
    with shared_stack("faults") as found:
        yield found
