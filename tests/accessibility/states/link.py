"""The page behind the link in a mail."""

from tests.accessibility.registry import State
from tests.journeys.world import World, link_in

IN_DANGER = "She wrote that she is going to kill herself tonight."


async def _paged(world: World) -> str:
    referral = await world.refer("fay", IN_DANGER)
    return link_in(await world.mail_to("uma", referral["reference"]))


async def _accepted(world: World) -> str:
    referral = await world.refer("fay", IN_DANGER)
    page = await world.page_of("uma", referral)
    await world.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})
    return link_in(await world.mail_to("uma", referral["reference"]))


STATES = [
    State("link: open", arrange=_paged, service="notifications", says="Accept"),
    State("link: accepted by you", arrange=_accepted, service="notifications", says="You accepted"),
    State(
        "link: no reason given",
        arrange=_paged,
        act=lambda page: page.click("text=tell the next person"),
        service="notifications",
        says="There is a problem",
    ),
    State("link: unknown", "/a/none", service="notifications", status=404),
]
