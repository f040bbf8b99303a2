from typing import Any

import pytest

from services.program.domain.changes import plan
from services.program.domain.document import DocumentInvalid, Entry
from tests.unit.program.documents import ADA, MINIMAL, NORTH, NOW, SOUTH, applied, faults, member
from tests.unit.program.samples import campus, utc

DUTY: dict[str, Any] = {"campus": "NORTH", "function": "duty"}
PAST = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
COMING = {"since": "2026-03-10T00:00:00Z", "until": "2026-03-20T00:00:00Z"}


def weekly(staff_id: str) -> dict[str, Any]:
    return {"staff_id": staff_id, "weekday": 0, "starts": "08:00", "hours": 10}


def during(staff_id: str, since: str, until: str, **more: object) -> dict[str, Any]:
    return {"staff_id": staff_id, "since": f"2026-03-{since}:00Z", "until": f"2026-03-{until}:00Z", **more}


def test_a_minimal_document_is_fine() -> None:
    assert faults(**MINIMAL) == {}
    assert faults(campuses=[NORTH]) == {}


@pytest.mark.parametrize(
    ("staff", "place"),
    [
        (member("ben", campus="EAST"), "staff/1/campus"),
        (member("ben", "triager@EAST"), "staff/1/roles/0/campus"),
        (member("ben", "triager", "wizard"), "staff/1/roles/1/name"),
        (member("ben", absences=[{**COMING, "cover_id": "eva"}]), "staff/1/absences/0/cover_id"),
        (member("ben", absences=[{**COMING, "cover_id": "ben"}]), "staff/1/absences/0/cover_id"),
        (
            member("ben", absences=[{"since": COMING["until"], "until": COMING["since"]}]),
            "staff/1/absences/0/until",
        ),
        (
            member(
                "ben",
                roles=[{"name": "triager", "campus": "NORTH", "since": COMING["until"], "until": COMING["since"]}],
            ),
            "staff/1/roles/0/until",
        ),
        (ADA, "staff/1"),
    ],
)
def test_what_is_wrong_with_a_person_is_pointed_at(staff: dict[str, Any], place: str) -> None:
    assert list(faults(campuses=[NORTH], staff=[ADA, staff])) == [place]


def test_an_unknown_role_is_answered_with_those_there_are() -> None:
    (words,) = faults(campuses=[NORTH], staff=[ADA, member("ben", "wizard")]).values()

    assert "case_manager" in words
    assert "titleix_deputy" in words


@pytest.mark.parametrize(
    ("rota", "place"),
    [
        ({**DUTY, "campus": "EAST"}, "rotas/0/campus"),
        ({**DUTY, "function": "doody"}, "rotas/0/function"),
        ({**DUTY, "zone": "Mars/Olympus"}, "rotas/0/zone"),
        ({**DUTY, "weekly": [weekly("ada"), weekly("nobody")]}, "rotas/0/weekly/1/staff_id"),
        ({**DUTY, "overrides": [during("nobody", "09T10:00", "09T12:00")]}, "rotas/0/overrides/0/staff_id"),
        ({**DUTY, "overrides": [during("ada", "09T12:00", "09T10:00")]}, "rotas/0/overrides/0/until"),
        (
            {**DUTY, "overrides": [during("ada", "09T10:00", "09T12:00"), during("ada", "09T11:00", "09T13:00")]},
            "rotas/0/overrides/1/since",
        ),
        (
            {**DUTY, "overrides": [during("ada", "09T11:00", "09T13:00"), during("ada", "09T10:00", "09T12:00")]},
            "rotas/0/overrides/0/since",
        ),
        ({"campus": "NORTH", "function": "titleix", "weekly": [weekly("ada")]}, "rotas/0/weekly/0/staff_id"),
        (
            {"campus": "NORTH", "function": "titleix", "overrides": [during("ada", "09T10:00", "09T12:00")]},
            "rotas/0/overrides/0/staff_id",
        ),
    ],
)
def test_what_is_wrong_with_a_rota_is_pointed_at(rota: dict[str, Any], place: str) -> None:
    assert list(faults(**MINIMAL, rotas=[rota])) == [place]


def test_overrides_may_touch_and_the_backups_are_another_place_in_line() -> None:
    overrides = [
        during("ada", "09T10:00", "09T12:00"),
        during("ada", "09T12:00", "09T13:00"),
        during("ada", "09T10:00", "09T13:00", backup=True),
    ]

    assert faults(**MINIMAL, rotas=[{**DUTY, "overrides": overrides}]) == {}


def test_an_override_inside_a_long_one_is_found_even_behind_a_short_one() -> None:
    overrides = [
        during("ada", "09T10:00", "09T20:00"),
        during("ada", "09T11:00", "09T12:00"),
        during("ada", "09T15:00", "09T16:00"),
    ]

    assert list(faults(**MINIMAL, rotas=[{**DUTY, "overrides": overrides}])) == [
        "rotas/0/overrides/1/since",
        "rotas/0/overrides/2/since",
    ]


def test_a_title_ix_rota_takes_holders_of_its_roles() -> None:
    staff = [ADA, member("tia", "titleix_coordinator"), member("tod", "titleix_deputy@*")]
    rota = {"campus": "NORTH", "function": "titleix", "weekly": [weekly("tia"), weekly("tod")]}

    assert faults(campuses=[NORTH], staff=staff, rotas=[rota]) == {}


@pytest.mark.parametrize(
    ("campus", "place"),
    [
        ({**NORTH, "zone": "America"}, "campuses/0/zone"),
        ({**NORTH, "hours": [{"weekday": 0, "opens": "17:00", "closes": "09:00"}]}, "campuses/0/hours/0/closes"),
        (
            {
                **NORTH,
                "hours": [
                    {"weekday": 1, "opens": "09:00", "closes": "17:00"},
                    {"weekday": 0, "opens": "12:00", "closes": "17:00"},
                    {"weekday": 0, "opens": "09:00", "closes": "12:30"},
                ],
            },
            "campuses/0/hours/1/opens",
        ),
    ],
)
def test_what_is_wrong_with_a_campus_is_pointed_at(campus: dict[str, Any], place: str) -> None:
    assert list(faults(campuses=[campus])) == [place]


def test_the_system_is_no_campus() -> None:
    system = Entry(("campuses", 0), "campus:*", campus("*"))

    with pytest.raises(DocumentInvalid) as raised:
        plan({}, [system], NOW)
    assert [fault.place for fault in raised.value.faults] == [("campuses", 0, "campus")]


def test_all_faults_are_told_at_once() -> None:
    found = faults(
        campuses=[{**NORTH, "zone": "Nowhere"}],
        staff=[ADA, member("ben", "wizard")],
        rotas=[{**DUTY, "zone": "UTC", "weekly": [weekly("nobody")]}],
    )

    assert list(found) == ["campuses/0/zone", "staff/1/roles/0/name", "rotas/0/weekly/0/staff_id"]


# ----------------------------------------------------------------------------------------------------------- removing


def test_what_is_still_needed_by_something_the_document_does_not_name_cannot_be_removed() -> None:
    stored = applied(campuses=[NORTH], staff=[ADA, member("ben")], rotas=[{**DUTY, "weekly": [weekly("ben")]}])

    assert faults(stored, staff=[{"staff_id": "ben", "status": "removed"}]) == {
        "staff/0/status": "This is still needed by rota:NORTH:duty."
    }
    assert "campuses/0/status" in faults(stored, campuses=[{"campus": "NORTH", "status": "removed"}])


def test_what_needs_the_removed_may_be_mended_or_removed_in_the_same_document() -> None:
    stored = applied(campuses=[NORTH], staff=[ADA, member("ben")], rotas=[{**DUTY, "weekly": [weekly("ben")]}])
    gone = {"staff_id": "ben", "status": "removed"}

    assert faults(stored, staff=[gone], rotas=[{**DUTY, "weekly": [weekly("ada")]}]) == {}
    assert faults(stored, staff=[gone], rotas=[{**DUTY, "status": "removed"}]) == {}
    assert list(faults(stored, staff=[gone], rotas=[{**DUTY, "weekly": [weekly("ben")]}])) == [
        "rotas/0/weekly/0/staff_id"
    ]


def test_what_has_passed_needs_nobody_any_more() -> None:
    over = {"name": "triager", "campus": "SOUTH", **PAST}
    stored = applied(
        at=utc("2025-12-01 00:00"),
        campuses=[NORTH, SOUTH],
        staff=[ADA, member("ben"), member("eva", roles=[over], absences=[{**PAST, "cover_id": "ben"}])],
        rotas=[{**DUTY, "overrides": [{"staff_id": "ben", **PAST}]}],
    )
    south, ben = {"campus": "SOUTH", "status": "removed"}, {"staff_id": "ben", "status": "removed"}

    assert faults(stored, campuses=[south], staff=[ben]) == {}


@pytest.mark.parametrize(
    "staff",
    [
        [member("ben", "triager")],
        [member("ben", "administrator@NORTH")],
        [member("ben", roles=[{"name": "administrator", "campus": "*", **PAST}])],
    ],
)
def test_a_program_with_staff_has_somebody_who_may_change_it(staff: list[dict[str, Any]]) -> None:
    assert list(faults(campuses=[NORTH], staff=staff)) == ["staff"]


def test_the_last_administrator_cannot_be_removed_and_not_even_with_all_others() -> None:
    stored = applied(**MINIMAL)

    assert list(faults(stored, staff=[{"staff_id": "ada", "status": "removed"}])) == ["staff"]


def test_a_person_cannot_be_on_a_rota_of_a_program_they_have_left() -> None:
    stored = applied(campuses=[NORTH], staff=[ADA, member("ben")])
    stored = applied(stored, staff=[{"staff_id": "ben", "status": "removed"}])

    assert list(faults(stored, rotas=[{**DUTY, "weekly": [weekly("ben")]}])) == ["rotas/0/weekly/0/staff_id"]
