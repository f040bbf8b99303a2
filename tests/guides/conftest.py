"""One world for all pictures, with invented students in it."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.guides.people import bring_in_students
from tests.journeys.conftest import world
from tests.journeys.world import World
from tests.support.browser import Site, site_of
from tests.support.browser_fixtures import WITH_PAGES, chrome

__all__ = ["chrome", "world"]


@pytest.fixture(scope="module")
async def site(world: World, chrome: Browser) -> AsyncIterator[Site]:
    """The services, listening, and students to show."""
    await bring_in_students(world)
    async with site_of(world, chrome, WITH_PAGES) as site:
        yield site
