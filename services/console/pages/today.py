"""Today: what waits for whoever signed in. Danger first, then what is due, then pages, cases and the desks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from services.console import nav, today
from services.console.owners import Answer
from services.console.visit import Visit, Visiting
from shared.access.actors import EVERYWHERE

router = APIRouter(include_in_schema=False)

_CASES, _PAGES, _DANGERS, _FOLLOWED, _MOST = 8, 5, 3, 3, 200


@router.get("/")
async def show(visit: Visiting) -> HTMLResponse:
    """Show what waits."""
    if not visit.person.is_staff:
        return visit.page("today_without_desk.html")
    campus = None if visit.campus == EVERYWHERE else visit.campus
    pages, cases, reviews, questions = await visit.together(
        visit.ask("notifications", "/pages", campus=campus),
        visit.ask("cases", "/cases", campus=campus, owner=visit.person.id, count=_MOST),
        visit.ask("notifications", "/late-reviews", campus=campus, state="open"),
        visit.ask("cases", "/combinations", campus=campus),
    )
    waiting = today.waiting_for(pages.items(), visit.person.id)
    accepted = today.accepted_by(pages.items(), visit.person.id, visit.now)[:_FOLLOWED]
    work = today.work_of(cases.items(), visit.now, visit.zone)
    followed = await _followed(visit, accepted)
    shown = [*(step.case for step in work.due), *work.cases[:_CASES], *filter(None, followed)]
    names = await visit.names([case["student_id"] for case in shown])
    return visit.page(
        "today.html",
        pages=pages,
        cases=cases,
        waiting=waiting[:_DANGERS],
        waiting_more=max(0, len(waiting) - _DANGERS),
        followed=[
            (page, case, today.reached(case, datetime.fromisoformat(page["accepted_at"])))
            for page, case in zip(accepted, followed, strict=True)
        ],
        mine=today.mine_of(pages.items(), visit.person.id)[:_PAGES],
        work=work,
        names=names,
        counted=_CASES,
        also=_also(visit, reviews, questions),
        duty=_duty(visit),
        jobs={job.path for job in nav.jobs_of(visit.person.roles, visit.console.paths)},
        at=datetime.fromisoformat,
    )


async def _followed(visit: Visit, accepted: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | None]:
    """Return the case of each accepted page, where there is one yet: it says whether the student was reached."""
    known = [page["case_id"] for page in accepted if page["case_id"]]
    answers = await visit.together(*(visit.ask("cases", f"/cases/{case_id}") for case_id in known))
    found = {case_id: answer.json for case_id, answer in zip(known, answers, strict=True) if answer.ok}
    return [found.get(page["case_id"]) for page in accepted]


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
