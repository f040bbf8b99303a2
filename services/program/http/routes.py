"""The two things people do with the program: read it, and apply a document to it."""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError

from services.program.domain.changes import Change, campuses_touched
from services.program.domain.document import SYSTEM, DocumentInvalid, campuses_of_all
from services.program.http.models import ApplyIn, ApplyOut, ChangeOut, ProgramOut, program_out
from services.program.usecases.apply_document import Plan, carry_out, plan_document
from services.program.usecases.read_program import read_program
from shared.access.actions import Action
from shared.access.actors import Actor
from shared.access.decision import Resource
from shared.web.gate import Door, SignedIn

router = APIRouter(tags=["program"])
Kind = Annotated[Literal["campus", "staff", "rota", "policy"] | None, Query(description="only this kind")]
Key = Annotated[
    str, Query(max_length=200, pattern=r"^[^\x00]*$", description="only this one: `staff:ana`, `rota:NORTH:duty`, ...")
]


@router.get("/program")
async def read(gate: SignedIn, kind: Kind = None, key: Key = "") -> ProgramOut:
    """Return campuses, staff, rotas and policies."""
    async with gate.begin() as door:
        found = await read_program(door, kind or "", key)
        keys = [snapshot.key for snapshot in found]
        asked = f"kind={kind}" if kind else ""
        await door.allow(Action.PROGRAM_READ, Resource("program", campus=SYSTEM), ids=keys, filter=asked)
        return program_out(found, door.now)


@router.post("/program:apply")
async def apply(gate: SignedIn, body: ApplyIn) -> ApplyOut:
    """Make the program what a document says, where it says something; with `dry_run` only say what would change.

    Saying the same again changes nothing. It takes an administrator of every campus concerned, and for the rules over
    flags two: those are proposed, unless this is the first program of an installation.
    """
    entries = body.document.entries()
    async with gate.begin() as door:
        # First by what the document says, so that nobody else learns what exists from what is wrong with it.
        asked = campuses_of_all(entry.snapshot for entry in entries) or _administered(door.actor)
        await _allow(door, asked, [entry.key for entry in entries])
        try:
            planned = await plan_document(door, entries, body.versions)
        except DocumentInvalid as invalid:
            raise RequestValidationError(_errors(invalid)) from invalid
        changes = planned.changes
        await _allow(door, campuses_touched(changes) - asked, [change.key for change in changes])
        proposed = {} if body.dry_run else await carry_out(door, planned)
    return ApplyOut(changes=[_said(change, planned, proposed) for change in changes], dry_run=body.dry_run)


def _said(change: Change, planned: Plan, proposed: Mapping[str, UUID]) -> ChangeOut:
    return ChangeOut(
        key=change.key,
        kind=change.kind,
        change=change.change,
        fields=list(change.fields),
        needs_approval=change in planned.proposed,
        proposal_id=proposed.get(change.key),
    )


async def _allow(door: Door, campuses: Collection[str], keys: list[str]) -> None:
    for campus in sorted(campuses):
        await door.allow(Action.PROGRAM_CHANGE, Resource("program", campus=campus), ids=keys)


def _administered(actor: Actor) -> frozenset[str]:
    """Return a campus that the actor may change, for a document that says only what is to be removed."""
    return frozenset({min((role.campus for role in actor.roles if role.name == "administrator"), default=SYSTEM)})


def _errors(invalid: DocumentInvalid) -> list[dict[str, object]]:
    """Return the faults as the framework says its own, so that all of them come with their pointers."""
    return [
        {"type": "document", "loc": ("body", "document", *fault.place), "msg": fault.detail} for fault in invalid.faults
    ]
