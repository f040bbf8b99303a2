from shared.access.actors import Role
from shared.events.program import Absence, RoleHeld
from tests.unit.program.samples import always, campus, person, program, rota, utc

NOON = utc("2026-03-02 12:00")
AWAY = Absence(since=utc("2026-03-02 00:00"), until=utc("2026-03-03 00:00"), cover_id="eva")


def test_a_role_holds_between_its_dates_and_ends_just_before_the_last() -> None:
    held = RoleHeld("director", "NORTH", since=utc("2026-01-01 00:00"), until=NOON)
    view = program(person("dee", roles=(held,)))

    assert view.roles("dee", utc("2025-12-31 23:59")) == ()
    assert view.roles("dee", utc("2026-01-01 00:00")) == (Role("director", "NORTH", held.since, held.until),)
    assert view.roles("dee", NOON) == ()


def test_nobody_unknown_or_removed_holds_a_role_or_is_present() -> None:
    view = program(person("dee", "director", status="removed"))

    assert view.roles("dee", NOON) == view.roles("nobody", NOON) == ()
    assert view.holders("director", "NORTH", NOON) == ()
    assert not view.present("dee", NOON)
    assert not view.present("nobody", NOON)


def test_holders_are_those_of_the_campus_first_then_those_of_the_system() -> None:
    view = program(person("abe", "director@*"), person("zoe", "director"), person("sue", "director@SOUTH"))

    assert view.holders("director", "NORTH", NOON) == ("zoe", "abe")
    assert view.holders("director", "*", NOON) == ("abe",)


def test_somebody_with_a_role_on_campus_and_system_is_named_once() -> None:
    assert program(person("abe", "director", "director@*")).holders("director", "NORTH", NOON) == ("abe",)


def test_absent_people_still_hold_their_roles_and_their_cover_stands_in() -> None:
    view = program(person("dee", "director", absences=(AWAY,)), person("eva"))

    assert view.holders("director", "NORTH", NOON) == ("dee",)
    assert view.standing_in(view.holders("director", "NORTH", NOON), "NORTH", NOON) == ("eva",)
    assert view.standing_in(("dee",), "NORTH", NOON, roles=("director",)) == ()
    assert view.standing_in(("dee", "eva"), "NORTH", NOON) == ("eva",)


def test_at_work_means_present_and_in_opening_hours_or_on_the_rota() -> None:
    night = utc("2026-03-02 23:00")
    view = program(
        campus(),
        person("ana"),
        person("ben"),
        person("bea"),
        person("dee", absences=(AWAY,)),
        rota(always("ben"), always("bea", backup=True)),
    )

    assert view.at_work("ana", "NORTH", NOON)
    assert not view.at_work("ana", "NORTH", night)
    assert view.at_work("ben", "NORTH", night)
    assert view.at_work("bea", "NORTH", night)
    assert not view.at_work("dee", "NORTH", NOON)


def test_a_removed_campus_is_no_campus() -> None:
    assert program(campus(status="removed")).campuses == {}
