"""What tests with a browser may use. One browser for a test process; ports and windows for each file."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.journeys.world import World
from tests.support.browser import Site, chromium, site_of

# Those that answer with pages.
WITH_PAGES = ("console", "intake", "notifications")


@pytest.fixture(scope="session")
async def chrome() -> AsyncIterator[Browser]:
    """A real browser. None to be found is a failure that says what to do."""
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
async def site(world: World, chrome: Browser) -> AsyncIterator[Site]:
    """The services of this file's world, listening, and windows: `window = await site.window("uma")`."""
    async with site_of(world, chrome, WITH_PAGES) as site:
        yield site
