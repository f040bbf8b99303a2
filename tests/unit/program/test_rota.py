from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.program import Absence
from tests.unit.program.samples import always, override, person, program, rota, utc, weekly


def away(cover_id: str | None = None) -> Absence:
    return Absence(since=utc("2026-03-02 00:00"), until=utc("2026-03-03 00:00"), cover_id=cover_id)


MONDAY_NOON = utc("2026-03-02 12:00")
NEW_YORK = "America/New_York"


def test_a_campus_without_a_rota_has_nobody_on_duty() -> None:
    assert program(person("ana")).on_duty("NORTH", "duty", MONDAY_NOON) == ()


def test_a_weekly_shift_serves_from_its_start_to_just_before_its_end() -> None:
    view = program(person("ana"), rota(weekly("ana", 0, "09:00", 8)))

    assert view.on_duty("NORTH", "duty", utc("2026-03-02 08:59")) == ()
    assert view.on_duty("NORTH", "duty", utc("2026-03-02 09:00")) == ("ana",)
    assert view.on_duty("NORTH", "duty", utc("2026-03-02 17:00")) == ()
    assert view.on_duty("NORTH", "duty", utc("2026-03-03 12:00")) == ()


def test_a_shift_may_run_over_midnight_and_over_the_end_of_the_week() -> None:
    view = program(person("ana"), rota(weekly("ana", 6, "20:00", 12)))

    assert view.on_duty("NORTH", "duty", utc("2026-03-02 07:59")) == ("ana",)
    assert view.on_duty("NORTH", "duty", utc("2026-03-02 08:00")) == ()


def test_weekly_shifts_follow_the_zone_of_the_rota() -> None:
    view = program(person("ana"), rota(weekly("ana", 0, "09:00", 8), zone=NEW_YORK))

    assert view.on_duty("NORTH", "duty", utc("2026-03-02 13:59")) == ()
    assert view.on_duty("NORTH", "duty", utc("2026-03-02 14:00")) == ("ana",)
    assert view.on_duty("NORTH", "duty", utc("2026-07-06 13:00")) == ("ana",)


@pytest.mark.parametrize(("night", "ends"), [("2026-03-07", "2026-03-08 12:00"), ("2026-10-31", "2026-11-01 13:00")])
def test_a_night_shift_ends_by_the_clock_on_the_wall_when_daylight_saving_changes_inside_it(
    night: str, ends: str
) -> None:
    view = program(
        person("ana"),
        person("ben"),
        rota(weekly("ana", 5, "20:00", 12), weekly("ben", 6, "08:00", 12), zone=NEW_YORK),
    )
    handover = utc(ends)

    assert view.on_duty("NORTH", "duty", utc(f"{night} 12:00") + timedelta(days=0.6)) == ("ana",)
    assert view.on_duty("NORTH", "duty", handover - timedelta(minutes=1)) == ("ana",)
    assert view.on_duty("NORTH", "duty", handover) == ("ben",)


@pytest.mark.parametrize(("hour", "day"), [("02:30", "2026-03-08"), ("01:30", "2026-11-01")])
def test_a_handover_at_a_time_that_is_skipped_or_comes_twice_leaves_no_gap_and_no_overlap(hour: str, day: str) -> None:
    hours = int(hour[:2]) + 0.5
    view = program(
        person("ana"), person("ben"), rota(weekly("ana", 6, "00:00", hours), weekly("ben", 6, hour, 5), zone=NEW_YORK)
    )
    start = utc(f"{day} 05:00")

    for minute in range(0, 240, 5):
        at = start + timedelta(minutes=minute)
        assert len(view.on_duty("NORTH", "duty", at)) == 1, at


@given(
    cuts=st.sets(st.integers(min_value=1, max_value=7 * 48 - 1), max_size=12),
    zone=st.sampled_from(["UTC", NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
)
def test_a_week_cut_into_shifts_has_exactly_one_person_on_duty_at_any_instant(
    cuts: set[int], zone: str, at: datetime
) -> None:
    edges = [0, *sorted(cuts), 7 * 48]
    shifts = [
        weekly(f"p{place}", begin // 48, f"{begin % 48 // 2:02}:{begin % 2 * 30:02}", (end - begin) / 2)
        for place, (begin, end) in enumerate(pairwise(edges))
    ]
    people = [person(f"p{place}") for place in range(len(shifts))]

    assert len(program(*people, rota(*shifts, zone=zone)).on_duty("NORTH", "duty", at)) == 1


def test_an_override_beats_the_weekly_shift_for_its_time_and_its_place_in_line() -> None:
    view = program(
        person("ana"),
        person("ben"),
        person("eva"),
        rota(always("ana"), always("ben", backup=True), override("eva", "2026-03-02 10:00", "2026-03-02 14:00")),
    )

    assert view.on_duty("NORTH", "duty", MONDAY_NOON) == ("eva",)
    assert view.on_duty("NORTH", "duty", MONDAY_NOON, backup=True) == ("ben",)
    assert view.on_duty("NORTH", "duty", utc("2026-03-02 14:00")) == ("ana",)


def test_several_people_may_share_a_shift() -> None:
    view = program(person("ana"), person("ben"), rota(always("ben"), always("ana"), always("ben")))

    assert view.on_duty("NORTH", "duty", MONDAY_NOON) == ("ben", "ana")


def test_who_is_absent_is_replaced_by_the_cover_and_left_out_without_one() -> None:
    view = program(
        person("ana", absences=(away("eva"),)),
        person("ben", absences=(away(),)),
        person("eva"),
        rota(always("ana"), always("ben")),
    )

    assert view.on_duty("NORTH", "duty", MONDAY_NOON) == ("eva",)
    assert view.on_duty("NORTH", "duty", utc("2026-03-03 00:00")) == ("ana", "ben")


def test_covers_who_cover_each_other_leave_nobody_rather_than_going_round_for_ever() -> None:
    view = program(
        person("ana", absences=(away("ben"),)),
        person("ben", absences=(away("ana"),)),
        rota(always("ana")),
    )

    assert view.on_duty("NORTH", "duty", MONDAY_NOON) == ()


def test_a_cover_who_is_away_too_is_covered_in_turn() -> None:
    view = program(
        person("ana", absences=(away("ben"),)),
        person("ben", absences=(away("eva"),)),
        person("eva"),
        rota(always("ana")),
    )

    assert view.on_duty("NORTH", "duty", MONDAY_NOON) == ("eva",)


def test_people_who_left_or_are_unknown_are_not_on_duty() -> None:
    view = program(person("ana", status="removed"), rota(always("ana"), always("nobody")))

    assert view.on_duty("NORTH", "duty", MONDAY_NOON) == ()


def test_a_removed_rota_names_nobody() -> None:
    gone = rota(always("ana"))
    view = program(person("ana"), type(gone)(campus="NORTH", function="duty", status="removed", weekly=gone.weekly))

    assert view.on_duty("NORTH", "duty", MONDAY_NOON) == ()


def test_behind_the_title_ix_wall_only_its_roles_are_ever_on_duty_not_even_as_cover() -> None:
    line = rota(always("tia"), always("ana"), always("tod", backup=True), function="titleix")
    view = program(
        person("tia", "titleix_coordinator", absences=(away("ana"),)),
        person("tod", "titleix_deputy@*"),
        person("ana", "director"),
        line,
    )

    assert view.on_duty("NORTH", "titleix", MONDAY_NOON) == ()
    assert view.on_duty("NORTH", "titleix", MONDAY_NOON, backup=True) == ("tod",)
    assert view.on_duty("NORTH", "titleix", utc("2026-03-03 12:00")) == ("tia",)


def test_a_zone_this_machine_does_not_know_is_read_as_utc_and_still_names_somebody() -> None:
    view = program(person("ana"), rota(weekly("ana", 0, "09:00", 8), zone="America"))

    assert view.on_duty("NORTH", "duty", MONDAY_NOON) == ("ana",)
