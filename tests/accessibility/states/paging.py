"""Pages: the list, and who was told and why."""

from tests.accessibility.registry import State
from tests.journeys.world import World

IN_DANGER = "She wrote that she is going to kill herself tonight."


async def _raised(world: World) -> None:
    await world.page_of("uma", await world.refer("fay", IN_DANGER))


async def _why(world: World) -> str:
    page = await world.page_of("uma", await world.refer("fay", IN_DANGER))
    await world.post("uma", "notifications", f"/pages/{page['page_id']}/decline", {"reason_code": "off_duty"})
    return f"/pages/{page['page_id']}"


STATES = [
    State("pages: none yet", "/pages", "uma", first=True, says="No pages yet"),
    State("pages: some", "/pages", "uma", arrange=_raised, says="Nobody has accepted"),
    State("pages: filtered to nothing", "/pages?state=ended&mine=true", "dee", says="Clear the filters"),
    State("pages: why", person="uma", arrange=_why, says="Uma Duty said"),
    State(
        "pages: not yours",
        "/pages/0190d0a0-0000-7000-8000-000000000000",
        "uma",
        status=404,
        says="There is no such page",
    ),
]
