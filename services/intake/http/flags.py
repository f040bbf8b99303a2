"""Routes for flags: see them by student and by course, raise one, clear them, let one stand again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime

from services.intake.http.bodies import Campus, FlagView
from services.intake.http.flag_bodies import (
    ClearBody,
    ClearedView,
    Code,
    CourseListing,
    CourseView,
    RaisedView,
    RaiseFlag,
)
from services.intake.http.imports import Keys
from services.intake.storage import flag_sources, flag_states, standing
from services.intake.storage.flag_states import Asked
from services.intake.storage.flags import COMMENT, comment_record
from services.intake.storage.standing import Matter
from services.intake.usecases.clear_flags import clear_flags, reopen_flag
from services.intake.usecases.raise_flag import Raising, raise_flag
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.decision import Resource
from shared.privacy.text import unseal
from shared.program import Program, load_program
from shared.refusal import Refused
from shared.web.gate import Door, SignedIn
from shared.web.idempotency import IdempotencyKey, once
from shared.web.limits import RateLimiter
from shared.web.listing import Listing
from shared.web.shown import look_past
from shared.web.site import part, site_of

router = APIRouter(tags=["flags"])

_PAGE = 200
# Who keeps the feeds running sees that flags came, not what was written in them.
_WORKS_WITH_STUDENTS = ("case_manager", "supervisor", "triager")
_BETWEEN = "|"  # which no code can hold

Limiter = Annotated[RateLimiter, Depends(part(RateLimiter))]
State = Literal["open", "cleared", "expired", "all"]
Severity = Annotated[int, Query(ge=1, le=3, description="this and graver")]


@router.get("/flags")
async def list_flags(
    gate: SignedIn,
    keys: Keys,
    *,
    campus: Annotated[Campus, Query()],
    student_id: UUID | None = None,
    course: Annotated[Code | None, Query()] = None,
    section: Annotated[Code | None, Query()] = None,
    term: Annotated[Code | None, Query()] = None,
    reason: Annotated[Code | None, Query()] = None,
    source: Annotated[Code | None, Query()] = None,
    severity: Severity = 1,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    state: State = "all",
    sort: Literal["oldest", "newest"] = "oldest",
    after: UUID | None = None,
) -> Listing[FlagView]:
    """Show flags of a campus by when they were raised; of one student with their comments.

    It looks past those of students whom the caller must keep away from, and audits whose flags it shows.
    """
    asked = Asked(
        campus, student_id, course, section, term, reason, source, severity=severity, since=since, until=until,
        state=state,
    )  # fmt: skip
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
        await door.allow(Action.FLAGS_LIST, resource, ids=_ids(student_id))
        shown, more = await look_past(
            lambda at, count: flag_states.page(door.connection, asked, order=sort, after=at, count=count),
            lambda rows: _not_recused(door, program, rows),
            id_of=lambda row: row.flag_id,
            after=after,
            count=_PAGE,
        )
        ids = [str(row.flag_id) for row in shown]
        await door.record_list(Action.FLAGS_LIST, ids, _question(asked), kind="flag", campus=campus)
        works = _works(door, campus) or (student_id is not None and door.actor.id in matter.team | matter.granted)
        comments = await _comments(door, keys, campus, shown) if works and student_id is not None else {}
    return Listing(items=flag_views(shown, comments, people=works), after=more)


@router.get("/flags/courses")
async def list_courses(
    gate: SignedIn,
    *,
    campus: Annotated[Campus, Query()],
    course: Annotated[Code | None, Query()] = None,
    term: Annotated[Code | None, Query()] = None,
    reason: Annotated[Code | None, Query()] = None,
    severity: Severity = 1,
    since: AwareDatetime | None = None,
    state: State = "all",
    after: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = "",
) -> CourseListing:
    """Show how many flags each section of a course has, by term and course."""
    asked = Asked(campus, course=course, term=term, reason=reason, severity=severity, since=since, state=state)
    last_term, last_course, last_section, *_ = (*after.split(_BETWEEN), "", "")
    async with gate.begin() as door:
        await door.allow(Action.FLAGS_LIST, Resource("flags", campus=campus), filter=f"courses {_question(asked)}")
        rows = await flag_states.courses(
            door.connection, asked, after=(last_term, last_course, last_section), count=_PAGE
        )
    items = [
        CourseView(
            term=row.term,
            course=row.course,
            section=row.section,
            flags=row.flags,
            open=row.open,
            students=row.students,
            severity=row.severity,
            newest=row.newest,
        )
        for row in rows
    ]
    more = _BETWEEN.join((rows[-1].term, rows[-1].course, rows[-1].section)) if len(rows) == _PAGE else None
    return CourseListing(items=items, after=more)


@router.post("/flags", status_code=201, response_model=RaisedView)
async def raise_one(
    body: RaiseFlag, request: Request, gate: SignedIn, keys: Keys, limiter: Limiter, _key: IdempotencyKey
) -> Response:
    """Raise a flag about a student. Anybody signed in may, and learns nothing about the student by it."""
    now = site_of(request).database.clock.now()
    said = _raising(body, now)
    await limiter.slow(gate.subject, "flags", danger=False)
    async with gate.begin() as door:
        await door.allow(Action.FLAGS_RAISE, Resource("flags", campus=body.campus))

        async def make() -> tuple[int, dict[str, Any]]:
            return 201, {"reference": str(await raise_flag(door, keys, said))}

        return await once(door, request, make)


@router.post("/flags:clear")
async def clear(body: ClearBody, gate: SignedIn) -> ClearedView:
    """Say that flags need nothing any more, and why. What rules made of them stays; repeating it changes nothing."""
    async with gate.begin() as door:
        resources = await _resources(door, Action.FLAGS_CLEAR, body.flag_ids)
        for resource, yes in zip(resources, door.allow_each(Action.FLAGS_CLEAR, resources), strict=True):
            if yes is None:  # all of them or none
                await door.allow(Action.FLAGS_CLEAR, resource)
        campus = resources[0].campus if len({each.campus for each in resources}) == 1 else EVERYWHERE
        ids = [str(id_) for id_ in body.flag_ids]
        await door.record_list(Action.FLAGS_CLEAR, ids, f"reason={body.reason}", kind="flag", campus=campus)
        cleared = await clear_flags(door, body.flag_ids, body.reason)
    return ClearedView(cleared=cleared)


@router.post("/flags/{flag_id}/reopen", status_code=204)
async def reopen(flag_id: UUID, gate: SignedIn, keys: Keys) -> None:
    """Let a flag that was cleared or has expired stand again; rules count it unless one has."""
    async with gate.begin() as door:
        (resource,) = await _resources(door, Action.FLAGS_REOPEN, [flag_id])
        await door.allow(Action.FLAGS_REOPEN, resource)
        await reopen_flag(door, keys, flag_id)


def flag_views(
    rows: Sequence[Any], comments: Mapping[UUID, str] | None = None, *, people: bool = False
) -> list[FlagView]:
    """Shape rows of flags; with the `people` who raised and cleared them."""
    said = comments or {}
    return [_view(row, said.get(row.flag_id), people=people) for row in rows]


def _view(row: Any, comment: str | None, *, people: bool) -> FlagView:  # noqa: ANN401 - a row of `flag_states`
    return FlagView(
        flag_id=row.flag_id,
        campus=row.campus,
        student_id=row.student_id,
        source=row.source,
        sources=[row.source, *row.also_from],
        reason_code=row.reason_code,
        severity=row.severity,
        course=row.course,
        section=row.section,
        term=row.term,
        raised_at=row.raised_at,
        state=_state(row),
        cleared_at=row.cleared_at,
        cleared_reason=row.cleared_reason or ("source" if row.cleared_at else ""),
        reopened_at=row.reopened_at,
        referral_id=row.counted_in if row.made in (None, "referral") else None,
        outreach_id=row.counted_in if row.made == "outreach" else None,
        rule=row.rule,
        comment=comment,
        raised_by=row.raised_by or None if people else None,
        cleared_by=row.cleared_by or None if people else None,
    )


def _state(row: Any) -> Literal["open", "cleared", "expired"]:  # noqa: ANN401 - as above
    if row.cleared_at is None:
        return "open"
    return "expired" if row.cleared_reason == "expired" else "cleared"


def _raising(body: RaiseFlag, now: datetime) -> Raising:
    raised_at = body.raised_at or now
    if raised_at > now:
        raise Refused("in_the_future", "This lies in the future.", status=422, pointer="/body/raised_at")
    if (body.student_id is None) == (not body.student_number):
        raise Refused(
            "which_student", "Say the student's number, or our own id.", status=422, pointer="/body/student_number"
        )
    return Raising(
        campus=body.campus,
        student_id=body.student_id,
        student_number=body.student_number,
        reason_code=body.reason_code,
        severity=body.severity,
        course=body.course,
        section=body.section,
        term=body.term,
        comment=body.comment.strip(),
        raised_at=raised_at,
    )


async def _resources(door: Door, action: Action, ids: Sequence[UUID]) -> list[Resource]:
    """Return these flags as `decide()` needs them, held until the transaction ends."""
    rows = await flag_states.lock(door.connection, ids)
    found = {row.flag_id for row in rows}
    for missing in ids:
        if missing not in found:
            await door.absent(action, "flag", str(missing))
    program = await load_program(door.connection)
    known = {row.student_id for row in rows if row.student_id is not None}
    about = await standing.to_students(door.connection, known, program, door.now)
    return [_resource(row, about.get(row.student_id, Matter())) for row in rows]


def _resource(row: Any, matter: Matter) -> Resource:  # noqa: ANN401 - a row of `flag_states`
    return Resource(
        "flag",
        id=str(row.flag_id),
        campus=row.campus,
        student_id=str(row.student_id) if row.student_id else None,
        team=matter.team,
        recused=matter.recused,
        granted=matter.granted,
    )


async def _not_recused(door: Door, program: Program, rows: Sequence[Any]) -> list[Any]:
    """Leave out students whom the actor must keep away from."""
    known = {row.student_id for row in rows if row.student_id is not None}
    about = await standing.to_students(door.connection, known, program, door.now)
    return [row for row in rows if row.student_id is None or door.actor.id not in about[row.student_id].recused]


def _works(door: Door, campus: str) -> bool:
    return any(door.actor.has(role, campus) for role in _WORKS_WITH_STUDENTS)


async def _matter(door: Door, program: Program, student_id: UUID | None) -> Matter:
    if student_id is None:
        return Matter()
    return (await standing.to_students(door.connection, [student_id], program, door.now))[student_id]


async def _comments(door: Door, keys: Keys, campus: str, rows: Sequence[Any]) -> dict[UUID, str]:
    """Return what was written with flags; what further sources of theirs wrote follows, under their names."""
    first = [("", row) for row in rows if row.comment]
    also = await flag_sources.comments(door.connection, [row.flag_id for row in rows if row.also_from])
    written = [*first, *((f"{row.source}: ", row) for row in also)]
    sealed = [(comment_record(row.import_id, campus), COMMENT, row.flag_id, bytes(row.comment)) for _, row in written]
    said: dict[UUID, list[str]] = {}
    for (source, row), opened in zip(written, await unseal(door, keys, campus, sealed), strict=True):
        said.setdefault(row.flag_id, []).append(f"{source}{opened}")
    return {flag_id: "\n\n".join(texts) for flag_id, texts in said.items()}


def _question(asked: Asked) -> str:
    """Return what was asked, in codes, for the audit."""
    said = {name: value for name, value in asked.values().items() if value not in (None, False, "all")}
    return " ".join(f"{name}={value}" for name, value in said.items() if (name, value) != ("severity", 1))


def _ids(student_id: UUID | None) -> tuple[str, ...]:
    return (str(student_id),) if student_id else ()
