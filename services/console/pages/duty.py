"""Duty: one page, one student. Accept, call, write down. Made for one hand, on a phone, at night."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import counts, paging
from services.console.forms import Form
from services.console.owners import Answer
from services.console.paging import PageView
from services.console.visit import Visit, Visiting
from shared.web.gate import LIVE, USE_HEADER

router = APIRouter(include_in_schema=False)

# How long accepting waits for the matter to be open: intake hears of it over the log, mostly within 50 ms.
PAUSES_S = (0.03, 0.06, 0.12, 0.25, 0.5, 0.5)


@dataclass(frozen=True, slots=True)
class Matter:
    """What the page is about, as far as it is open to whoever accepted it."""

    open: bool
    known: bool
    name: str
    pronouns: str = ""
    facts: tuple[str, ...] = ()
    description: str = ""
    words: tuple[tuple[str, str, int], ...] = ()
    only_danger: bool = False
    contacts: tuple[Mapping[str, str], ...] = ()
    student_id: str = ""


NOT_OPEN = Matter(open=False, known=False, name="")


@router.get("/duty")
async def mine(visit: Visiting) -> HTMLResponse:
    """Show what waits for this person, and what they have taken that has not ended."""
    answer = await visit.ask("notifications", "/pages", mine="true")
    found = [paging.view(visit, each) for each in answer.items()]
    waiting = [each for each in found if each.waits and not each.declined]
    taken = [each for each in found if each.mine and each.state == "accepted"]
    ended = [each for each in found if each not in waiting and each not in taken][:5]
    return visit.page("duty.html", waiting=waiting, taken=taken, ended=ended, away=answer.missing)


@router.get("/duty/{page_id}")
async def one(visit: Visiting, page_id: UUID) -> HTMLResponse:
    """Show one page in the state it is in, to this person. Nobody's name before it is accepted."""
    return await _show(visit, page_id)


@router.post("/duty/{page_id}/accept")
async def accept(visit: Visiting, page_id: UUID, form: Form) -> Response:
    """Take it, and wait a moment until the matter is open."""
    answer = await visit.tell("notifications", "POST", f"/pages/{page_id}/accept", {}, key=form.key)
    if answer.ok:
        visit.console.counts.forget(visit.person.id, visit.campus, counts.PAGES)
        await _opened(visit, answer.json["referral_id"])
        return visit.go(f"/duty/{page_id}")
    return await _refused(visit, page_id, answer)


@router.post("/duty/{page_id}/decline")
async def decline(visit: Visiting, page_id: UUID, form: Form) -> Response:
    """Say that this person cannot take it."""
    reason = form.get("reason", "")
    if reason not in {each for each, _, _ in paging.REASONS}:
        return await _show(visit, page_id, wrong="reason")
    answer = await visit.tell(
        "notifications", "POST", f"/pages/{page_id}/decline", {"reason_code": reason}, key=form.key
    )
    if answer.ok:
        return visit.go("/duty", said="The next person is told now. Thank you for saying so.")
    return await _refused(visit, page_id, answer)


@router.post("/duty/{page_id}/outcome")
async def outcome(visit: Visiting, page_id: UUID, form: Form) -> Response:
    """Write down what came of it."""
    code = form.get("outcome", "")
    if code not in {each for each, _, _ in paging.OUTCOMES}:
        return await _show(visit, page_id, wrong="outcome")
    answer = await visit.tell(
        "notifications", "POST", f"/pages/{page_id}/outcome", {"outcome_code": code}, key=form.key
    )
    if not answer.ok:
        return await _refused(visit, page_id, answer)
    if code == "no_answer":
        return visit.go(f"/duty/{page_id}", said="Written down. The page stays with you.")
    return visit.go(f"/duty/{page_id}", said=f"Written down: {paging.ENDINGS[code]}. The page has ended.")


async def _refused(visit: Visit, page_id: UUID, answer: Answer) -> Response:
    """Show the page as it is now where somebody was faster; say what else was wrong."""
    if answer.status == HTTPStatus.CONFLICT:
        return await _show(visit, page_id, faster=answer.detail)
    answer.need()
    raise AssertionError


async def _show(visit: Visit, page_id: UUID, *, wrong: str = "", faster: str = "") -> HTMLResponse:
    said = (await visit.ask("notifications", f"/pages/{page_id}")).need()
    page = paging.view(visit, said)
    matter = await _matter(visit, page) if page.mine and page.danger else NOT_OPEN
    campus = visit.program.campuses.get(page.campus)
    # Never by what reads the eye first: a sentence before, a status that says it was not taken.
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.CONFLICT if faster else HTTPStatus.OK
    return visit.page(
        "duty_page.html",
        status,
        page=page,
        matter=matter,
        police=campus.police if campus else "",
        after_hours=campus.after_hours if campus else "",
        emergency=str(visit.program.policy("referral_form", page.campus, visit.now).values["emergency"]),
        reasons=paging.REASONS,
        outcomes=paging.OUTCOMES,
        wrong=wrong,
        faster=faster,
    )


async def _opened(visit: Visit, referral_id: str) -> None:
    """Wait until intake has heard of the acceptance; not for long, the page says so if it has not."""
    for pause in PAUSES_S:
        if (await visit.ask("intake", f"/referrals/{referral_id}", headers={USE_HEADER: LIVE})).ok:
            return
        await asyncio.sleep(pause)


async def _matter(visit: Visit, page: PageView) -> Matter:
    """Return who it is and what was written, each as far as its owner lets this person see."""
    referral, narrative = await visit.together(
        visit.ask("intake", f"/referrals/{page.referral_id}"),
        visit.ask("intake", f"/referrals/{page.referral_id}/narrative"),
    )
    if not referral.ok:
        return NOT_OPEN
    about = (narrative.json.get("about") if narrative.ok else None) or {}
    words = tuple(_parts(narrative.json)) if narrative.ok else ()
    only_danger = bool(narrative.ok and narrative.json["only_danger"])
    student_id = referral.json["student_id"]
    if not student_id:
        described = about.get("description") or about.get("name") or ""
        return Matter(open=True, known=False, name="", description=described, words=words, only_danger=only_danger)
    student, contacts = await visit.together(
        visit.ask("intake", f"/students/{student_id}"),
        visit.ask("intake", f"/students/{student_id}/emergency-contacts"),
    )
    known = student.json if student.ok else {}
    names = await visit.names([student_id]) if not known else None
    return Matter(
        open=True,
        known=True,
        name=known["name"] if known else names[student_id] if names else "",
        pronouns=known.get("pronouns", ""),
        facts=tuple(_facts(known)),
        description=about.get("description", ""),
        words=words,
        only_danger=only_danger,
        contacts=tuple(contacts.json["contacts"]) if contacts.ok else (),
        student_id=student_id,
    )


def _facts(known: Mapping[str, Any]) -> list[str]:
    """Return what helps to find somebody."""
    found = []
    if known.get("residence"):
        found.append(f"Lives at {known['residence']}.")
    if known.get("classes"):
        found.append("Classes: " + ", ".join(f"{each['course']} {each['section']}" for each in known["classes"][:4]))
    if known.get("is_minor"):
        found.append("Under 18.")
    return found


def _parts(narrative: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Cut a narrative into what screening marked as danger and what lies between; marks that overlap are one."""
    text, marked = narrative["narrative"], list[tuple[int, int]]()
    for hit in sorted(narrative["hits"], key=lambda hit: int(hit["start"])):
        if hit["negated"] or not hit["category"].startswith("danger"):
            continue
        if marked and hit["start"] <= marked[-1][1]:
            marked[-1] = marked[-1][0], max(marked[-1][1], hit["end"])
        else:
            marked.append((hit["start"], hit["end"]))
    parts, place = list[tuple[str, str, int]](), 0
    for number, (start, end) in enumerate(marked, start=1):
        parts += [(text[place:start], "", 0), (text[start:end], "danger", number)]
        place = end
    return [part for part in [*parts, (text[place:], "", 0)] if part[0]]
