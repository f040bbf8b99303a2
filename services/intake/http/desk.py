"""The triage desk over HTTP: what waits for a decision by the caller, in the order in which to look at it."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from services.intake.http.bodies import Campus, Concern, ReferralView
from services.intake.http.referrals import referral_view
from services.intake.storage import desk, standing
from services.intake.storage.desk import Asked, Order, Row
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE, Actor
from shared.access.decision import Decision
from shared.access.rules import RULES
from shared.events.codes import SourceKind
from shared.program import Program, load_program
from shared.web.gate import Door, SignedIn

router = APIRouter(tags=["desk"])

SOON = timedelta(hours=1)
# What can be asked for about screening, and the categories that mean it.
_SCREENING = {
    "danger": ("danger", "danger_imminent"),
    "misconduct": ("sex_based_misconduct",),
    "missing_person": ("missing_person",),
    "child_abuse": ("child_abuse",),
    "hazing": ("hazing",),
}
# How often a page is filled up with more rows where some may not be seen: recusals are few.
_LOOKS = 5


class DeskRow(ReferralView):
    """A referral that waits, with the number of hits of each category."""

    hits: dict[str, int]
    screened_with: str


class DeskView(BaseModel):
    """Part of the desk. The numbers are of everything that fits what was asked for, not of this part."""

    items: list[DeskRow]
    after: UUID | None
    waiting: int
    danger: int
    late: int
    soon: int
    as_of: datetime


class NewsView(BaseModel):
    """How many wait that came after a time."""

    new: int


@router.get("/desk")
async def show_desk(
    gate: SignedIn,
    *,
    campus: Annotated[Campus | None, Query()] = None,
    source_kind: SourceKind | None = None,
    concern: Concern | None = None,
    screening: Literal["danger", "misconduct", "missing_person", "child_abuse", "hazing"] | None = None,
    matched: bool | None = None,
    late: bool | None = None,
    sort: Order = "urgent",
    after: UUID | None = None,
    count: Annotated[int, Query(ge=1, le=100)] = 25,
) -> DeskView:
    """Show what waits for the caller's decision: danger first, then by the time left, the oldest or the newest."""
    filters = {
        "campus": campus,
        "source_kind": source_kind.value if source_kind else None,
        "concern": concern,
        "screening": list(_SCREENING[screening]) if screening else None,
        "matched": matched,
        "late": late,
    }
    async with gate.begin() as door:
        program = await load_program(door.connection)
        asked = _asked(door, program, {name: value for name, value in filters.items() if value is not None})
        rows, more = await _seen(door, program, asked, sort, after=after, count=count)
        numbers = await desk.counts(door.connection, asked, now=door.now, soon=door.now + SOON)
        question = filters | {"sort": sort if sort != "urgent" else None}
        said = " ".join(f"{name}={value}" for name, value in question.items() if value is not None)
        ids = [str(row.referral_id) for row in rows]
        await door.record_list(
            Action.REFERRAL_LIST, ids, f"desk {said}".strip(), kind="referral", campus=campus or EVERYWHERE
        )
    return DeskView(
        items=rows,
        after=more,
        waiting=numbers.waiting,
        danger=numbers.danger,
        late=numbers.late,
        soon=numbers.soon,
        as_of=door.now,
    )


@router.get("/desk/news")
async def show_news(gate: SignedIn, since: AwareDatetime, campus: Annotated[Campus | None, Query()] = None) -> NewsView:
    """Say how many wait that came after a time, so that an open desk can offer to show them."""
    async with gate.begin() as door:
        program = await load_program(door.connection)
        asked = _asked(door, program, {"since": since} | ({"campus": campus} if campus else {}))
        numbers = await desk.counts(door.connection, asked, now=door.now, soon=door.now)
        await door.record_list(Action.REFERRAL_LIST, [], "desk news", kind="referral", campus=campus or EVERYWHERE)
    return NewsView(new=numbers.waiting)


async def _seen(
    door: Door, program: Program, asked: Asked, order: Order, *, after: UUID | None, count: int
) -> tuple[list[DeskRow], UUID | None]:
    """Return a page of what the actor may see, and what to ask for the next one with."""
    seen: list[DeskRow] = []
    for _ in range(_LOOKS):
        wanted = count + 1 - len(seen)
        found = await desk.page(door.connection, asked, now=door.now, after=after, count=wanted, order=order)
        resources = await standing.resources(door.connection, [row.referral for row in found], program, door.now)
        decisions = door.allow_each(Action.REFERRAL_LIST, resources)
        seen += [_view(row, yes) for row, yes in zip(found, decisions, strict=True) if yes is not None]
        if len(found) < wanted or len(seen) > count:
            break
        after = found[-1].referral.referral_id
    return seen[:count], seen[count - 1].referral_id if len(seen) > count else None


def _view(row: Row, decision: Decision) -> DeskRow:
    view = referral_view(row.referral, decision)
    return DeskRow(**view.model_dump(), hits=dict(row.hits), screened_with=row.screened_with)


def _asked(door: Door, program: Program, filters: dict[str, Any]) -> Asked:
    rule = RULES[Action.REFERRAL_TRIAGE]
    person = program.staff.get(door.actor.id)
    kept_from = [UUID(conflict.student_id) for conflict in person.conflicts] if person else []
    return Asked(
        open=_campuses(door.actor, program, rule.campus, door.now),
        walled=_campuses(door.actor, program, rule.wall, door.now),
        kept_from=kept_from,
        filters=filters,
    )


def _campuses(actor: Actor, program: Program, roles: frozenset[str], now: datetime) -> list[str]:
    """Return the campuses where the actor holds any of these roles."""
    held = {role.campus for role in actor.roles if role.name in roles and role.holds(now)}
    return sorted(program.campuses) if EVERYWHERE in held else sorted(held)
