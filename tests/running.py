"""How a run of all tests goes: which files come first, and of which tests coverage is measured."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.home import ROOT

TESTS = ROOT / "tests"
# Two processes take files from one line. What takes minutes goes first, so that in the end neither waits for the other.
FIRST = (
    "accessibility",
    "access/test_canary.py",
    "journeys/test_every_operation.py",
    "journeys/browser",
    "journeys",
    "access",
    "integration",
)
# Following each line costs these as much time again as they take, and they find next to nothing that the others do not:
# a browser looks at what journeys walk through, and hundreds of thousands of decisions take the same few turns.
UNMEASURED = ("accessibility", "access", "journeys/browser")

# How long one example takes says how busy the machine is, and nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders in order; within them the order stays as chance made it."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, place in enumerate(FIRST) if _is_in(item, place)), len(FIRST))


def _is_in(item: pytest.Item, place: str) -> bool:
    return item.path.is_relative_to(TESTS / place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let coverage pause while a test runs that it need not follow, with everything the test starts."""
    controller: Any = getattr(item.config.pluginmanager.get_plugin("_cov"), "cov_controller", None)
    if controller is not None:
        wanted = not any(_is_in(item, place) for place in UNMEASURED)
        if controller.started and not wanted:
            controller.pause()
        elif wanted and not controller.started:
            controller.resume()
    return (yield)
