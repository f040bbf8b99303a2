"""Pages over HTTP, for people who are signed in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from services.notifications.domain import why
from services.notifications.domain.page import Page
from services.notifications.domain.people import Around
from services.notifications.domain.record import NO_ANSWER
from services.notifications.http.resources import of_page
from services.notifications.storage import deliveries, pages, reads
from services.notifications.usecases import answer_page
from services.notifications.usecases.desk import Desk, look_around_pages
from shared.access.actions import Action
from shared.storage.positions import Position, id_of
from shared.web.gate import Door, SignedIn
from shared.web.listing import After, SortedListing
from shared.web.shown import look_past
from shared.web.site import part

router = APIRouter(tags=["pages"])

AtDesk = Annotated[Desk, Depends(part(Desk))]
_MOST = 100

StateCode = Literal["notifying", "accepted", "unreached_owned", "ended"]
OutcomeCode = Literal["no_answer", "reached_safe", "police_check", "transported", "not_located", "handed_over"]
ReasonCode = Literal["with_somebody", "off_duty", "cannot_get_there", "unwell", "other"]


class ToldOut(BaseModel):
    """Somebody who was told: when first, as what, and whether they said that they cannot take it."""

    staff_id: str
    at: datetime
    target: str
    declined: bool


class PageAnswer(BaseModel):
    """A page. It names no student: accepting opens the matter itself, in the service that holds it."""

    page_id: UUID
    reference: str
    state: StateCode
    function: str
    level: str
    campus: str
    referral_id: UUID
    case_id: UUID | None
    happened_at: datetime
    raised_at: datetime
    step: int
    next_at: datetime | None
    repeat: int
    owner_id: str | None
    addressees: list[str]
    told: list[ToldOut]
    accepted_by: str | None
    accepted_via: str
    accepted_at: datetime | None
    grant_until: datetime | None
    contact_due: datetime | None
    contacted_at: datetime | None
    attempts: int
    disposition: str
    disposed_at: datetime | None
    reopened: int
    policy_edition: str

    @classmethod
    def of(cls, page: Page, reader: str) -> "PageAnswer":
        """Return a page as it is shown to somebody."""
        return cls(
            page_id=page.id,
            reference=page.cause.reference,
            state=page.state.value,
            function=page.cause.function,
            level=page.level,
            campus=page.cause.campus,
            referral_id=page.cause.referral_id,
            case_id=page.case_known_to(reader),
            happened_at=page.cause.happened_at,
            raised_at=page.raised_at,
            step=page.step,
            next_at=page.due_at,
            repeat=page.repeat,
            owner_id=page.owner_id,
            addressees=list(page.addressees),
            told=_told(page),
            accepted_by=page.accepted_by,
            accepted_via=page.accepted_via,
            accepted_at=page.accepted_at,
            grant_until=page.grant_until,
            contact_due=page.contact_due,
            contacted_at=page.contacted_at,
            attempts=sum(answer.reason == NO_ANSWER for answer in page.answers),
            disposition=page.disposition,
            disposed_at=page.disposed_at,
            reopened=page.reopened,
            policy_edition=page.policy.edition,
        )


def _told(page: Page) -> list[ToldOut]:
    first = {each.person: each for each in reversed(page.tellings) if each.told}
    return [
        ToldOut(
            staff_id=person,
            at=first[person].at,
            target=first[person].target,
            declined=person in page.declined and person != page.accepted_by,
        )
        for person in page.addressees
    ]


class Said(BaseModel):
    """One thing that happened, or will."""

    at: datetime
    text: str


class Why(BaseModel):
    """A page explained: what happened in order of time, what comes next, and the policy frozen into it."""

    page_id: UUID
    reference: str
    zone: str
    sentences: list[Said]
    policy_edition: str
    policy: list[str]


class Accept(BaseModel):
    """Nothing is asked of whoever takes a page."""

    model_config = ConfigDict(extra="forbid")


class Decline(BaseModel):
    """Why somebody cannot take a page."""

    model_config = ConfigDict(extra="forbid")

    reason_code: ReasonCode


class Outcome(BaseModel):
    """What came of it; `no_answer` leaves the page open with its responder."""

    model_config = ConfigDict(extra="forbid")

    outcome_code: OutcomeCode


@router.get("/pages")
async def list_pages(
    *,
    gate: SignedIn,
    state: StateCode | None = None,
    campus: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    referral_id: UUID | None = None,
    mine: Annotated[bool, Query(description="only those the caller was told of")] = False,
    sort: reads.Order = "newest",
    after: After = None,
) -> SortedListing[PageAnswer]:
    """List the pages that the caller may know of: the newest first, or those that have waited longest for somebody."""
    async with gate.begin() as door:
        told = door.actor.id if mine else None

        waiting = sort == "waiting"
        begins = Position.read(after) if waiting else Position(0, id_of(after)) if after else None

        async def page_of(at: Position | None, count: int) -> list[Page]:
            return await reads.pages(
                door.connection, state=state, campus=campus, referral_id=referral_id, told=told, after=at, count=count,
                order=sort,
            )  # fmt: skip

        shown, more = await look_past(
            page_of, lambda found: _known_to(door, found), id_of=reads.position, after=begins, count=_MOST
        )
        question = f"state={state or ''} campus={campus or ''} referral_id={referral_id or ''}"
        question += f" after={begins.id if begins else ''} mine={mine} sort={sort}"
        await door.record_list(Action.PAGE_LIST, [str(page.id) for page in shown], question, kind="page")
        last = None if more is None else str(more if waiting else more.id)
        return SortedListing(items=[PageAnswer.of(page, door.actor.id) for page in shown], after=last)


async def _known_to(door: Door, found: Sequence[Page]) -> list[Page]:
    """Leave out pages that the reader may not know of."""
    around = await look_around_pages(door.connection, found)
    resources = [of_page(page, around.of_page(page), door.actor.id) for page in found]
    decisions = door.allow_each(Action.PAGE_LIST, resources)
    return [page for page, decision in zip(found, decisions, strict=True) if decision is not None]


@router.get("/pages/{page_id}")
async def read_page(gate: SignedIn, page_id: UUID) -> PageAnswer:
    """Read a page."""
    async with gate.begin() as door:
        page, _ = await _allowed(door, Action.PAGE_READ, page_id)
        return PageAnswer.of(page, door.actor.id)


@router.get("/pages/{page_id}/why")
async def explain_page(gate: SignedIn, page_id: UUID) -> Why:
    """Say in sentences who was told, when and why, who was not and why not, and what comes next."""
    async with gate.begin() as door:
        page, around = await _allowed(door, Action.PAGE_WHY, page_id)
        receipts = await deliveries.receipts(door.connection, page.id)
        sentences = why.explain(page, around.program, receipts, door.now, reader=door.actor.id)
        return Why(
            page_id=page.id,
            reference=page.cause.reference,
            zone=str(around.program.calendar(page.cause.campus).zone),
            sentences=[Said(at=sentence.at, text=sentence.text) for sentence in sentences],
            policy_edition=page.policy.edition,
            policy=why.policy_sentences(page, around.program),
        )


@router.post("/pages/{page_id}/accept")
async def accept_page(gate: SignedIn, desk: AtDesk, page_id: UUID, _body: Accept | None = None) -> PageAnswer:
    """Take a page: telling stops, and its one matter opens to the caller for a time. Twice is the same as once."""
    async with gate.begin() as door:
        page, _ = await _allowed(door, Action.PAGE_ACCEPT, page_id, locked=True)
        await answer_page.accept(door, desk, page, door.actor.id, via="console")
        return PageAnswer.of(page, door.actor.id)


@router.post("/pages/{page_id}/decline")
async def decline_page(gate: SignedIn, desk: AtDesk, page_id: UUID, body: Decline) -> PageAnswer:
    """Say that the caller cannot take a page; the next people are told at once when nobody else was."""
    async with gate.begin() as door:
        page, _ = await _allowed(door, Action.PAGE_DECLINE, page_id, locked=True)
        await answer_page.decline(door, desk, page, door.actor.id, body.reason_code, via="console")
        return PageAnswer.of(page, door.actor.id)


@router.post("/pages/{page_id}/outcome")
async def record_outcome(gate: SignedIn, desk: AtDesk, page_id: UUID, body: Outcome) -> PageAnswer:
    """Write down what came of a page the caller has: an attempt, or how it ended."""
    async with gate.begin() as door:
        page, _ = await _allowed(door, Action.PAGE_RECORD_OUTCOME, page_id, locked=True)
        await answer_page.record_outcome(door, desk, page, door.actor.id, body.outcome_code)
        return PageAnswer.of(page, door.actor.id)


async def _allowed(door: Door, action: Action, page_id: UUID, *, locked: bool = False) -> tuple[Page, Around]:
    """Return a page that the actor may do this with, and what is around it; or answer as if it were not there."""
    found = await (pages.lock if locked else pages.load)(door.connection, [page_id])
    if not found:
        await door.absent(action, "page", str(page_id))
    page = found[0]
    around = (await look_around_pages(door.connection, [page])).of_page(page)
    await door.allow(action, of_page(page, around, door.actor.id))
    return page, around
