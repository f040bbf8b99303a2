"""What the link's page says in each of its states. Plain words, no student, nothing that acts by being looked at."""

from dataclasses import dataclass
from datetime import datetime

from services.notifications.domain import words
from services.notifications.domain.causes import DANGER
from services.notifications.domain.links import Link
from services.notifications.domain.page import Page
from services.notifications.domain.record import DECLINE_REASONS, State
from shared.program import Program


@dataclass(frozen=True, slots=True)
class Option:
    """One reason somebody can choose."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """One state of the page: `open` `yours` `taken` `declined` `ended`."""

    state: str
    title: str
    danger: bool
    level: str
    campus: str
    reference: str
    age: str
    told: tuple[str, ...]
    next_line: str
    holder: str
    since: str
    until: str
    contact: str
    hours: str
    zone: str
    reasons: tuple[Option, ...]


_REASONS = tuple(Option(code, words.DECLINED[code].capitalize()) for code in DECLINE_REASONS)
_ORDER = {"yours": "You have this page", "taken": "Somebody has this page", "ended": "This link has ended"}


def view(page: Page, link: Link, program: Program, now: datetime) -> View:
    """Return what the page of a link shows now."""
    campus, danger = page.cause.campus, page.cause.function == DANGER
    state = _state(page, link, now)
    wanted = "Danger: a student may not be safe" if danger else "A confidential page waits for you"
    return View(
        state=state,
        title=_ORDER.get(state, wanted),
        danger=danger,
        level=page.level,
        campus=words.campus_name(program, campus),
        reference=page.cause.reference,
        age=words.age(page.cause.happened_at, now),
        told=tuple(_told(page, link.staff_id, program)),
        next_line=_next(page, program),
        holder=words.staff_name(program, page.accepted_by or ""),
        since=_day(program, campus, page.accepted_at),
        until=_day(program, campus, page.grant_until),
        contact=_day(program, campus, page.contact_due),
        hours=f"{page.policy.grant_hours:g}",
        zone=words.zone(program, campus, now),
        reasons=_REASONS,
    )


def _state(page: Page, link: Link, now: datetime) -> str:
    if page.state == State.ENDED:
        return "ended"
    if page.state == State.ACCEPTED:
        return "yours" if page.accepted_by == link.staff_id else "taken"
    if link.expired(now):
        return "ended"
    return "declined" if link.staff_id in page.declined else "open"


def _told(page: Page, reader: str, program: Program) -> list[str]:
    """Say who else was told, each once, by when they were first told."""
    first = {t.person: t for t in reversed(page.tellings) if t.told and t.person in page.addressees}
    lines = []
    for person in page.addressees:
        name = "You" if person == reader else words.staff_name(program, person)
        at = words.clock(program, page.cause.campus, first[person].at)
        answer = ", cannot take it" if person in page.declined and person != page.accepted_by else ""
        lines.append(f"{name}, told at {at}{answer}")
    return lines


def _next(page: Page, program: Program) -> str:
    if page.due_at is None:
        return ""
    at = words.clock(program, page.cause.campus, page.due_at)
    if page.state == State.UNREACHED:
        return f"Nobody has taken it yet. The next mail about it goes out at {at}, unless somebody takes it."
    return f"It goes to the next person at {at}, unless somebody accepts."


def _day(program: Program, campus: str, at: datetime | None) -> str:
    return words.day_and_clock(program, campus, at) if at else ""
