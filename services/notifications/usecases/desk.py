"""What all use cases share: looking around a page before people are chosen, and keeping what became of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain import words
from services.notifications.domain.causes import DANGER, TITLEIX
from services.notifications.domain.links import fingerprint, link_for, sign
from services.notifications.domain.page import Page
from services.notifications.domain.people import Around
from services.notifications.domain.record import EMERGENCY, Policy, State, Telling
from services.notifications.storage import deliveries, links, matters, pages
from services.notifications.storage.deliveries import Delivery
from services.notifications.storage.links import SentLink
from shared.events.codes import Level, level
from shared.events.pages import PageEvent
from shared.events.teams import TeamSnapshot
from shared.ids import new_id
from shared.messaging.timers import Timer, set_timers
from shared.program import Paging, Program, load_program, read
from shared.storage.tx import Tx

PAGE_STEP = "page_step"
PAGE_CONTACT = "page_contact"


@dataclass(frozen=True)
class Desk:
    """What use cases need beside the unit of work: the key that signs links, and how to wake the courier."""

    link_key: bytes
    wake: Callable[[], None]


@dataclass
class Changes:
    """Pages that changed in this unit of work, and what they say about it."""

    pages: dict[UUID, Page]
    events: list[PageEvent]
    accepted: list[UUID]

    @classmethod
    def none(cls) -> "Changes":
        """Return no changes yet."""
        return cls({}, [], [])

    def add(self, page: Page, events: Iterable[PageEvent]) -> None:
        """Note what happened to a page, in order."""
        self.pages[page.id] = page
        self.events.extend(events)


class Surroundings:
    """The program and the teams around some pages, read once for all of them."""

    def __init__(self, program: Program, teams: Sequence[TeamSnapshot]) -> None:
        self.program = program
        self._by_student: dict[tuple[str, UUID], list[TeamSnapshot]] = {}
        self._by_case = {team.case_id: team for team in teams}
        for team in teams:
            if team.student_id is not None:
                self._by_student.setdefault((team.campus, team.student_id), []).append(team)

    def of(self, campus: str, student_id: UUID | None, case_id: UUID | None) -> Around:
        """Return what is around one matter: the teams of its student on its campus and of its case."""
        found = list(self._by_student.get((campus, student_id), ())) if student_id else []
        case = self._by_case.get(case_id) if case_id else None
        if case is not None and case not in found:
            found.append(case)
        return Around(self.program, tuple(found))

    def of_page(self, page: Page) -> Around:
        """Return what is around a page."""
        return self.of(page.cause.campus, page.student_id, page.case_id)


async def look_around(
    connection: AsyncConnection, students: Iterable[UUID | None], cases: Iterable[UUID | None]
) -> Surroundings:
    """Read what is around some matters: two statements, or three when the program changed."""
    program = await load_program(connection)
    wanted = sorted({id_ for id_ in students if id_}), sorted({id_ for id_ in cases if id_})
    return Surroundings(program, await matters.teams(connection, *wanted))


async def look_around_pages(connection: AsyncConnection, found: Iterable[Page]) -> Surroundings:
    """Read what is around some pages."""
    found = list(found)
    return await look_around(connection, (page.student_id for page in found), (page.case_id for page in found))


def policy_for(program: Program, tx: Tx, campus: str, function: str, code: str) -> Policy:
    """Return the policy a page is raised under now, to be frozen into it."""
    policy = program.policy("paging", campus, tx.now)
    paging = policy.rules if isinstance(policy.rules, Paging) else read(Paging, policy.values)
    line = {DANGER: paging.critical if level(code) == Level.CRITICAL else paging.elevated, TITLEIX: paging.titleix}
    return Policy(policy.edition, line[function], program.grant_hours(campus, tx.now))


async def keep(tx: Tx, desk: Desk, changes: Changes, program: Program) -> None:
    """Store pages with everything that follows from what happened to them: messages, links, timers, events."""
    changed = list(changes.pages.values())
    told = [(page, telling) for page in changed for telling in page.fresh]
    timers = [
        Timer(PAGE_STEP, page.id, page.turn, page.cause.campus, page.due_at)
        for page in changed
        if page.due_at is not None and page.open
    ]
    taken = [page for page in changed if page.id in changes.accepted]
    timers += [
        Timer(PAGE_CONTACT, page.id, page.acceptance, page.cause.campus, page.contact_due)
        for page in taken
        if page.contact_due is not None and page.policy.line.contact_minutes
    ]
    messages = [_message(page, telling, program, tx) for page, telling in told]
    messages += [message for page in taken for message in _taken(page, program, tx)]
    await links.save(
        tx.connection, [_link(page, telling, desk) for page, telling in told if telling.target != EMERGENCY]
    )
    await deliveries.cancel(tx.connection, [page.id for page in taken])
    await deliveries.queue(tx.connection, messages, tx.now)
    await set_timers(tx, timers)
    await pages.save(tx.connection, changed)
    tx.publish(*changes.events)
    if messages:
        tx.after_commit.append(desk.wake)


def facts(page: Page, program: Program) -> dict[str, object]:
    """Return what a message says of a page. It names no student and nothing that anybody wrote."""
    campus = page.cause.campus
    return {
        "page_id": page.id,
        "reference": page.cause.reference,
        "function": page.cause.function,
        "level": page.level,
        "campus": words.campus_name(program, campus),
        "happened_at": page.cause.happened_at,
        "raised_at": page.raised_at,
        "unreached": page.state == State.UNREACHED,
    }


def _message(page: Page, telling: Telling, program: Program, tx: Tx) -> Delivery:
    emergency = telling.target == EMERGENCY
    return Delivery(
        id=new_id(),
        kind="emergency" if emergency else "page",
        subject=str(page.id),
        page_id=page.id,
        turn=telling.turn,
        campus=page.cause.campus,
        person=telling.person,
        address=telling.person if emergency else program.staff[telling.person].email,
        facts=facts(page, program),
        due_at=tx.now,
    )


def _taken(page: Page, program: Program, tx: Tx) -> Iterable[Delivery]:
    """Tell everybody who was told and could still come that somebody has it, so that nobody goes in vain."""
    for person in page.addressees:
        known = program.staff.get(person)
        if person == page.accepted_by or person in page.declined or known is None or not known.email:
            continue
        yield Delivery(
            id=new_id(),
            kind="taken",
            subject=str(page.id),
            page_id=page.id,
            turn=page.turn,
            campus=page.cause.campus,
            person=person,
            address=known.email,
            facts=facts(page, program) | {"accepted_by": words.staff_name(program, page.accepted_by or "")},
            due_at=tx.now,
        )


def _link(page: Page, telling: Telling, desk: Desk) -> SentLink:
    link = link_for(page.id, telling.person, page.raised_at)
    return SentLink(link, page.cause.campus, fingerprint(sign(desk.link_key, link)))
