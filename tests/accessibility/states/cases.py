"""Cases: the list, and one case in everything that can become of it."""

from datetime import timedelta
from typing import Any

from playwright.async_api import Page

from tests.accessibility.registry import State, without
from tests.journeys.world import World

WORRY = "He has been crying in class."
WORDS = "We spoke for ten minutes. He is staying with his cousin until Sunday."


async def case_of_ana(world: World, **more: Any) -> str:
    """Open a case that ana owns; return its path."""
    (student,) = await world.students("NORTH", 1)
    about: dict[str, Any] = {"about": {"student_id": student}, "concerns": ["mood"]}
    case = await world.case_of("sam", await world.refer("fay", WORRY, **(about | more)))
    if case["owner_id"] != "ana":
        body = {"staff_id": "ana", "reason_code": "capacity"}
        await world.post("sam", "cases", f"/cases/{case['case_id']}/reassign", body)
    return f"/cases/{case['case_id']}"


async def _worked_on(world: World) -> str:
    path = await case_of_ana(world)
    await world.post("ana", "cases", f"{path}/accept", {})
    await world.post("ana", "cases", f"{path}/contacts", {"mode": "phone", "outcome_code": "reached"})
    note = await world.post("ana", "cases", f"{path}/notes", {"kind": "progress", "text": WORDS, "sign": True})
    amended = {"text": f"{WORDS} Then home.", "reason_code": "addition"}
    await world.post("ana", "cases", f"{path}/notes/{note['note_id']}/amend", amended)
    await world.post("ana", "cases", f"{path}/notes", {"kind": "plan", "text": "Ask about"})
    return path


async def _on_hold(world: World) -> str:
    path = await case_of_ana(world)
    review = (world.clock.now() + timedelta(days=9)).isoformat()
    await world.post("ana", "cases", f"{path}/hold", {"reason_code": "hospital", "review_at": review})
    return path


async def _closed(world: World) -> str:
    path = await case_of_ana(world)
    await world.post("ana", "cases", f"{path}/contacts", {"mode": "phone", "outcome_code": "reached"})
    ending = {"close_code": "resolved", "contact_outcome": "reached", "level": "mild", "student_told": True}
    await world.post("ana", "cases", f"{path}/close", ending)
    return path


async def _list_of_ana(world: World) -> str:
    await case_of_ana(world)
    return "/cases"


async def _list_of_all(world: World) -> str:
    await case_of_ana(world)
    return "/cases?whose=all&sort=due"


async def _give_on(page: Page) -> None:
    """Give one case to whoever has it already: it stays, and the page says why."""
    await page.check("tr:has-text('Ana Ruiz') input[name=pick] >> nth=0")
    await page.select_option("#to-whom", "ana")
    await page.select_option("#why", "capacity")
    await page.click("text=Give them the cases chosen")


async def _no_outcome(page: Page) -> None:
    await page.click("text=Save contact")


async def _not_there(_world: World) -> str:
    return "/cases/01990000-0000-7000-8000-000000000000"


STATES = [
    State("cases: none is yours", "/cases", "stu", first=True, says="No case is yours just now"),
    State("cases: mine", "", "ana", arrange=_list_of_ana, says="My cases"),
    State("cases: one that stayed", "", "sam", arrange=_list_of_all, act=_give_on, says="These stayed where they are"),
    State("cases: filtered to nothing", "/cases?whose=all&state=merged", "sam", says="fits these filters"),
    State("cases: cases are away", "/cases", "ana", around=without("cases"), says="Cases are away"),
    State("case: given to you", "", "ana", arrange=case_of_ana, says="This case was given to you"),
    State("case: worked on, with a draft", "", "ana", arrange=_worked_on, says="Your drafts"),
    State("case: of somebody else", "", "ben", arrange=_worked_on, says="What it said before"),
    State("case: on hold", "", "ana", arrange=_on_hold, says="Work goes on by itself"),
    State("case: closed", "", "ana", arrange=_closed, says="The concern is resolved"),
    State("case: nothing chosen", "", "ana", arrange=_worked_on, act=_no_outcome, says="There is a problem"),
    State("case: names are away", "", "ana", arrange=_worked_on, around=without("intake"), says="names are away"),
    State("case: not there", "", "ana", arrange=_not_there, status=404, says="not yours to see"),
]
