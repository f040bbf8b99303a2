"""Today, for the first pages of the guides."""

from tests.guides.people import opened
from tests.guides.registry import Shot
from tests.journeys.world import World

IN_DANGER = "She wrote that she is going to kill herself tonight."


async def _danger(world: World) -> None:
    await world.page_of("uma", await world.refer("fay", IN_DANGER))


async def _cases(world: World) -> None:
    for number, concern in (("N100002", "mood"), ("N100003", "housing"), ("N100004", "finances")):
        student = {"student_id": number}
        referral = await world.refer("fay", "He has been crying in class.", about=student, concerns=[concern])
        case = await opened(world, referral)
        if case["owner_id"] != "ana":
            body = {"staff_id": "ana", "reason_code": "capacity"}
            await world.post("sam", "cases", f"/cases/{case['case_id']}/reassign", body)


SHOTS = [
    Shot("today-danger", "/", "uma", arrange=_danger, height=600),
    Shot("today-cases", "/", "ana", arrange=_cases, height=600),
    Shot("health", "/health-of-services", "ada", height=600),
]
