"""Routes for notes. Who may read a case learns that a clinical note exists; what it says is for clinical staff."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.cases.domain.case import Case
from services.cases.domain.codes import NoteKind
from services.cases.domain.notes import Note
from services.cases.http import seeing
from services.cases.http.models import AmendIn, ChangeLogOut, DraftIn, EditionOut, NoteIn, NoteOut, NotesOut
from services.cases.storage import around, notes
from services.cases.storage.notes import Edition
from services.cases.storage.offices import ProgramOffices
from services.cases.storage.reads import Shown
from services.cases.usecases import write_note
from shared.access.actions import Action
from shared.access.decision import Decision, Resource, decide
from shared.access.rules import ONLY_DANGER
from shared.privacy.keys import KeyRing
from shared.web.gate import Denied, Door, SignedIn
from shared.web.idempotency import IdempotencyKey, once
from shared.web.site import part

router = APIRouter(tags=["notes"])

Keys = Annotated[KeyRing, Depends(part(KeyRing))]


@router.get("/cases/{case_id}/notes")
async def list_notes(gate: SignedIn, keys: Keys, case_id: UUID) -> NotesOut:
    """Return the notes of a case, the newest first, each with all its editions, and what people changed about it.

    Of a note that is not the reader's to read it says that it exists and whom to ask. Drafts are their author's alone.
    """
    async with gate.begin() as door:
        shown, staff, decision = await seeing.allowed(door, Action.CASE_READ_NOTES, case_id)
        if decision.obliges(ONLY_DANGER):
            return NotesOut(notes=[], changes=[], only_danger=True)
        there = [
            note
            for note in await notes.of_case(door.connection, case_id)
            if not note.is_draft or note.author_id == door.actor.id
        ]
        (whole,) = seeing.resources(shown, staff, door)
        open_ = [note for note in there if _may(door, Action.CASE_READ_NOTES, whole, note.kind)]
        if open_:
            await door.allow(Action.CASE_READ_NOTES, whole, ids=[str(note.note_id) for note in open_])
        said = await notes.texts(door, keys, open_)
        log = await around.changes(door.connection, case_id)
        return NotesOut(
            notes=[_out(note, said.get(note.note_id), staff) for note in there],
            changes=[
                ChangeLogOut(how=each.how, code=each.code, by=staff.name(each.changed_by), at=each.changed_at)
                for each in log
            ],
            only_danger=False,
        )


@router.post("/cases/{case_id}/notes", status_code=201, response_model=NoteOut)
async def write(
    gate: SignedIn, keys: Keys, case_id: UUID, body: NoteIn, request: Request, _key: IdempotencyKey
) -> Response:
    """Write a note: sign it at once, or keep it as a draft that nobody else sees."""
    async with gate.begin() as door:
        case, staff, _ = await _allowed(door, case_id, body.kind)

        async def make() -> tuple[int, dict[str, object]]:
            note = await write_note.begin(door, keys, case, body.kind, body.text, sign=body.sign)
            # What was written is not sent back: the answer is kept for whoever sends this twice.
            return 201, _out(note, None, staff).model_dump(mode="json")

        return await once(door, request, make)


@router.put("/cases/{case_id}/notes/{note_id}")
async def change_draft(gate: SignedIn, keys: Keys, case_id: UUID, note_id: UUID, body: DraftIn) -> NoteOut:
    """Change a draft of your own, and sign it or keep it."""
    async with gate.begin() as door:
        note, case, staff = await _note(door, case_id, note_id)
        return _out(await write_note.change_draft(door, keys, case, note, body.text, sign=body.sign), None, staff)


@router.delete("/cases/{case_id}/notes/{note_id}", status_code=204)
async def drop_draft(gate: SignedIn, case_id: UUID, note_id: UUID) -> Response:
    """Throw a draft of your own away."""
    async with gate.begin() as door:
        note, _, _ = await _note(door, case_id, note_id)
        await write_note.drop_draft(door, note)
    return Response(status_code=204)


@router.post("/cases/{case_id}/notes/{note_id}/amend")
async def amend(gate: SignedIn, keys: Keys, case_id: UUID, note_id: UUID, body: AmendIn) -> NoteOut:
    """Say a signed note anew, with a reason. What was written before stays readable."""
    async with gate.begin() as door:
        note, case, staff = await _note(door, case_id, note_id)
        amended = await write_note.amend(door, keys, case, note, body.text, reason_code=body.reason_code.value)
        return _out(amended, None, staff)


async def _note(door: Door, case_id: UUID, note_id: UUID) -> tuple[Note, Case, ProgramOffices]:
    """Return a note of a case, locked, that the actor may write on."""
    shown, staff, _ = await seeing.allowed(door, Action.CASE_WRITE_NOTE, case_id)
    note = await write_note.found(door, note_id)
    if note.case_id != case_id:
        await door.absent(Action.CASE_WRITE_NOTE, "note", str(note_id))
    _require(door, shown, staff, note.kind)
    return note, shown.cases[0], staff


async def _allowed(door: Door, case_id: UUID, kind: str) -> tuple[Case, ProgramOffices, Decision]:
    shown, staff, decision = await seeing.allowed(door, Action.CASE_WRITE_NOTE, case_id)
    _require(door, shown, staff, kind)
    return shown.cases[0], staff, decision


def _require(door: Door, shown: Shown, staff: ProgramOffices, kind: str) -> None:
    (whole,) = seeing.resources(shown, staff, door)
    if not _may(door, Action.CASE_WRITE_NOTE, whole, kind):
        raise Denied(hidden=False)


def _may(door: Door, action: Action, whole: Resource, kind: str) -> bool:
    """Return whether the actor, who may do this on the case, may do it with a note of this kind too."""
    if kind != NoteKind.CLINICAL:
        return True
    decision = decide(door.actor, action, replace(whole, sensitivity="clinical"), door.now)
    return decision.allow and not decision.obliges(ONLY_DANGER)


def _out(note: Note, editions: Sequence[Edition] | None, staff: ProgramOffices) -> NoteOut:
    return NoteOut(
        note_id=note.note_id,
        kind=note.kind,
        author_id=note.author_id,
        author_name=staff.name(note.author_id),
        edition=note.edition,
        begun_at=note.begun_at,
        signed_at=note.signed_at,
        restricted=editions is None,
        editions=[
            EditionOut(
                edition=each.edition,
                text=each.text,
                reason_code=each.reason_code,
                by=each.written_by,
                name=staff.name(each.written_by),
                at=each.written_at,
            )
            for each in editions or ()
        ],
    )
