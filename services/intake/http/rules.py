"""Routes for rules over flags: try them on the past, and see what they made or, watching, would have made."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query

from services.intake.http.bodies import Campus
from services.intake.http.flag_bodies import (
    Edition,
    FiringView,
    SimulateBody,
    SimulationView,
    Tallies,
    TallyView,
    TrialBody,
    TrialView,
)
from services.intake.http.imports import NONE_BEFORE
from services.intake.storage import counting, rule_trials
from services.intake.usecases.shape_trial import FLAG_IDS, shaped
from services.intake.usecases.simulate import rules_to_try, simulate
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.decision import Resource, decide
from shared.ids import new_id
from shared.program import FlagRule, Program, load_program
from shared.refusal import Refused
from shared.web.gate import Door, SignedIn
from shared.web.listing import Listing

router = APIRouter(tags=["rules"])

_PAGE = 200
_LONGEST = timedelta(days=400)


@router.post("/rules:simulate")
async def simulate_rules(body: SimulateBody, gate: SignedIn) -> SimulationView:
    """Say what rules would have made of past flags, by week and campus, with examples; nobody is told anything.

    An edition, named, counts as it did: what it made then is what comes out.
    """
    async with gate.begin() as door:
        program, rules = await _allowed(door, body)
        found = await simulate(door, program, rules, since=body.since, until=body.until, salt=body.salt)
        return await _view(door, shaped(program, found, body.campuses, (body.since, body.until), door.now))


@router.post("/rules/trials", status_code=202)
async def begin_trial(body: TrialBody, gate: SignedIn) -> TrialView:
    """Have rules tried on past flags, which takes a while: ask for the trial again and again until it is done."""
    trial_id = new_id()
    async with gate.begin() as door:
        await _allowed(door, body)
        where = body.campuses[0] if len(set(body.campuses)) == 1 else EVERYWHERE
        await rule_trials.add(door, trial_id, where, body.model_dump_json())
    return TrialView(trial_id=trial_id, state="waiting", looked_at=0, kept=body.kept, result=None)


@router.get("/rules/trials/{trial_id}")
async def read_trial(trial_id: UUID, gate: SignedIn) -> TrialView:
    """Say how far a trial is that the caller asked for, and once it is done what rules would have made."""
    async with gate.begin() as door:
        row = await rule_trials.find(door.connection, trial_id, door.actor.id)
        if row is None:
            await door.absent(Action.RULES_SIMULATE, "rules", str(trial_id))
        body = TrialBody.model_validate_json(row.question)
        await _allowed(door, body)
        result = await _view(door, msgspec.json.decode(row.result)) if row.state == rule_trials.DONE else None
    return TrialView(trial_id=trial_id, state=row.state, looked_at=row.looked_at, kept=body.kept, result=result)


@router.get("/rules/firings")
async def list_firings(
    gate: SignedIn,
    *,
    campus: Annotated[Campus, Query()],
    rule: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_]{0,63}$")] = None,
    edition: Annotated[Edition | None, Query()] = None,
    made: Literal["referral", "outreach", "watch"] | None = None,
    after: UUID = NONE_BEFORE,
) -> Listing[FiringView]:
    """Show what rules made on a campus, in the order in which they made it; `watch`: what they would have made."""
    async with gate.begin() as door:
        question = f"rule={rule} edition={edition} made={made}"
        await door.allow(Action.RULES_FIRINGS, Resource("rules", campus=campus), filter=question)
        rows = await counting.page(
            door.connection, campus, rule=rule, made=made, edition=edition, after=after, count=_PAGE
        )
        whose = _may_see_whose(door, campus)
    items = [
        FiringView(
            firing_id=row.referral_id,
            campus=row.campus,
            student_id=row.student_id if whose else None,
            rule=row.rule,
            policy_campus=row.policy_campus,
            policy_edition=row.policy_edition,
            made=row.made,
            made_at=row.made_at,
            fired_at=row.fired_at,
            flags=row.flag_count,
            courses=row.course_count,
        )
        for row in rows
    ]
    return Listing(items=items, after=rows[-1].referral_id if len(rows) == _PAGE else None)


@router.get("/rules/tally")
async def tally(gate: SignedIn, campus: Annotated[Campus, Query()]) -> Tallies:
    """Show how often each rule of each edition fired, and what came of it."""
    async with gate.begin() as door:
        await door.allow(Action.RULES_FIRINGS, Resource("rules", campus=campus), filter="tally")
        rows = await counting.tally(door.connection, campus)
    return Tallies(
        items=[
            TallyView(
                rule=row.rule,
                policy_campus=row.policy_campus,
                policy_edition=row.policy_edition,
                made=row.made,
                firings=row.firings,
                students=row.students,
                first_at=row.first_at,
                last_at=row.last_at,
            )
            for row in rows
        ]
    )


async def _allowed(door: Door, body: SimulateBody) -> tuple[Program, dict[str, Sequence[FlagRule]]]:
    """Return the program, and for each campus that the actor may try rules on those that are meant."""
    if not timedelta(0) < body.until - body.since <= _LONGEST:
        raise Refused("bad_span", "Choose a time of at most 400 days.", status=422, pointer="/body/until")
    campuses = sorted(set(body.campuses))
    for campus in campuses:
        await door.allow(Action.RULES_SIMULATE, Resource("rules", campus=campus), filter=_question(body))
    program = await load_program(door.connection)
    return program, {campus: rules_to_try(program, campus, body.rules, body.edition, door.now) for campus in campuses}


def _question(body: SimulateBody) -> str:
    what = "draft" if body.rules is not None else body.edition or "in force"
    return f"simulate {what} since={body.since.date()} until={body.until.date()}"


async def _view(door: Door, said: dict[str, Any]) -> SimulationView:
    """Show what a trial says. Whose an example is shows only where every flag of it stands in a list of flags too."""
    ids = [UUID(str(id_)) for example in said["examples"] for id_ in example[FLAG_IDS]]
    listed = await counting.before_the_wall(door.connection, ids)
    examples = [
        {
            **example,
            "student_id": example["student_id"]
            if {UUID(str(id_)) for id_ in example[FLAG_IDS]} <= listed and _may_see_whose(door, example["campus"])
            else None,
        }
        for example in said["examples"]
    ]
    return SimulationView.model_validate({**said, "examples": examples})


def _may_see_whose(door: Door, campus: str) -> bool:
    """Whether the actor sees the flags of the campus anyway; a count tells nobody whose they are."""
    return decide(door.actor, Action.FLAGS_LIST, Resource("flags", campus=campus), door.now).allow
