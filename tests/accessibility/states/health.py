"""For operators: the services, and what they could not handle."""

from playwright.async_api import Page

from tests.accessibility.registry import State, without
from tests.journeys.world import World
from tests.support.letters import leave_dead_letters

HERE = "/health-of-services"


async def _letters(world: World) -> None:
    await leave_dead_letters(world, "cases", 3)


async def _letter(world: World) -> str:
    (letter,) = await leave_dead_letters(world, "cases", 1)
    return f"{HERE}/cases/{letter}"


async def _given_up(page: Page) -> None:
    await page.check("input[name=pick] >> nth=0")
    await page.select_option("#reason", "superseded")
    await page.click("text=Give up >> nth=-1")


STATES = [
    State("health: all well", HERE, "ada", first=True, says="Well"),
    State("health: no letters", f"{HERE}/program", "ada", says="Everything was handled"),
    State("health: something to mend", HERE, "ada", arrange=_letters, says="could not be handled"),
    State("health: an owner away", HERE, "ada", around=without("intake"), says="No answer"),
    State("health: not yours", HERE, "uma", status=403),
    State("dead letters: some", f"{HERE}/cases", "ada", arrange=_letters, says="ValueError"),
    State("dead letters: owner away", f"{HERE}/cases", "ada", around=without("cases"), says="does not answer"),
    State("dead letters: filtered to nothing", f"{HERE}/cases?consumer=none", "ada", says="Clear the filters"),
    State("dead letters: given up", f"{HERE}/cases", "ada", arrange=_letters, act=_given_up, says="1 event given up"),
    State("dead letter: one", HERE, "ada", arrange=_letter, says="Decide"),
]
