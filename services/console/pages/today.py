"""Today: what waits for whoever signed in. Danger first, then what is due, then pages, cases and the desks."""

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from services.console import casework, nav, paging, reading, today
from services.console.owners import Answer
from services.console.pages.paging import said
from services.console.visit import Visit, Visiting
from shared.access.actors import EVERYWHERE

router = APIRouter(include_in_schema=False)

_CASES, _PAGES, _DANGERS, _MOST = 8, 5, 3, 200


@router.get("/")
async def show(visit: Visiting) -> HTMLResponse:
    """Show what waits."""
    if not visit.person.is_staff:
        return visit.page("today_without_desk.html")
    campus = None if visit.campus == EVERYWHERE else visit.campus
    pages, cases, reviews, questions = await visit.together(
        visit.ask("notifications", "/pages", campus=campus, mine="true"),
        visit.ask("cases", "/cases", campus=campus, owner=visit.person.id, count=_MOST),
        visit.ask("notifications", "/late-reviews", campus=campus, state="open"),
        visit.ask("cases", "/combinations", campus=campus),
    )
    mine = [paging.view(visit, each) for each in pages.items()]
    waiting = today.waiting(mine)
    work = today.work_of(cases.items(), visit.now, visit.zone)
    shown = [*(step.case for step in work.due), *work.cases[:_CASES]]
    return visit.page(
        "today.html",
        away=pages.missing or cases.missing,
        waiting=waiting[:_DANGERS],
        waiting_more=max(0, len(waiting) - _DANGERS),
        followed=[page for page in mine if page.mine and page.late],
        mine=mine[:_PAGES],
        said=said,
        work=work,
        names=await visit.names([case["student_id"] for case in shown]),
        counted=_CASES,
        concerns_of=reading.concerns_of,
        stages=casework.STATES,
        also=_also(visit, reviews, questions),
        duty=_duty(visit),
        jobs={job.path for job in nav.jobs_of(visit.person.roles, visit.console.paths)},
    )


def _also(visit: Visit, reviews: Answer, questions: Answer) -> list[tuple[str, str, int]]:
    """Return what else waits, as (words, address, how many)."""
    desks = [
        (job.label, job.path, visit.numbers.get(job.path, 0))
        for job in nav.jobs_of(visit.person.roles, visit.console.paths)
        if job.path in ("/triage", "/match", "/flags", "/feeds")
    ]
    asked = [
        ("Old news of danger to look at", "/pages?late=open", len(reviews.items())),
        ("Two cases that may be one", "/cases?combine=1", len(questions.items())),
    ]
    return [*desks, *(each for each in asked if each[2])]


def _duty(visit: Visit) -> list[tuple[str, list[str], list[str], bool]]:
    """Return for each campus looked at who is on duty, who stands behind, and whether that is this person."""
    codes = [each.code for each in visit.campuses] if visit.campus == EVERYWHERE else [visit.campus]
    found = []
    for code in codes[:_DANGERS]:
        first = visit.program.on_duty(code, "duty", visit.now)
        backup = visit.program.on_duty(code, "duty", visit.now, backup=True)
        named = [[visit.staff_name(each) for each in people] for people in (first, backup)]
        found.append((visit.campus_name(code), named[0], named[1], visit.person.id in first))
    return found
