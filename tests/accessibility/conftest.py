"""One world and one browser for every state of every page, in the order they are registered in."""

import pytest

from tests.accessibility.looking import Looker
from tests.accessibility.registry import State
from tests.journeys.conftest import world
from tests.journeys.world import World
from tests.support.browser import Site
from tests.support.browser_fixtures import chrome, site

__all__ = ["chrome", "site", "world"]


@pytest.fixture(scope="module")
async def looker(world: World, site: Site) -> Looker:
    """Looks at pages."""
    return Looker(world, site)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the order: a state that needs an empty system comes before those that fill it."""
    places = [place for place, item in enumerate(items) if _is_ours(item)]
    files = list(dict.fromkeys(items[place].path for place in places))
    ours = sorted((items[place] for place in places), key=lambda item: (files.index(item.path), _place(item)))
    for place, item in zip(places, ours, strict=True):
        items[place] = item


def _is_ours(item: pytest.Item) -> bool:
    """Other tests have states too: cases, flags, clocks."""
    return isinstance(getattr(item, "callspec", None) and item.callspec.params.get("state"), State)  # type: ignore[attr-defined]


def _place(item: pytest.Item) -> int:
    place: int = item.callspec.params["state"].place  # type: ignore[attr-defined] # a parametrized function has one
    return place
