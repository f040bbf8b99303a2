"""What people do with cases."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.cases.domain.codes import State
from services.cases.domain.combination import Combination
from services.cases.http import seeing
from services.cases.http.changing import IfMatch, after_change, change, seen, tag
from services.cases.http.models import (
    AcceptIn,
    CaseDetailOut,
    CaseOut,
    CombinationOut,
    ContactIn,
    ContactRecordedOut,
    DecideIn,
    DeclineIn,
    ReassignIn,
    combination_out,
)
from services.cases.http.view import View, betrays
from services.cases.storage import contacts, offices, reads
from services.cases.storage.offices import ProgramOffices
from services.cases.storage.reads import Filter, Order, Shown
from services.cases.usecases.accept import accept
from services.cases.usecases.decide_combination import decide_combination
from services.cases.usecases.decline import decline
from services.cases.usecases.reassign import reassign
from services.cases.usecases.record_contact import Attempt, record_contact
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.rules import HIDE_PARTIES
from shared.web.gate import Door, SignedIn
from shared.web.idempotency import IdempotencyKey, once
from shared.web.listing import After, Listing, SortedListing
from shared.web.shown import look_past

router = APIRouter(tags=["cases"])

# So far a listing looks for what somebody may see: past all hidden cases of one student, and not through a campus.
_ROWS_LOOKED_AT, _TIMES_LOOKED = 50, 5

Short = Annotated[str | None, Query(min_length=1, max_length=64)]
Count = Annotated[int, Query(ge=1, le=200)]


@router.get("/cases")
async def list_cases(
    gate: SignedIn,
    *,
    campus: Short = None,
    owner: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    state: State | None = None,
    family: Short = None,
    student_id: UUID | None = None,
    referral_id: UUID | None = None,
    sort: Order = "newest",
    after: After = None,
    count: Count = 50,
) -> SortedListing[CaseOut]:
    """Return cases that you may see: those opened last or first, by what is due, or longest without the student.

    Sorted by what is due or by when the student was reached, cases on which nobody works any more come last.
    """
    asked = Filter(campus, owner, state, family, student_id, referral_id, after, count, sort)
    async with gate.begin() as door:
        listing = await _listed(door, asked)
        ids = [str(item.case_id) for item in listing.items]
        await door.record_list(Action.CASE_LIST, ids, asked.said(), campus=campus or EVERYWHERE)
    return listing


async def _listed(door: Door, asked: Filter) -> SortedListing[CaseOut]:
    """Return a page of what the actor may see.

    It looks past what they may not, so that neither a short page nor `after` says that something is hidden there.
    """
    staff = await offices.load(door.connection, door.now)
    items: list[CaseOut] = []
    afters: dict[UUID, str] = {}
    rows, after = max(asked.count, _ROWS_LOOKED_AT), asked.after
    for _ in range(_TIMES_LOOKED):
        shown = await reads.page(door.connection, replace(asked, after=after, count=rows))
        items += _seen_of(shown, staff, asked, door)
        afters |= shown.afters
        after = shown.afters[shown.cases[-1].case_id] if len(shown.cases) == rows else None
        if after is None or len(items) >= asked.count:
            break
    listed = items[: asked.count]
    if len(listed) < len(items) or (len(listed) == asked.count and after is not None):
        after = afters[listed[-1].case_id]
    return SortedListing(items=listed, after=after)


def _seen_of(shown: Shown, staff: ProgramOffices, asked: Filter, door: Door) -> Iterator[CaseOut]:
    decisions = door.allow_each(Action.CASE_LIST, seeing.resources(shown, staff, door))
    view = View(shown, staff, door.now)
    for case, decision in zip(shown.cases, decisions, strict=True):
        if decision is not None and not betrays(asked, decision):
            yield view.head(case, decision)


@router.get("/cases/{case_id}")
async def read_case(gate: SignedIn, case_id: UUID, response: Response) -> CaseDetailOut:
    """Return a case with its team, referrals, contacts, clocks, and why it is whose it is."""
    async with gate.begin() as door:
        shown, staff, decision = await seeing.allowed(door, Action.CASE_READ, case_id)
        (case,) = shown.cases
        log = await contacts.of_case(door.connection, case_id)
        out = View(shown, staff, door.now).detail(case, decision, log, seeing.may(shown, staff, door))
    tag(response, case)
    return out


@router.post("/cases/{case_id}/accept")
async def accept_case(
    gate: SignedIn, case_id: UUID, body: AcceptIn, response: Response, if_match: IfMatch = None
) -> CaseOut:
    """Say that the case, which was assigned to you, is yours."""
    version = seen(if_match, body.version)
    return await change(
        gate,
        response,
        Action.CASE_ACCEPT,
        case_id,
        lambda door: accept(door, case_id, version),
    )


@router.post("/cases/{case_id}/decline")
async def decline_case(
    gate: SignedIn, case_id: UUID, body: DeclineIn, response: Response, if_match: IfMatch = None
) -> CaseOut:
    """Say that you cannot take the case that was assigned to you. It goes to whoever is next."""
    version = seen(if_match, body.version)
    return await change(
        gate, response, Action.CASE_DECLINE, case_id, lambda door: decline(door, case_id, body.reason_code, version)
    )


@router.post("/cases/{case_id}/reassign")
async def reassign_case(
    gate: SignedIn, case_id: UUID, body: ReassignIn, response: Response, if_match: IfMatch = None
) -> CaseOut:
    """Give the case to somebody else. Nobody with a conflict, absent or behind a wall can be chosen."""
    version = seen(if_match, body.version)
    return await change(
        gate,
        response,
        Action.CASE_ASSIGN,
        case_id,
        lambda door: reassign(door, case_id, body.staff_id, body.reason_code, version),
    )


@router.post("/cases/{case_id}/contacts", status_code=201, response_model=ContactRecordedOut)
async def record(
    gate: SignedIn,
    case_id: UUID,
    body: ContactIn,
    request: Request,
    _key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Record a contact attempt. Sending it again with the same Idempotency-Key records it once."""
    attempt = Attempt(
        mode=body.mode,
        direction=body.direction,
        outcome_code=body.outcome_code,
        party=body.party,
        by=body.by,
        at=body.at,
        next_due=body.next_due,
    )
    async with gate.begin() as door:
        shown, _, decision = await seeing.allowed(door, Action.CASE_RECORD_CONTACT, case_id)

        async def make() -> tuple[int, dict[str, object]]:
            version, unnamed = seen(if_match, body.version), decision.obliges(HIDE_PARTIES)
            case, contact = await record_contact(door, case_id, attempt, version, unnamed=unnamed)
            out = ContactRecordedOut(
                contact_id=contact.contact_id, case=await after_change(door, shown, case, decision)
            )
            return 201, out.model_dump(mode="json")

        return await once(door, request, make)


@router.get("/combinations")
async def list_combinations(
    gate: SignedIn, campus: Short = None, after: UUID | None = None, count: Count = 50
) -> Listing[CombinationOut]:
    """Return open questions whether two cases are one, where you may answer them."""
    async with gate.begin() as door:
        staff = await offices.load(door.connection, door.now)
        seen, more = await look_past(
            lambda at, wanted: reads.questions(door.connection, campus=campus, after=at, count=wanted),
            lambda found: _answerable(found, staff, door),
            id_of=lambda question: question.combination_id,
            after=after,
            count=count,
        )
        await door.record_list(
            Action.CASE_COMBINE,
            [str(question.combination_id) for question in seen],
            f"campus={campus}" if campus else "",
            kind="combination",
            campus=campus or EVERYWHERE,
        )
    return Listing(items=[combination_out(question) for question in seen], after=more)


async def _answerable(found: Sequence[Combination], staff: ProgramOffices, door: Door) -> list[Combination]:
    ids = {id_ for question in found for id_ in (question.case_id, question.other_case_id)}
    shown = await reads.some(door.connection, list(ids))
    decisions = door.allow_each(Action.CASE_COMBINE, seeing.resources(shown, staff, door))
    may = {case.case_id for case, yes in zip(shown.cases, decisions, strict=True) if yes is not None}
    return [each for each in found if {each.case_id, each.other_case_id} <= may]


@router.post("/combinations/{combination_id}")
async def answer(gate: SignedIn, combination_id: UUID, body: DecideIn) -> CombinationOut:
    """Combine two cases, or keep them apart. Whoever comes second is told who decided what."""
    async with gate.begin() as door:
        both = await reads.cases_asked_about(door.connection, combination_id)
        if both is None:
            await door.absent(Action.CASE_COMBINE, "combination", str(combination_id))
        await seeing.allowed_both(door, Action.CASE_COMBINE, combination_id, both)
        return combination_out(await decide_combination(door, combination_id, body.decision, body.reason))
