"""Routes for rules over flags: try them on the past, and see what they made or, watching, would have made."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query

from services.intake.domain.outreach import monday_of
from services.intake.domain.simulation import Example, Outcome
from services.intake.http.bodies import Campus
from services.intake.http.flag_bodies import (
    CapacityView,
    Edition,
    ExampleView,
    FiringView,
    RuleView,
    SimulateBody,
    SimulationView,
    Tallies,
    TallyView,
    TriedView,
    WeekView,
)
from services.intake.http.imports import NONE_BEFORE
from services.intake.storage import counting
from services.intake.usecases.simulate import Simulated, Tried, rules_of_edition, simulate, weeks_of_term
from shared.access.actions import Action
from shared.access.decision import Resource, decide
from shared.program import FlagRule, Program, Threshold, load_program, read
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
    if not timedelta(0) < body.until - body.since <= _LONGEST:
        raise Refused("bad_span", "Choose a time of at most 400 days.", status=422, pointer="/body/until")
    campuses = sorted(set(body.campuses))
    async with gate.begin() as door:
        for campus in campuses:
            await door.allow(Action.RULES_SIMULATE, Resource("rules", campus=campus), filter=_question(body))
        program = await load_program(door.connection)
        rules = {campus: _rules(program, body, campus, door) for campus in campuses}
        found = await simulate(
            door, program, rules, since=body.since, until=body.until, salt=body.salt
        )  # fmt: skip
        chosen = found.tried.outcome.chosen()
        flags = [signal.flag_id for example in chosen for signal in example.firing.counted]
        return _view(door, program, body, found, await counting.before_the_wall(door.connection, flags))


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


def _rules(program: Program, body: SimulateBody, campus: str, door: Door) -> Sequence[FlagRule]:
    if campus not in program.campuses:
        raise Refused("unknown_campus", "There is no such campus.", status=422, pointer="/body/campuses")
    if body.rules is not None:
        try:
            return read(Threshold, {"rules": body.rules}).rules
        except msgspec.ValidationError as error:
            place = str(error).partition("`$.")[2].rstrip("`").replace("[", "/").replace("]", "").replace(".", "/")
            raise Refused(
                "bad_rule", "This is no rule. See what a rule can say.", status=422, pointer=f"/body/{place or 'rules'}"
            ) from error
    if body.edition is not None:
        return rules_of_edition(program, campus, body.edition)
    return program.flag_rules(campus, door.now)


def _question(body: SimulateBody) -> str:
    what = "draft" if body.rules is not None else body.edition or "in force"
    return f"simulate {what} since={body.since.date()} until={body.until.date()}"


def _view(door: Door, program: Program, body: SimulateBody, found: Simulated, open_: set[UUID]) -> SimulationView:
    return SimulationView(
        since=body.since,
        until=body.until,
        flags=found.flags,
        students=found.students,
        tried=_tried(door, program, found.tried),
        in_force=_tried(door, program, found.in_force) if found.in_force is not None else None,
        examples=_examples(door, program, found.tried, open_),
        capacities=[
            CapacityView(campus=campus, referrals_per_week=program.capacity(campus, door.now).referrals_per_week)
            for campus in sorted(set(body.campuses))
        ],
    )


def _tried(door: Door, program: Program, tried: Tried) -> TriedView:
    outcome = tried.outcome
    return TriedView(
        referrals=outcome.firings,
        students=len(outcome.students),
        at_once=outcome.at_once,
        beyond=sum(tried.beyond.values()),
        weeks_beyond=len({week for (_, week), count in tried.beyond.items() if count}),
        earlier_referred=tried.hindsight.earlier,
        later_referred=len(tried.hindsight.later),
        later_median_days=tried.hindsight.median_days,
        weeks=_weeks(door, program, outcome, tried),
        rules=[RuleView(name=each.name, mode=each.mode, firings=_firings(outcome, each)) for each in tried.rules],
    )


def _firings(outcome: Outcome, rule: FlagRule) -> int:
    return outcome.watched[rule.name] if rule.mode == "watch" else outcome.by_rule[rule.name]


def _weeks(door: Door, program: Program, outcome: Outcome, tried: Tried) -> list[WeekView]:
    return [
        WeekView(
            campus=campus,
            week_of=monday,
            term_week=weeks_of_term(program, campus, door.now, monday),
            referrals=week.referrals,
            at_once=week.at_once,
            beyond=tried.beyond.get((campus, monday), 0),
        )
        for (campus, monday), week in sorted(outcome.weeks.items())
    ]


def _examples(door: Door, program: Program, tried: Tried, open_: set[UUID]) -> list[ExampleView]:
    return [_example(door, program, example, tried, open_) for example in tried.outcome.chosen()]


def _example(door: Door, program: Program, example: Example, tried: Tried, open_: set[UUID]) -> ExampleView:
    """Show an example. Whose it is shows only where every flag of it stands in a list of flags too."""
    firing, whom = example.firing, example.whom
    listed = all(signal.flag_id in open_ for signal in firing.counted)
    return ExampleView(
        campus=whom.campus,
        student_id=whom.student_id if listed and _may_see_whose(door, whom.campus) else None,
        rule=firing.rule.said.name,
        fired_at=firing.fired_at,
        week_of=monday_of(program.calendar(whom.campus).local_day(firing.fired_at)),
        flags=len(firing.counted),
        courses=sorted({signal.course for signal in firing.counted}),
        reasons=sorted({signal.reason for signal in firing.counted}),
        later_days=tried.hindsight.later.get((whom.student_id, firing.fired_at)) if whom.student_id else None,
    )


def _may_see_whose(door: Door, campus: str) -> bool:
    """Whether the actor sees the flags of the campus anyway; a count tells nobody whose they are."""
    return decide(door.actor, Action.FLAGS_LIST, Resource("flags", campus=campus), door.now).allow
