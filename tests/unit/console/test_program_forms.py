"""An entry becomes fields and comes back the same; what cannot be read is passed on for the program to say so."""

from collections.abc import Mapping

import pytest

from services.console.program_forms import Field, Rows, differences, errors_of, parts_of, read, show
from services.console.program_parts import ELSEWHERE
from shared.program.defaults import DEFAULTS

ZONE = "America/New_York"
PARTS = (
    Field("name", "Name"),
    Field("fte", "Full time", "number"),
    Field("clinical", "Clinical", "check"),
    Field("skills", "Skills", "words"),
    Rows("roles", "Roles", (Field("name", "Role"), Field("since", "From", "instant"))),
)
ENTRY = {
    "staff_id": "ana", "name": "Ana", "fte": 0.5, "clinical": True, "skills": ["health", "academic"],
    "roles": [{"name": "triager", "campus": "NORTH", "since": "2026-09-14T12:00:00Z"}],
    "conflicts": [{"student_id": "x"}],
}  # fmt: skip


def typed(entry: Mapping[str, object], parts: object = PARTS) -> dict[str, str]:
    """Return what a browser sends of a form that nobody touched."""
    sent: dict[str, str] = {}
    for part in show(parts, entry, {}, ZONE):  # type: ignore[arg-type]
        fields = [field for row in part.shown for field in row] if hasattr(part, "shown") else [part]
        sent |= {each.name: each.value for each in fields if each.field.kind != "check" or each.value}
    return sent


def test_a_form_that_nobody_touched_changes_nothing() -> None:
    assert read(PARTS, ENTRY, typed(ENTRY), ZONE) == ENTRY
    assert differences(PARTS, ENTRY, read(PARTS, ENTRY, typed(ENTRY), ZONE), ZONE) == []


@pytest.mark.parametrize("name", sorted(DEFAULTS.keys() - ELSEWHERE.keys()))
def test_every_policy_goes_through_its_form_and_comes_back(name: str) -> None:
    entry = {"values": DEFAULTS[name]}
    parts = tuple(parts_of(DEFAULTS[name]))
    assert read(parts, entry, typed(entry, parts), ZONE) == entry


def test_times_are_those_on_the_wall_of_the_campus() -> None:
    sent = typed(ENTRY)
    assert sent["roles.0.since"] == "2026-09-14 08:00"
    made = read(PARTS, ENTRY, sent | {"roles.0.since": "2026-12-01 08:00"}, ZONE)
    assert made["roles"][0]["since"] == "2026-12-01T13:00:00Z"


def test_a_row_is_added_below_and_one_without_its_first_field_is_taken_away() -> None:
    added = read(PARTS, ENTRY, typed(ENTRY) | {"roles.1.name": "director"}, ZONE)
    assert added["roles"] == [ENTRY["roles"][0], {"name": "director", "since": None}]  # type: ignore[index]
    assert read(PARTS, ENTRY, typed(ENTRY) | {"roles.0.name": " "}, ZONE)["roles"] == []


def test_what_cannot_be_read_is_sent_as_it_was_typed() -> None:
    made = read(PARTS, ENTRY, typed(ENTRY) | {"fte": "half", "roles.0.since": "soon"}, ZONE)
    assert (made["fte"], made["roles"][0]["since"]) == ("half", "soon")
    assert typed(made)["fte"] == "half"


def test_a_difference_is_said_in_words() -> None:
    made = read(PARTS, ENTRY, typed(ENTRY) | {"clinical": "", "skills": "health"}, ZONE)
    assert differences(PARTS, ENTRY, made, ZONE) == [
        ("Clinical", "yes", "no"),
        ("Skills", "health, academic", "health"),
    ]


def test_what_the_program_found_wrong_is_found_by_the_name_of_its_field() -> None:
    errors = [
        {"pointer": "/body/document/staff/0/roles/1/name", "detail": "No such role."},
        {"pointer": "/body/dry_run", "detail": "no"},
    ]
    assert errors_of(errors, "staff") == {"roles.1.name": "No such role."}
