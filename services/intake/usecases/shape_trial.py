"""What a trial of rules says, put into plain values: it is kept until whoever asked for it looks at it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.intake.domain.outreach import monday_of
from services.intake.domain.simulation import Example, Outcome
from services.intake.usecases.simulate import Simulated, Tried, weeks_of_term
from shared.program import FlagRule, Program

# Which flags an example stands on: whoever looks sees whose it is only where they may see all of them.
FLAG_IDS = "flag_ids"


def shaped(
    program: Program, found: Simulated, campuses: Sequence[str], span: tuple[datetime, datetime], now: datetime
) -> dict[str, Any]:
    """Return what a trial says, with whose each example is: leave that out for whom it is not to be seen by."""
    since, until = span
    tried = found.tried
    return {
        "since": since,
        "until": until,
        "flags": found.flags,
        "students": found.students,
        "tried": _tried(program, tried, now),
        "in_force": _tried(program, found.in_force, now) if found.in_force is not None else None,
        "examples": [_example(program, example, tried) for example in tried.outcome.chosen()],
        "capacities": [
            {"campus": campus, "referrals_per_week": program.capacity(campus, now).referrals_per_week}
            for campus in sorted(set(campuses))
        ],
    }


def _tried(program: Program, tried: Tried, now: datetime) -> dict[str, Any]:
    outcome = tried.outcome
    return {
        "referrals": outcome.firings,
        "students": len(outcome.students),
        "at_once": outcome.at_once,
        "beyond": sum(tried.beyond.values()),
        "weeks_beyond": len({week for (_, week), count in tried.beyond.items() if count}),
        "earlier_referred": tried.hindsight.earlier,
        "later_referred": len(tried.hindsight.later),
        "later_median_days": tried.hindsight.median_days,
        "weeks": _weeks(program, outcome, tried, now),
        "rules": [{"name": each.name, "mode": each.mode, "firings": _firings(outcome, each)} for each in tried.rules],
    }


def _firings(outcome: Outcome, rule: FlagRule) -> int:
    return outcome.watched[rule.name] if rule.mode == "watch" else outcome.by_rule[rule.name]


def _weeks(program: Program, outcome: Outcome, tried: Tried, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "campus": campus,
            "week_of": monday,
            "term_week": weeks_of_term(program, campus, now, monday),
            "referrals": week.referrals,
            "at_once": week.at_once,
            "beyond": tried.beyond.get((campus, monday), 0),
        }
        for (campus, monday), week in sorted(outcome.weeks.items())
    ]


def _example(program: Program, example: Example, tried: Tried) -> dict[str, Any]:
    firing, whom = example.firing, example.whom
    return {
        "campus": whom.campus,
        "student_id": whom.student_id,
        "rule": firing.rule.said.name,
        "fired_at": firing.fired_at,
        "week_of": monday_of(program.calendar(whom.campus).local_day(firing.fired_at)),
        "flags": len(firing.counted),
        "courses": sorted({signal.course for signal in firing.counted}),
        "reasons": sorted({signal.reason for signal in firing.counted}),
        "later_days": tried.hindsight.later.get((whom.student_id, firing.fired_at)) if whom.student_id else None,
        FLAG_IDS: [signal.flag_id for signal in firing.counted],
    }
