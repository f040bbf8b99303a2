"""Health of a feed: told when something is missing, odd or unreadable, and never on a day when nothing is expected."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake.domain.feed_health import Day, Finding, Schedule, Seen, Window, band, findings, settle, state_of
from services.intake.domain.feeds import Expected, Feed
from shared.events.program import CampusSnapshot, Hours
from shared.program import Calendar, Term

WEEK = tuple(Hours(day, "09:00", "17:00") for day in range(5))
NORTH = CampusSnapshot(
    campus="NORTH",
    name="North",
    zone="America/New_York",
    hours=WEEK,
    closed_days=(date(2026, 11, 26), date(2026, 11, 27)),
)
SOUTH = CampusSnapshot(campus="SOUTH", name="South", zone="America/New_York", hours=WEEK)
WORKDAYS = Expected(days=(0, 1, 2, 3, 4), by="06:30")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def at(day: int, clock: str = "06:31", month: int = 11) -> datetime:
    """Return an instant by the clock on the wall of the campus; Monday is the 16th of November 2026, in winter time."""
    hours, minutes = map(int, clock.split(":"))
    return datetime(2026, month, day, 5, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes)


def schedule(
    expected: Expected = WORKDAYS,
    *,
    campuses: tuple[CampusSnapshot, ...] = (NORTH,),
    terms: tuple[Term, ...] = (),
    since: datetime = LONG_AGO,
    **more: Any,
) -> Schedule:
    said: dict[str, Any] = {
        "feed_id": UUID(int=1), "code": "north-alerts", "name": "Alerts", "kind": "file_drop", "brings": "flags",
        "campus": "NORTH", "owner_id": "fay", "state": "active", "mapping_version": 1, "rate_per_minute": 60,
        "expected": expected,
    }  # fmt: skip
    return Schedule(Feed(**(said | more)), [Calendar(campus) for campus in campuses], terms, since)


def signals(plan: Schedule, seen: Seen, now: datetime) -> list[str]:
    return [finding.signal for finding in findings(plan, seen, now)]


def test_a_feed_is_late_from_its_deadline_on_and_not_a_minute_before() -> None:
    yesterday = Seen(last_at=at(16, "06:10"))
    assert signals(schedule(), yesterday, at(17, "06:29")) == []
    (late,) = findings(schedule(), yesterday, at(17, "06:30"))
    assert late.signal == "late"
    assert late.facts == {"expected_by": "2026-11-17T06:30:00-05:00", "last_at": at(16, "06:10").isoformat()}


def test_a_feed_that_misses_two_days_is_silent() -> None:
    assert signals(schedule(), Seen(last_at=at(16, "06:10")), at(18)) == ["silent"]
    assert signals(schedule(), Seen(), at(18)) == ["silent"]


def test_what_comes_late_counts_for_its_own_day_and_not_for_the_next() -> None:
    came_late = Seen(last_at=at(16, "08:00"))
    assert signals(schedule(), came_late, at(16, "08:01")) == []
    assert signals(schedule(), came_late, at(17)) == ["late"]


def test_the_file_of_the_evening_before_is_the_days() -> None:
    assert signals(schedule(), Seen(last_at=at(16, "22:00")), at(17)) == []


def test_nothing_is_missed_on_a_closed_day_nor_on_a_weekend() -> None:
    wednesday = Seen(last_at=at(25, "06:10"))
    for day in (26, 27, 28, 29):  # Thanksgiving, the day after, a weekend
        assert signals(schedule(), wednesday, at(day, "12:00")) == []
    assert signals(schedule(), wednesday, at(30)) == ["late"]


def test_a_feed_of_many_campuses_is_expected_while_one_of_them_is_open() -> None:
    wednesday = Seen(last_at=at(25, "06:10"))
    assert signals(schedule(campuses=(NORTH, SOUTH), campus="*"), wednesday, at(26)) == ["late"]


def test_between_terms_flags_are_not_expected_and_a_roster_is() -> None:
    terms = (Term("2026-FALL", date(2026, 8, 24), date(2026, 11, 13)),)
    seen = Seen(last_at=at(13, "06:10"))
    assert signals(schedule(terms=terms), seen, at(17)) == []
    assert signals(schedule(terms=terms, brings="roster"), seen, at(17)) == ["silent"]


def test_a_new_feed_and_one_that_was_paused_have_missed_nothing() -> None:
    assert signals(schedule(since=at(17, "06:31")), Seen(), at(17, "12:00")) == []
    assert signals(schedule(since=at(17, "06:31")), Seen(), at(18)) == ["late"]


@pytest.mark.parametrize("state", ["draft", "paused", "retired"])
def test_a_feed_that_is_not_active_is_left_alone(state: str) -> None:
    assert signals(schedule(state=state), Seen(waiting=9, unknown_codes=9), at(18)) == []


def test_a_feed_nobody_expects_on_a_day_is_never_late() -> None:
    assert signals(schedule(Expected()), Seen(), at(18)) == []


def test_without_a_time_a_day_is_over_at_midnight() -> None:
    plan = schedule(Expected(days=(0, 1, 2, 3, 4)))
    assert signals(plan, Seen(last_at=at(16, "12:00")), at(17, "23:59")) == []
    assert signals(plan, Seen(last_at=at(16, "12:00")), at(18, "00:00")) == ["late"]


def test_what_comes_all_day_is_silent_after_a_pause_in_opening_hours() -> None:
    plan = schedule(Expected(days=(0, 1, 2, 3, 4), quiet_minutes=90))
    before = Seen(last_at=at(16, "16:30"))
    assert signals(plan, before, at(16, "17:30")) == []  # closed
    assert signals(plan, before, at(17, "09:59")) == []  # half an hour yesterday, an hour today
    assert signals(plan, before, at(17, "10:00")) == ["silent"]
    assert signals(plan, Seen(last_at=at(17, "09:55")), at(17, "10:00")) == []
    assert signals(plan, Seen(last_at=at(25, "09:00")), at(26, "12:00")) == []  # Thanksgiving


DAYS = [Day(date(2026, 11, 2) + timedelta(days=n), deliveries=1, items=100 + n) for n in range(14)]


def test_a_feed_without_a_band_is_held_against_its_own_last_days() -> None:
    assert band(schedule(), DAYS) == (26.375, 422.0)
    assert band(schedule(), DAYS[:5]) is None
    assert band(schedule(), [Day(day.day, items=3) for day in DAYS]) is None
    assert band(schedule(Expected(days=(0,), low=10)), DAYS) == (10.0, float("inf"))


def test_too_much_is_said_at_once_and_too_little_when_the_day_is_due() -> None:
    last = at(17, "05:00")
    much = Seen(last_at=last, current=Window(items=500), days=DAYS)
    assert signals(schedule(), much, at(17, "05:01")) == ["volume_high"]
    little = Seen(last_at=last, current=Window(items=5), days=DAYS)
    assert signals(schedule(), little, at(17, "05:01")) == []
    assert signals(schedule(), little, at(17)) == ["volume_low"]
    assert signals(schedule(), Seen(last_at=last, current=Window(items=100), days=DAYS), at(17)) == []
    # From the afternoon on things count for the next day; what was too little stays so until that day is due.
    assert signals(schedule(), Seen(last_at=last, last_due=Window(items=5), days=DAYS), at(17, "13:00")) == [
        "volume_low"
    ]


def test_a_share_of_items_that_could_not_be_read_is_told_until_it_is_mended() -> None:
    seen = Seen(last_at=at(17, "05:00"), current=Window(items=100, quarantined=6), waiting=6)
    (finding,) = findings(schedule(), seen, at(17))
    assert (finding.signal, finding.facts) == ("errors", {"quarantined": 6, "items": 100})
    for fewer in (Window(100, 5), Window(20, 2), Window(0, 0)):
        assert signals(schedule(), Seen(last_at=at(17, "05:00"), current=fewer, waiting=6), at(17)) == []
    whole = Seen(last_at=at(17, "05:00"), current=Window(items=1, quarantined=1), waiting=1)
    assert signals(schedule(), whole, at(17)) == ["errors"]
    mended = Seen(last_at=at(17, "05:00"), current=Window(items=100, quarantined=60), waiting=0)
    assert signals(schedule(), mended, at(17)) == []


def test_deliveries_turned_away_are_told_until_one_comes_through() -> None:
    seen = Seen(last_at=at(17, "05:00"), refused=3, refused_code="wrong_signature", refused_at=at(17, "06:00"))
    (finding,) = findings(schedule(), seen, at(17))
    assert (finding.signal, finding.facts) == ("refused", {"times": 3, "code": "wrong_signature"})
    through = Seen(last_at=at(17, "06:01"), refused=3, refused_code="wrong_signature", refused_at=at(17, "06:00"))
    assert signals(schedule(), through, at(17)) == []
    few = Seen(last_at=at(17, "05:00"), refused=2, refused_at=at(17, "06:00"))
    assert signals(schedule(kind="http_push"), few, at(17)) == []
    assert signals(schedule(), few, at(17)) == ["refused"]


def test_codes_and_columns_nobody_knows_are_told_and_the_gravest_is_the_state() -> None:
    seen = Seen(last_at=at(16, "06:10"), unknown_codes=4, new_columns=("house",), waiting=4)
    found = findings(schedule(), seen, at(17))
    assert [finding.signal for finding in found] == ["late", "unknown_codes", "new_columns"]
    assert found[2].facts == {"columns": ["house"]}
    assert state_of(finding.signal for finding in found) == "late"
    assert state_of([]) == "well"


def settled(open_since: dict[str, datetime], found: list[str], last: datetime | None, **more: Any) -> tuple[Any, Any]:
    seen = Seen(last_at=last)
    opened, over = settle(open_since, [Finding(signal) for signal in found], seen, schedule(**more).feed)  # type: ignore[arg-type]
    return [finding.signal for finding in opened], over


def test_something_wrong_is_told_once_and_is_over_when_it_is() -> None:
    assert settled({}, ["late", "errors"], None) == (["late", "errors"], [])
    assert settled({"errors": at(16)}, ["errors"], at(16)) == ([], [])
    assert settled({"errors": at(16)}, [], at(16)) == ([], ["errors"])


def test_who_is_silent_stays_so_until_something_comes() -> None:
    assert settled({"silent": at(16)}, [], at(13)) == ([], [])
    assert settled({"late": at(16)}, [], None) == ([], [])
    assert settled({"silent": at(16)}, [], at(16, "12:00")) == ([], ["silent"])
    assert settled({"silent": at(16)}, [], at(13), state="paused") == ([], ["silent"])
    assert settled({"silent": at(16)}, [], at(13), expected=Expected()) == ([], ["silent"])


def test_late_becomes_silent_and_is_not_told_beside_it() -> None:
    assert settled({"late": at(16)}, ["silent"], at(13)) == (["silent"], ["late"])
    assert settled({"silent": at(16)}, ["late"], at(13)) == ([], [])


def test_days_are_the_campus_own_over_a_change_of_the_clock() -> None:
    plan = schedule(Expected(days=tuple(range(7)), by="06:30"))
    sunday = date(2026, 11, 1)  # the clock goes back
    assert plan.deadline(sunday) == datetime(2026, 11, 1, 11, 30, tzinfo=UTC)
    assert plan.deadline(date(2026, 10, 31)) == datetime(2026, 10, 31, 10, 30, tzinfo=UTC)
