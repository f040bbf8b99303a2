"""Today: what waits for whoever looks."""

from datetime import timedelta

from tests.accessibility.registry import State, without
from tests.journeys.world import World

IN_DANGER = "She wrote that she is going to kill herself tonight."
WORRY = "He has been crying in class."


async def _danger(world: World) -> None:
    await world.page_of("uma", await world.refer("fay", IN_DANGER))


async def _accepted(world: World) -> None:
    page = await world.page_of("uma", await world.refer("fay", IN_DANGER))
    await world.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})


async def _case(world: World) -> str:
    (student,) = await world.students("NORTH", 1)
    referral = await world.refer("fay", WORRY, about={"student_id": student}, concerns=["mood"])
    case = await world.case_of("sam", referral)
    if case["owner_id"] != "ana":
        body = {"staff_id": "ana", "reason_code": "capacity"}
        await world.post("sam", "cases", f"/cases/{case['case_id']}/reassign", body)
    return str(case["case_id"])


async def _due(world: World) -> None:
    await _case(world)
    case_id = await _case(world)
    await world.post("ana", "cases", f"/cases/{case_id}/accept", {})
    soon = (world.clock.now() + timedelta(hours=3)).isoformat()
    tried = {"mode": "phone", "outcome_code": "no_answer", "next_due": soon}
    await world.post("ana", "cases", f"/cases/{case_id}/contacts", tried)


async def _case_nobody_knows(world: World) -> None:
    referral = await world.refer("fay", WORRY, concerns=["mood"])
    decided = {"decision": "open_case", "reason_code": "named_concern"}
    await world.post("ana", "intake", f"/referrals/{referral['referral_id']}/triage", decided)
    case = await world.case_of("sam", referral)
    body = {"staff_id": "ben", "reason_code": "capacity"}
    await world.post("sam", "cases", f"/cases/{case['case_id']}/reassign", body)


STATES = [
    State("today: nothing waits", "/", "stu", first=True, says="Nothing waits for you"),
    State("today: without a desk", "/", "fay", first=True, says="Are you worried about a student?"),
    State("today: danger, waiting", "/", "uma", arrange=_danger, says="Danger: a student at North Campus"),
    State("today: danger, accepted by you", "/", "uma", arrange=_accepted, says="Accepted by you, not yet known safe"),
    State("today: cases with clocks", "/", "ana", arrange=_due, says="Next contact"),
    State("today: person unknown", "/", "ben", arrange=_case_nobody_knows, says="We don’t know yet who this is"),
    State("today: owners away", "/", "ana", around=without("cases", "intake"), says="What waits for you is away"),
]
