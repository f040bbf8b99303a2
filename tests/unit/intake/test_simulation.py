"""A trial is the count itself: whatever flags and rules there are, it foretells what counting piece by piece makes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain import outreach
from services.intake.domain.flag_rules import Rules, Signal, active, watching, weeks_of
from services.intake.domain.outreach import Cohort, Entry, cohort_of, decided, jumps
from services.intake.domain.simulation import EXAMPLES, Outcome, Trial, Whom, hindsight, try_on
from services.intake.domain.threshold import Firing, fire
from shared.program.rules import FlagRule
from shared.refusal import Refused

START = datetime(2026, 8, 24, 12, tzinfo=UTC)
NO_WEEKS = weeks_of([], ZoneInfo("UTC"))
WHOM = Whom(UUID(int=1), "NORTH")
REASONS = ("LATE_WORK", "ABSENCE", "PERSONAL_CONCERN")


def rule(name: str, **said: Any) -> FlagRule:
    asked: dict[str, Any] = {"family": "academic", "level": "mild"}
    return FlagRule(name=name, **asked | said)


def signal(number: int, day: float, **said: Any) -> Signal:
    raised: dict[str, Any] = {"course": "A", "severity": 1}
    return Signal(UUID(int=number), START + timedelta(days=day), **raised | said)


signals = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from("ABC"), st.integers(1, 3), st.sampled_from(REASONS)), max_size=24
).map(
    lambda drawn: [
        signal(n, day, course=course, severity=severity, reason=reason)
        for n, (day, course, severity, reason) in enumerate(sorted(drawn))
    ]
)
rule_lists = st.lists(
    st.builds(
        dict[str, Any],
        flags=st.integers(1, 4),
        courses=st.integers(1, 2),
        days=st.sampled_from([3.0, 7.0, 21.0]),
        min_severity=st.integers(1, 3),
        at_once=st.booleans(),
        reasons=st.sampled_from([(), ("ABSENCE",), ("PERSONAL_CONCERN", "LATE_WORK")]),
    ),
    min_size=1,
    max_size=3,
).map(lambda drawn: [rule(f"rule_{n}", **said) for n, said in enumerate(drawn)])


def trial(rules: Sequence[FlagRule], *, before: Rules = ()) -> Trial:
    return Trial(
        making=active(rules, NO_WEEKS),
        watching=watching(rules, NO_WEEKS),
        before=lambda _at: before,
        watched_before={},
        week_of=NO_WEEKS,
        day_of=lambda at: at.date(),
        capacity=None,
        least=1,
    )


def tried(rules: Sequence[FlagRule], feed: Sequence[Signal], since: datetime = START, **more: Any) -> Outcome:
    outcome = Outcome(since, START + timedelta(days=400))
    try_on(outcome, WHOM, feed, trial(rules, **more))
    return outcome


def piece_by_piece(rules: Sequence[FlagRule], feed: Sequence[Signal]) -> list[Firing]:
    """Count day by day, each time looking only as far around what is new as any rule reaches, as the service does."""
    making, far = active(rules, NO_WEEKS), timedelta(days=21)
    left: dict[UUID, Signal] = {}
    fired: dict[str, list[datetime]] = {}
    made: list[Firing] = []
    for day in sorted({each.raised_at for each in feed}):
        left |= {each.flag_id: each for each in feed if each.raised_at == day}
        around = [each for each in left.values() if day - far <= each.raised_at <= day + far]
        for firing in fire(around, fired, lambda _at: making):
            for each in firing.counted:
                del left[each.flag_id]
            fired.setdefault(firing.rule.said.name, []).append(firing.fired_at)
            made.append(firing)
    return made


@settings(max_examples=150, deadline=None)
@given(signals, rule_lists)
def test_what_is_foretold_is_what_counting_makes(feed: list[Signal], rules: list[FlagRule]) -> None:
    made, outcome = piece_by_piece(rules, feed), tried(rules, feed)
    assert outcome.firings == len(made)
    assert outcome.by_rule == {
        name: n for name in outcome.by_rule if (n := sum(f.rule.said.name == name for f in made))
    }
    assert sorted(outcome.when.get(UUID(int=1), [])) == sorted(firing.fired_at for firing in made)
    assert sum(week.referrals for week in outcome.weeks.values()) == len(made)


@settings(max_examples=60, deadline=None)
@given(signals, rule_lists, st.integers(0, 60))
def test_what_the_rules_of_the_day_counted_before_stays_counted(
    feed: list[Signal], rules: list[FlagRule], day: int
) -> None:
    """Tried on its own time, an edition makes what it made."""
    since, making = START + timedelta(days=day), active(rules, NO_WEEKS)
    made = [each for each in piece_by_piece(rules, feed) if each.fired_at >= since]
    assert tried(rules, feed, since, before=making).firings == len(made)


def test_a_rule_that_watches_is_told_apart_from_those_that_make_something() -> None:
    feed = [signal(n, n) for n in range(4)]
    outcome = tried([rule("two", flags=2, days=7.0), rule("quiet", flags=4, days=7.0, mode="watch")], feed)
    assert (outcome.firings, dict(outcome.by_rule), dict(outcome.watched)) == (1, {"two": 1}, {"quiet": 1})


def test_examples_are_some_of_all_and_another_salt_chooses_others() -> None:
    one = [rule("one", at_once=True, reasons=("ABSENCE",))]

    def chosen(salt: int) -> list[UUID]:
        outcome = Outcome(START, START + timedelta(days=400), salt)
        for n in range(200):
            try_on(outcome, Whom(UUID(int=n), "NORTH"), [signal(n, n, reason="ABSENCE")], trial(one))
        assert outcome.firings == 200
        return [each.firing.counted[0].flag_id for each in outcome.chosen()]

    assert len(chosen(0)) == EXAMPLES
    assert chosen(0) == chosen(0)
    assert set(chosen(0)) != set(chosen(1))


def test_beyond_capacity_are_those_that_may_wait() -> None:
    outcome = Outcome(START, START + timedelta(days=400))
    rules = [rule("at_once", at_once=True, reasons=("PERSONAL_CONCERN",)), rule("one", flags=1, days=1.0)]
    for n in range(5):
        try_on(outcome, Whom(UUID(int=n), "NORTH"), [signal(n, 0)], trial(rules))
    try_on(outcome, Whom(UUID(int=9), "NORTH"), [signal(9, 0, reason="PERSONAL_CONCERN")], trial(rules))
    assert outcome.beyond({"NORTH": 2}) == {("NORTH", date(2026, 8, 24)): 4}
    assert outcome.beyond({"NORTH": None}) == {}


def test_hindsight_counts_whom_people_referred_before_and_after() -> None:
    outcome = tried([rule("one", flags=1, days=1.0)], [signal(1, 10)])
    fired = START + timedelta(days=10)
    found = hindsight(outcome, {UUID(int=1): [fired - timedelta(days=5), fired + timedelta(days=12)]})
    assert (found.earlier, found.median_days) == (1, 12.0)
    assert hindsight(outcome, {}).median_days is None


def test_of_nobody_known_each_flag_that_is_enough_counts_once() -> None:
    outcome = Outcome(START, START + timedelta(days=400))
    personal = [rule("personal", at_once=True, reasons=("PERSONAL_CONCERN",)), rule("two", flags=2)]
    feed = [signal(1, 0, reason="PERSONAL_CONCERN"), signal(2, 1), signal(3, 2)]
    try_on(outcome, Whom(None, "NORTH"), feed, trial(personal))
    assert (outcome.firings, outcome.when) == (1, {})


# ----------------------------------------------------------------------------------------------------- outreach


def test_the_cohort_is_where_most_flags_are_and_of_two_the_latest() -> None:
    flags = [
        signal(1, 0, course="BIO", section="1", term="F"),
        signal(2, 1, course="MAT", section="2", term="F"),
        signal(3, 2, course="MAT", section="2", term="F"),
    ]
    assert cohort_of(flags, "section") == Cohort("F", "MAT", "2")
    assert cohort_of(flags, "course") == Cohort("F", "MAT", "")
    assert cohort_of(flags, "term") == Cohort("F", "", "")
    assert cohort_of(flags[:2], "course").course == "MAT"


def test_personal_concerns_and_what_pages_wait_for_no_capacity() -> None:
    def found(said: FlagRule) -> bool:
        (made,) = active([said], NO_WEEKS)
        return jumps(Firing(START, (signal(1, 0),), 1, made))

    assert found(rule("a", at_once=True, reasons=("X",)))
    assert found(rule("b", level="elevated"))
    assert not found(rule("c", level="moderate"))


@pytest.mark.parametrize(
    ("code", "state"), [("student_responded", "ended"), ("pending", "waiting"), ("unable_to_reach", "referred")]
)
def test_an_outcome_ends_waits_or_refers(code: str, state: str) -> None:
    entry = Entry(
        UUID(int=1), UUID(int=2), "NORTH", UUID(int=3), "threshold", "academic", "mild", (), START, START, START
    )
    after, _ = decided(entry, code, "ana", START)
    assert (after.state, after.outcome_code, after.decided_by) == (state, code, "ana")
    if state != outreach.WAITING:
        with pytest.raises(Refused):
            decided(after, "other", "ana", START)
