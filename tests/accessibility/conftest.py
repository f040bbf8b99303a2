"""One world and one browser for every state of every page, in the order they are registered in."""

import pytest

from tests.journeys.conftest import world
from tests.support.browser_fixtures import chrome, site

__all__ = ["chrome", "site", "world"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the order: a state that needs an empty system comes before those that fill it."""
    places = [place for place, item in enumerate(items) if "state" in getattr(item, "fixturenames", ())]
    ours = sorted((items[place] for place in places), key=lambda item: item.callspec.params["state"].place)  # type: ignore[attr-defined]
    for place, item in zip(places, ours, strict=True):
        items[place] = item
