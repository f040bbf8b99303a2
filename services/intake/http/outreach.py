"""Routes for outreach lists: see them, write to those who wait, and say what came of it."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.intake.domain.outreach import REFERRED, WAITING, Entry
from services.intake.http.bodies import Campus
from services.intake.http.flag_bodies import (
    ChangedView,
    EntryView,
    MessageBody,
    OutcomeBody,
    OutreachListView,
    OutreachView,
    StudentContactView,
)
from services.intake.http.imports import Keys
from services.intake.storage import outreach, standing, students
from services.intake.usecases.end_outreach import end, write_to
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.program import load_program
from shared.refusal import Refused
from shared.storage.positions import Position, id_of
from shared.web.gate import Door, SignedIn
from shared.web.idempotency import IdempotencyKey, once
from shared.web.listing import After, SortedListing

router = APIRouter(tags=["outreach"])

_PAGE = 100
_KIND = "outreach_list"


@router.get("/outreach")
async def list_lists(
    gate: SignedIn,
    campus: Annotated[Campus, Query()],
    is_open: Annotated[bool | None, Query(alias="open", description="whether somebody on it still waits")] = None,
    sort: outreach.Order = "oldest",
    after: After = None,
) -> SortedListing[OutreachListView]:
    """Show outreach lists of a campus with how far they have come: by week, or by who is referred after all soonest."""
    async with gate.begin() as door:
        asked = f"open={is_open} sort={sort}"
        await door.allow(Action.OUTREACH_LIST, Resource(_KIND, campus=campus), filter=asked)
        begins = Position.read(after) if sort == "due" else Position(0, id_of(after)) if after else None
        rows = await outreach.page(door.connection, campus, is_open=is_open, order=sort, after=begins, count=_PAGE)
    last = rows[-1] if len(rows) == _PAGE else None
    more = None if last is None else Position(last.place, last.list_id) if sort == "due" else last.list_id
    return SortedListing(items=[_list(row) for row in rows], after=None if more is None else str(more))


@router.get("/outreach/entries/{referral_id}/contact")
async def contact(referral_id: UUID, gate: SignedIn, campus: Annotated[Campus, Query()]) -> StudentContactView:
    """Tell the delivery worker where one message goes, at the moment of sending. Nobody else may ask."""
    async with gate.begin() as door:
        await door.allow(Action.OUTREACH_RESOLVE, Resource("outreach_entry", id=str(referral_id), campus=campus))
        waiting = [entry for entry in await outreach.lock(door.connection, [referral_id]) if entry.state == WAITING]
        found = await students.by_id(door.connection, [entry.student_id for entry in waiting])
        address = next((student.email for student in found.values() if student.status == "active"), "")
        if not address:
            raise Refused("not_to_be_asked", "This student need not be asked, or has no address.", status=404)
    return StudentContactView(address=address)


@router.get("/outreach/{list_id}")
async def read_list(list_id: UUID, gate: SignedIn) -> OutreachView:
    """Show everybody on a list whom the caller need not keep away from."""
    async with gate.begin() as door:
        await _allow(door, Action.OUTREACH_LIST, list_id)
        (row,) = await outreach.page(door.connection, None, count=1, only=list_id)
        entries = await _mine(door, await outreach.load(door.connection, list_id))
        firings = await outreach.firings(door.connection, [entry.referral_id for entry in entries])
    return OutreachView(about=_list(row), entries=[_entry(each, firings.get(each.referral_id)) for each in entries])


@router.post("/outreach/{list_id}/messages", response_model=ChangedView)
async def write(list_id: UUID, body: MessageBody, request: Request, gate: SignedIn, _key: IdempotencyKey) -> Response:
    """Have a fixed message sent to students of a list who wait. It speaks of nothing but help that is there."""
    async with gate.begin() as door:
        await _allow(door, Action.OUTREACH_MESSAGE, list_id, body.entries)

        async def make() -> tuple[int, dict[str, Any]]:
            written = await write_to(door, list_id, body.entries, body.template, body.language)
            return 200, _changed(written)

        return await once(door, request, make)


@router.post("/outreach/{list_id}/outcomes", response_model=ChangedView)
async def say_outcome(
    list_id: UUID, body: OutcomeBody, request: Request, gate: SignedIn, keys: Keys, _key: IdempotencyKey
) -> Response:
    """Say what came of asking students of a list. Whoever could not be reached becomes a referral."""
    async with gate.begin() as door:
        await _allow(door, Action.OUTREACH_END, list_id, body.entries)

        async def make() -> tuple[int, dict[str, Any]]:
            return 200, _changed(await end(door, keys, list_id, body.entries, body.outcome_code))

        return await once(door, request, make)


async def _allow(door: Door, action: Action, list_id: UUID, entries: Sequence[UUID] = ()) -> None:
    """Let the actor do this to a list, and to these entries of it."""
    found = await outreach.find(door.connection, list_id)
    if found is None:
        await door.absent(action, _KIND, str(list_id))
    ids = [str(entry) for entry in entries]
    await door.allow(action, Resource(_KIND, id=str(list_id), campus=found.campus), ids=[str(list_id), *ids])
    if entries:
        asked = await outreach.lock(door.connection, entries)
        mine = {entry.referral_id for entry in await _mine(door, asked)}
        for kept_away in (entry for entry in asked if entry.referral_id not in mine):
            await door.absent(action, "outreach_entry", str(kept_away.referral_id))


async def _mine(door: Door, entries: Sequence[Entry]) -> list[Entry]:
    """Leave out students whom the actor must keep away from."""
    program = await load_program(door.connection)
    students = {entry.student_id for entry in entries}
    about = await standing.to_students(door.connection, students, program, door.now)
    return [entry for entry in entries if door.actor.id not in about[entry.student_id].recused]


def _changed(entries: Sequence[Entry]) -> dict[str, Any]:
    view = ChangedView(
        changed=[entry.referral_id for entry in entries],
        referred=sum(entry.state == REFERRED for entry in entries),
    )
    return view.model_dump(mode="json")


def _list(row: Any) -> OutreachListView:  # noqa: ANN401 - a row of a statement
    return OutreachListView.model_validate(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's name for a row by names


def _entry(entry: Entry, firing: Any) -> EntryView:  # noqa: ANN401 - a row; None where a person found it
    return EntryView(
        referral_id=entry.referral_id,
        student_id=entry.student_id,
        rule=entry.rule,
        policy_edition=firing.policy_edition if firing else "",
        level=entry.level,
        flags=firing.flag_count if firing else 0,
        severity=(firing.severity if firing else None) or 1,
        courses=[course for course in firing.courses if course] if firing else [],
        fired_at=entry.fired_at,
        listed_at=entry.listed_at,
        refer_at=entry.refer_at,
        messaged_at=entry.messaged_at,
        messaged_by=entry.messaged_by,
        state=entry.state,
        outcome_code=entry.outcome_code,
        decided_at=entry.decided_at,
        decided_by=entry.decided_by,
    )
