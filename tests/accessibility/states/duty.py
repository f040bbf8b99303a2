"""Duty: before and after accepting, of whom we know and of whom we do not, and what became of it."""

from typing import Any

from tests.accessibility.registry import State
from tests.journeys.world import World

IN_DANGER = "She wrote that she is going to kill herself tonight."
MISCONDUCT = "Her professor raped her after the party."


async def _raised(world: World, person: str = "uma", **about: Any) -> dict[str, Any]:
    referral = await world.refer("fay", IN_DANGER, **about)
    return await world.page_of(person, referral)


async def _waiting(world: World) -> str:
    return f"/duty/{(await _raised(world))['page_id']}"


async def _accepted(world: World, **about: Any) -> str:
    page = await _raised(world, **about)
    await world.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})
    return f"/duty/{page['page_id']}"


async def _of_somebody(world: World) -> str:
    (student,) = await world.students("NORTH", 1)
    return await _accepted(world, about={"student_id": student})


async def _ended(world: World) -> str:
    path = await _accepted(world)
    await world.post(
        "uma", "notifications", f"/pages/{path.removeprefix('/duty/')}/outcome", {"outcome_code": "reached_safe"}
    )
    return path


async def _confidential(world: World) -> str:
    # Nobody stands in the Title IX line of this program's rota but by role: the coordinator is told.
    referral = await world.refer("fay", MISCONDUCT)
    page = await world.page_of("tia", referral, "titleix")
    return f"/duty/{page['page_id']}"


STATES = [
    State("duty: quiet", "/duty", "bea", first=True, says="Nobody needs you just now"),
    State("duty: danger waits", "/duty", "uma", arrange=lambda world: _nothing(_raised(world)), says="may not be safe"),
    State("duty page: not accepted", person="uma", arrange=_waiting, says="Accepting shows you who it is"),
    State(
        "duty page: no reason given",
        person="uma",
        arrange=_waiting,
        act=lambda page: _click(page, "text=I can’t take it", "text=Tell the next person"),
        says="There is a problem",
    ),
    State(
        "duty page: a confidential one", person="tia", arrange=_confidential, says="A confidential page waits for you"
    ),
    State("duty page: accepted, the person known", person="uma", arrange=_of_somebody, says="Call Student"),
    State(
        "duty page: accepted, the person unknown", person="uma", arrange=_accepted, says="We don’t know yet who this is"
    ),
    State(
        "duty page: nothing chosen",
        person="uma",
        arrange=_accepted,
        act=lambda page: page.click("text=Write it down"),
        says="Choose how it went",
    ),
    State("duty page: accepted by another", person="dee", arrange=_accepted, says="has this page"),
    State("duty page: ended", person="uma", arrange=_ended, says="Reached, safe"),
]


async def _nothing(doing: Any) -> None:
    await doing


async def _click(page: Any, *what: str) -> None:
    for each in what:
        await page.click(each)
