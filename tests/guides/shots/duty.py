"""Duty and pages, for the guide of whoever is on duty."""

from typing import Any

from tests.guides.registry import Shot
from tests.journeys.world import World

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
    await world.mail_to("bea")
    return f"/pages/{page}"


SHOTS = [
    Shot("duty-waiting", person="uma", arrange=_waiting, width=420, height=760),
    Shot("duty-accepted", person="uma", arrange=_accepted, width=420, height=1100),
    Shot("page-why", person="uma", arrange=_why, height=700),
]
