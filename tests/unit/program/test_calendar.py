from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.program import Hours
from shared.program import Calendar
from tests.unit.program.samples import WEEKDAYS, campus, program, utc

FRIDAY_NOON = utc("2026-03-06 12:00")


def test_business_hours_pass_only_while_the_campus_is_open() -> None:
    view = program(campus())

    assert view.deadline("NORTH", FRIDAY_NOON, 2) == utc("2026-03-06 14:00")
    assert view.deadline("NORTH", FRIDAY_NOON, 5) == utc("2026-03-06 17:00")
    assert view.deadline("NORTH", FRIDAY_NOON, 6) == utc("2026-03-09 10:00")
    assert view.deadline("NORTH", utc("2026-03-07 03:00"), 1) == utc("2026-03-09 10:00")


def test_no_business_hours_end_at_once_or_at_the_next_opening() -> None:
    view = program(campus())

    assert view.deadline("NORTH", FRIDAY_NOON, 0) == FRIDAY_NOON
    assert view.deadline("NORTH", utc("2026-03-06 17:00"), 0) == utc("2026-03-09 09:00")


def test_closed_days_do_not_count() -> None:
    view = program(campus(closed_days=(date(2026, 3, 9),)))

    assert view.deadline("NORTH", FRIDAY_NOON, 6) == utc("2026-03-10 10:00")
    assert view.deadline_in_days("NORTH", FRIDAY_NOON, 1) == utc("2026-03-10 17:00")


def test_business_days_end_at_closing_time_and_do_not_count_the_day_they_start_on() -> None:
    view = program(campus())

    assert view.deadline_in_days("NORTH", utc("2026-03-02 08:00"), 3) == utc("2026-03-05 17:00")
    assert view.deadline_in_days("NORTH", utc("2026-03-02 23:00"), 3) == utc("2026-03-05 17:00")
    assert view.deadline_in_days("NORTH", utc("2026-03-07 12:00"), 1) == utc("2026-03-09 17:00")


def test_hours_and_days_are_those_of_the_campuss_zone() -> None:
    view = program(campus(zone="America/Los_Angeles"))

    assert view.deadline("NORTH", utc("2026-03-03 00:30"), 1) == utc("2026-03-03 17:30")
    assert view.deadline_in_days("NORTH", utc("2026-03-03 00:30"), 1) == utc("2026-03-04 01:00")
    # The clocks go forward on Sunday the 8th: nine in the morning comes an hour earlier in UTC.
    assert view.deadline("NORTH", utc("2026-03-07 00:30"), 1) == utc("2026-03-09 16:30")


def test_daylight_saving_inside_opening_hours_counts_the_hours_that_pass() -> None:
    sunday = campus(zone="America/New_York", hours=(Hours(weekday=6, opens="00:00", closes="24:00"),))

    assert program(sunday).deadline("NORTH", utc("2026-03-08 05:00"), 23) == utc("2026-03-09 04:00")


def test_a_day_may_have_several_opening_times_and_last_until_midnight() -> None:
    slots = (Hours(weekday=0, opens="13:00", closes="24:00"), Hours(weekday=0, opens="08:00", closes="12:00"))
    view = program(campus(hours=slots))

    assert view.deadline("NORTH", utc("2026-03-02 11:30"), 1) == utc("2026-03-02 13:30")
    assert view.deadline_in_days("NORTH", utc("2026-03-01 12:00"), 1) == utc("2026-03-03 00:00")
    assert not view.calendar("NORTH").is_open(utc("2026-03-02 12:30"))


@pytest.mark.parametrize("hours", [(), (Hours(weekday=0, opens="09:00", closes="09:00"),)])
def test_an_unknown_campus_and_one_that_is_never_open_have_the_shipped_hours(hours: tuple[Hours, ...]) -> None:
    assert program(campus(hours=hours)).deadline("NORTH", FRIDAY_NOON, 6) == utc("2026-03-09 10:00")
    assert program().deadline("NORTH", FRIDAY_NOON, 6) == utc("2026-03-09 10:00")
    assert program().calendar("NORTH").version == "shipped"


def test_negative_and_missing_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        program().deadline("NORTH", FRIDAY_NOON, -1)
    with pytest.raises(ValueError, match="at least one"):
        program().deadline_in_days("NORTH", FRIDAY_NOON, 0)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="09:00"):
        Calendar(campus(hours=(Hours(weekday=0, opens="9", closes="17:00"),)))


def test_a_calendar_that_has_seen_many_days_forgets_them_and_answers_the_same() -> None:
    calendar = Calendar(campus())
    first = calendar.windows(date(2026, 3, 2))
    for day in range(4100):
        calendar.windows(date(2026, 1, 1) + timedelta(days=day))

    assert calendar.windows(date(2026, 3, 2)) == first


# ------------------------------------------------------------------------------------------------ for any calendar

HALF_HOURS = st.integers(min_value=0, max_value=47)
SLOTS = st.lists(
    st.tuples(st.integers(min_value=0, max_value=6), HALF_HOURS, st.integers(min_value=1, max_value=16)),
    min_size=1,
    max_size=7,
    unique_by=lambda slot: slot[0],
)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
HOURS = st.integers(min_value=0, max_value=40).map(lambda quarters: quarters / 4)
ZONES = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
CLOSED = st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=30).map(tuple)


def _text(half_hours: int) -> str:
    return f"{half_hours // 2:02}:{half_hours % 2 * 30:02}"


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    slots = draw(SLOTS)
    hours = tuple(
        Hours(weekday=day, opens=_text(opens), closes=_text(min(48, opens + length))) for day, opens, length in slots
    )
    return Calendar(campus(zone=draw(ZONES), hours=hours, closed_days=draw(CLOSED)))


def _open_time(calendar: Calendar, since: datetime, until: datetime) -> timedelta:
    """Count otherwise: add up what each day's windows share with the span."""
    total, day = timedelta(0), calendar.local_day(since)
    while day <= calendar.local_day(until):
        for opens, closes in calendar.windows(day):
            total += max(timedelta(0), min(closes, until) - max(opens, since))
        day += timedelta(days=1)
    return total


@given(calendar=calendars(), start=INSTANTS, hours=HOURS)
def test_until_a_deadline_the_campus_is_open_exactly_that_long(
    calendar: Calendar, start: datetime, hours: float
) -> None:
    due = calendar.after_hours(start, hours)

    assert due >= start
    assert _open_time(calendar, start, due) == timedelta(hours=hours)


@given(calendar=calendars(), start=INSTANTS, hours=HOURS, more=HOURS)
def test_waiting_twice_is_waiting_for_the_sum(calendar: Calendar, start: datetime, hours: float, more: float) -> None:
    twice = calendar.after_hours(calendar.after_hours(start, hours), more)
    once = calendar.after_hours(start, hours + more)

    assert _open_time(calendar, min(once, twice), max(once, twice)) == timedelta(0)
    assert not more or once == twice


@given(calendar=calendars(), start=INSTANTS, later=st.integers(min_value=0, max_value=10_000), hours=HOURS)
def test_what_starts_later_is_never_due_earlier(calendar: Calendar, start: datetime, later: int, hours: float) -> None:
    assert calendar.after_hours(start, hours) <= calendar.after_hours(start + timedelta(minutes=later), hours)


@given(calendar=calendars(), start=INSTANTS, days=st.integers(min_value=1, max_value=10))
def test_a_deadline_in_days_is_the_closing_time_of_the_nth_open_day(
    calendar: Calendar, start: datetime, days: int
) -> None:
    due = calendar.after_days(start, days)
    first = calendar.local_day(start)
    last = calendar.local_day(due - timedelta(seconds=1))
    between = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]

    assert sum(bool(calendar.windows(day)) for day in between) == days
    assert calendar.windows(last)[-1][1] == due


def test_the_shipped_week_is_that_of_the_samples() -> None:
    assert Calendar().windows(date(2026, 3, 2)) == Calendar(campus(hours=WEEKDAYS)).windows(date(2026, 3, 2))
