"""Flags, rules over them, and outreach."""

from playwright.async_api import Page

from tests.accessibility.registry import State, without
from tests.journeys.world import World
from tests.support.flags import TRIED, flagged, propose, storm


async def _flagged(world: World) -> None:
    await flagged(world)


async def _proposed(world: World) -> None:
    await flagged(world)
    await propose(world, TRIED)


async def _to_agree(world: World) -> str:
    return f"/rules/proposals/{await propose(world, TRIED)}"


async def _list(world: World) -> str:
    return f"/outreach/{await storm(world)}"


async def _lists(world: World) -> None:
    await storm(world)


async def _cleared(page: Page) -> None:
    await page.check("input[name=pick] >> nth=0")
    await page.select_option("#why", "excused")
    await page.click("text=Clear those chosen")


async def _raised_empty(page: Page) -> None:
    await page.click("main form button")


async def _try(page: Page) -> None:
    await page.click("text=Try it >> nth=-1")
    await _done(page)


async def _done(page: Page) -> None:
    """Wait for a trial that takes longer than its first page: that page looks again by itself."""
    await page.wait_for_selector("#sum")


async def _wrong(page: Page) -> None:
    await page.fill("#flags-0", "many")
    await page.click("text=Try it >> nth=-1")


async def _outcome(page: Page) -> None:
    await page.check("input[name=pick] >> nth=0")
    await page.select_option("#outcome", "unable_to_reach")
    await page.click("text=Save for those chosen")


STATES = [
    State("flags: none yet", "/flags", "stu", first=True, says="No flags yet"),
    State("flags: some", "/flags", "ana", arrange=_flagged, says="Work came late"),
    State("flags: for who keeps feeds", "/flags", "ada", arrange=_flagged, says="Work came late"),
    State("flags: cleared", "/flags", "ana", arrange=_flagged, act=_cleared, says="1 flag cleared"),
    State("flags: filtered to nothing", "/flags?course=NONE", "ana", says="Clear the filters"),
    State("flags: owner away", "/flags", "ana", around=without("intake"), says="Flags are away"),
    State("flags: by course", "/flags/courses", "ana", arrange=_flagged, says="BIO101"),
    State("flags: raise one", "/flags/raise", "ana", says="What did you notice?"),
    State("flags: raise one, empty", "/flags/raise", "ana", act=_raised_empty, says="There is a problem"),
    State("rules: as shipped", "/rules", "stu", first=True, status=200, says="In force"),
    State("rules: one waits", "/rules", "ida", arrange=_proposed, says="Waiting for a second person"),
    State("rules: what they did", "/rules", "sam", arrange=_flagged, says="What they did"),
    State("rules: program away", "/rules", "sam", around=without("program", "intake"), says="Not everything"),
    State("rules: a draft", "/rules/draft", "ada", says="Try it on past flags"),
    State("rules: a draft that cannot be", "/rules/draft", "ada", act=_wrong, says="There is a problem"),
    State("rules: a draft, tried", "/rules/draft", "ada", arrange=_flagged, act=_try, says="would have made"),
    State("rules: a proposal, tried", "/rules", "ida", arrange=_to_agree, act=_done, says="would have made"),
    State("outreach: none", "/outreach", "stu", first=True, says="No outreach lists"),
    State("outreach: lists", "/outreach", "ana", arrange=_lists, says="BIO101"),
    State("outreach: a list", "/outreach", "ana", arrange=_list, says="wait for an outcome"),
    State("outreach: an outcome", "/outreach", "ana", arrange=_list, act=_outcome, says="1 became a referral"),
    State("outreach: owner away", "/outreach", "ana", around=without("intake"), says="Outreach is away"),
]
