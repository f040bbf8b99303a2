"""Rules over flags, for administrators."""

from playwright.async_api import Page

from tests.guides.registry import Shot
from tests.journeys.world import World
from tests.support.flags import TRIED, flagged, propose, storm


async def _flagged(world: World) -> None:
    await flagged(world, 5)


async def _proposed(world: World) -> None:
    await flagged(world, 4, each=2)
    await propose(world, TRIED, edition="2026-2")


async def _list(world: World) -> str:
    return f"/outreach/{await storm(world)}"


async def _try(page: Page) -> None:
    await page.click("text=Try it >> nth=-1")
    await page.wait_for_selector("#sum")


SHOTS = [
    Shot("flags", "/flags", "ana", arrange=_flagged, height=700),
    Shot("rules-draft", "/rules/draft", "ada", height=1000),
    Shot("rules-tried", "/rules/draft", "ada", arrange=_flagged, act=_try, height=1100),
    Shot("rules-proposed", "/rules", "ida", arrange=_proposed, height=800),
    Shot("outreach-list", "/outreach", "ana", arrange=_list, height=600),
]
