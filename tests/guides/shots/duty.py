"""Duty and pages, for the guide of whoever is on duty."""

from typing import Any

from tests.guides.registry import Shot
from tests.journeys.world import World
from tests.support.eventually import eventually

IN_DANGER = "She wrote that she is going to kill herself tonight. She gave her calculator to another student."


async def _page(world: World, **more: Any) -> str:
    page = await world.page_of("uma", await world.refer("fay", IN_DANGER, **more))
    return str(page["page_id"])


async def _waiting(world: World) -> str:
    return f"/duty/{await _page(world)}"


async def _accepted(world: World) -> str:
    page = await _page(world, about={"student_id": "N100002"})
    await world.post("uma", "notifications", f"/pages/{page}/accept", {})
    return f"/duty/{page}"


async def _why(world: World) -> str:
    page = await _page(world)
    await world.post("uma", "notifications", f"/pages/{page}/decline", {"reason_code": "with_somebody"})
    await eventually(lambda: _all_left(world, page))
    return f"/pages/{page}"


async def _all_left(world: World, page: str) -> bool:
    """Whether every mail about a page is noted as sent: until then its page says otherwise."""
    told = await world.get("uma", "notifications", f"/pages/{page}/why")
    said = " ".join(each["text"] for each in told["sentences"])
    return "Bea Backup was told" in said and "has not left" not in said


SHOTS = [
    Shot("duty-waiting", person="uma", arrange=_waiting, width=420, height=760),
    Shot("duty-accepted", person="uma", arrange=_accepted, width=420, height=1100),
    Shot("page-why", person="uma", arrange=_why, height=700),
]
