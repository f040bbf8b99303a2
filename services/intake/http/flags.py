"""Routes for flags."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from services.intake.http.bodies import Campus, FlagView
from services.intake.http.imports import NONE_BEFORE, Keys
from services.intake.storage import flags, standing
from services.intake.storage.standing import Matter
from services.intake.usecases.import_flags import COMMENT, comment_record
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.privacy.text import unseal
from shared.program import Program, load_program
from shared.web.gate import Door, SignedIn
from shared.web.listing import Listing

router = APIRouter(tags=["flags"])

_PAGE = 200
# Who keeps the feeds running sees that flags came, not what was written in them.
_WORKS_WITH_STUDENTS = ("case_manager", "supervisor", "triager")


@router.get("/flags")
async def list_flags(
    gate: SignedIn,
    keys: Keys,
    campus: Annotated[Campus, Query()],
    student_id: UUID | None = None,
    after: UUID = NONE_BEFORE,
) -> Listing[FlagView]:
    """Show flags of a campus, in the order they came; of one student with their comments."""
    async with gate.begin() as door:
        program = await load_program(door.connection)
        matter = await _matter(door, program, student_id)
        resource = Resource(
            "flags",
            campus=campus,
            student_id=str(student_id) if student_id else None,
            team=matter.team,
            recused=matter.recused,
            granted=matter.granted,
        )
        await door.allow(Action.FLAGS_LIST, resource, filter=f"campus={campus}", ids=_ids(student_id))
        rows = await flags.page(
            door.connection, campus, student_id=student_id, referral_id=None, after=after, count=_PAGE
        )
        known = {row.student_id for row in rows if row.student_id is not None}
        about = await standing.to_students(door.connection, known, program, door.now)
        shown = [row for row in rows if row.student_id is None or door.actor.id not in about[row.student_id].recused]
        reads = student_id is not None and (
            door.actor.id in matter.team | matter.granted
            or any(door.actor.has(role, campus) for role in _WORKS_WITH_STUDENTS)
        )
        comments = await _comments(door, keys, campus, shown) if reads else {}
    return Listing(items=flag_views(shown, comments), after=rows[-1].flag_id if len(rows) == _PAGE else None)


def flag_views(rows: Sequence[Any], comments: Mapping[UUID, str] | None = None) -> list[FlagView]:
    """Shape rows of flags."""
    said = comments or {}
    return [
        FlagView(
            flag_id=row.flag_id,
            campus=row.campus,
            student_id=row.student_id,
            source=row.source,
            reason_code=row.reason_code,
            severity=row.severity,
            course=row.course,
            section=row.section,
            term=row.term,
            raised_at=row.raised_at,
            cleared_at=row.cleared_at,
            referral_id=row.counted_in,
            comment=said.get(row.flag_id),
        )
        for row in rows
    ]


async def _matter(door: Door, program: Program, student_id: UUID | None) -> Matter:
    if student_id is None:
        return Matter()
    return (await standing.to_students(door.connection, [student_id], program, door.now))[student_id]


async def _comments(door: Door, keys: Keys, campus: str, rows: Sequence[Any]) -> dict[UUID, str]:
    sealed = [
        (comment_record(row.import_id, campus), COMMENT, row.flag_id, bytes(row.comment)) for row in rows if row.comment
    ]
    opened = await unseal(door, keys, campus, sealed)
    return {flag_id: text for (_, _, flag_id, _), text in zip(sealed, opened, strict=True)}


def _ids(student_id: UUID | None) -> tuple[str, ...]:
    return (str(student_id),) if student_id else ()
