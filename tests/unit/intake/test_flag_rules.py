"""Several rules over the same flags: who counts first, what one asks of a flag, and who only watches."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.intake.domain.flag_rules import Rules, Signal, active, reason_code, watching, weeks_of
from services.intake.domain.threshold import Firing, fire
from shared.program.rules import FlagRule, Term

START = datetime(2026, 8, 24, 12, tzinfo=UTC)
FALL = Term("2026F", date(2026, 8, 24), date(2026, 12, 18))
WEEKS = weeks_of([FALL], ZoneInfo("America/New_York"))


def rule(name: str, **said: Any) -> FlagRule:
    asked: dict[str, Any] = {"family": "academic", "level": "mild", "flags": 2, "days": 7.0}
    return FlagRule(name=name, **asked | said)


def signal(number: int, day: float, reason: str = "LATE_WORK", **said: Any) -> Signal:
    raised: dict[str, Any] = {"course": "A", "severity": 1, "reason": reason}
    return Signal(UUID(int=number), START + timedelta(days=day), **raised | said)


def fired(signals: list[Signal], *rules: FlagRule) -> list[tuple[str, list[int]]]:
    return by(fire(signals, {}, always(active(rules, WEEKS))))


def always(rules: Rules) -> Any:
    return lambda _at: rules


def by(firings: list[Firing]) -> list[tuple[str, list[int]]]:
    return [(each.rule.said.name, [signal.flag_id.int for signal in each.counted]) for each in firings]


PERSONAL = rule("personal", at_once=True, reasons=("PERSONAL_CONCERN",))


def test_a_personal_concern_makes_a_referral_by_itself_and_is_counted_for_nothing_else() -> None:
    flags = [signal(1, 0), signal(2, 1, "Personal Concern"), signal(3, 2), signal(4, 3, "PERSONAL_CONCERN")]
    assert fired(flags, rule("two"), PERSONAL) == [("personal", [2]), ("two", [1, 3]), ("personal", [4])]


def test_a_rule_looks_only_at_the_reasons_and_severities_it_names() -> None:
    flags = [signal(n, n, reason) for n, reason in enumerate(("ABSENCE", "LATE_WORK", "ABSENCE", "TEAM_TRAVEL"))]
    assert fired(flags, rule("absent", reasons=("absence",))) == [("absent", [0, 2])]
    assert fired(flags, rule("all", flags=3, except_reasons=("TEAM_TRAVEL",))) == [("all", [0, 1, 2])]
    grave = [signal(1, 0, severity=3), signal(2, 1, severity=1), signal(3, 2, severity=2)]
    assert fired(grave, rule("grave", min_severity=2)) == [("grave", [1, 3])]


def test_a_rule_of_the_first_weeks_counts_by_the_week_of_the_flags_term_on_the_campuss_calendar() -> None:
    flags = [signal(n, day, term="2026F") for n, day in enumerate((6, 20, 21))]
    early = rule("early", flags=1, days=1.0, to_week=3)
    assert fired(flags, early) == [("early", [0]), ("early", [1])]
    assert fired(flags, rule("late", flags=1, from_week=4)) == [("late", [2])]
    # Its last evening in New York is the next morning in UTC.
    night = [signal(1, 20.6, term="2026F")]
    assert fired(night, early) == [("early", [1])]


def test_a_flag_of_no_known_term_is_in_no_week() -> None:
    assert WEEKS("", START) == 1
    assert WEEKS("2025S", START) == 1
    assert WEEKS("2026F", START + timedelta(days=200)) is None
    assert fired([signal(1, 200)], rule("any", flags=1, from_week=1)) == []


def test_of_two_rules_that_are_due_the_first_counts_and_nothing_is_counted_twice() -> None:
    flags = [signal(1, 0), signal(2, 1), signal(3, 2), signal(4, 3)]
    assert fired(flags, rule("first", flags=3), rule("second")) == [("second", [1, 2])]
    assert fired(flags[:2], rule("first"), rule("second")) == [("first", [1, 2])]


def test_each_rule_keeps_its_own_distance_to_its_own_firings() -> None:
    flags = [signal(n, n) for n in range(4)]
    both = active([rule("first"), rule("second", flags=2)], WEEKS)
    assert by(fire(flags, {"first": [START]}, always(both))) == [("second", [0, 1])]


def test_a_rule_that_watches_makes_nothing() -> None:
    flags = [signal(1, 0), signal(2, 1)]
    quiet = rule("quiet", mode="watch")
    assert fired(flags, quiet) == []
    assert by(fire(flags, {}, always(watching([quiet], WEEKS)))) == [("quiet", [1, 2])]


def test_an_edition_that_begins_between_flags_counts_what_lies_in_its_window() -> None:
    flags = [signal(1, 0), signal(2, 1), signal(3, 5)]
    old, new = active([rule("two", flags=9)], WEEKS), active([rule("two", flags=3)], WEEKS)
    since = START + timedelta(days=4)
    assert by(fire(flags, {}, lambda at: new if at >= since else old)) == [("two", [1, 2, 3])]


def test_reasons_are_read_as_feeds_write_them() -> None:
    assert {reason_code(said) for said in ("Personal concern", "PERSONAL_CONCERN", " personal-Concern ")} == {
        "PERSONAL_CONCERN"
    }
