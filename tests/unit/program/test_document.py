from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from services.program.http.models import Document, program_out
from shared.program import DEFAULTS
from tests.unit.program.documents import ADA, NORTH, NOW, SOUTH, applied, entries, member


def _errors(**sections: list[dict[str, Any]]) -> list[str]:
    with pytest.raises(ValidationError) as raised:
        Document.model_validate(sections)
    return ["/".join(map(str, error["loc"])) for error in raised.value.errors()]


@pytest.mark.parametrize(
    ("section", "thing", "place"),
    [
        ("campuses", {"campus": "NORTH"}, ""),
        ("campuses", {**NORTH, "colour": "red"}, "/colour"),
        ("campuses", {**NORTH, "campus": "*"}, "/campus"),
        ("campuses", {**NORTH, "campus": "A,B"}, "/campus"),
        ("campuses", {**NORTH, "hours": [{"weekday": 7, "opens": "09:00", "closes": "10:00"}]}, "/hours/0/weekday"),
        ("campuses", {**NORTH, "hours": [{"weekday": 0, "opens": "9", "closes": "10:00"}]}, "/hours/0/opens"),
        ("campuses", {**NORTH, "closed_days": ["2026-02-30"]}, "/closed_days/0"),
        ("campuses", {**NORTH, "status": "gone"}, "/status"),
        ("campuses", {**NORTH, "color": "teal"}, "/color"),
        ("campuses", {**NORTH, "color": "#c4161b"}, "/color"),
        ("staff", {"staff_id": "ben", "name": "Ben"}, ""),
        ("staff", member("service:intake"), "/staff_id"),
        ("staff", member("rule"), "/staff_id"),
        ("staff", member("ben", email="ben"), "/email"),
        ("staff", member("ben", email="ben@example.edu\nbcc: all@example.edu"), "/email"),
        ("staff", member("ben", name="Ben\nOkafor"), "/name"),
        ("staff", member("ben", fte=3), "/fte"),
        ("staff", member("ben", conflicts=[{"student_id": "S123"}]), "/conflicts/0/student_id"),
        (
            "staff",
            member("ben", absences=[{"since": "2026-03-02T00:00:00", "until": "2026-03-03T00:00:00Z"}]),
            "/absences/0/since",
        ),
        (
            "staff",
            member("ben", absences=[{"since": "0001-01-01T00:00:00+14:00", "until": "2026-03-03T00:00:00Z"}]),
            "/absences/0/since",
        ),
        (
            "rotas",
            {
                "campus": "NORTH",
                "function": "duty",
                "weekly": [{"staff_id": "ada", "weekday": 0, "starts": "24:00", "hours": 200}],
            },
            "/weekly/0/starts",
        ),
        ("policies", {"campus": "*", "name": "late"}, ""),
    ],
)
def test_a_document_of_another_shape_is_refused_where_it_differs(
    section: str, thing: dict[str, Any], place: str
) -> None:
    assert f"{section}/0{place}" in _errors(**{section: [thing]})


def test_removing_takes_only_the_key() -> None:
    said = entries(
        campuses=[{"campus": "EAST", "status": "removed"}],
        staff=[{"staff_id": "ben", "status": "removed"}],
        rotas=[{"campus": "*", "function": "duty", "status": "removed"}],
        policies=[{"campus": "EAST", "name": "late", "status": "removed"}],
    )

    assert [entry.key for entry in said] == ["campus:EAST", "staff:ben", "rota:*:duty", "policy:EAST:late"]
    assert [entry.snapshot for entry in said] == [None] * 4


def test_a_null_in_a_policys_values_is_kept() -> None:
    values = {"critical": {"contact_minutes": None}}
    edition = {"edition": "one", "effective_from": "2026-01-01T00:00:00Z", "values": values}
    (entry,) = entries(policies=[{"campus": "*", "name": "paging", "editions": [edition]}])

    assert msgspec.to_builtins(entry.snapshot)["editions"][0]["values"] == values


def test_the_program_read_back_is_a_document_that_changes_nothing() -> None:
    policies = [
        {
            "campus": "*",
            "name": name,
            "editions": [{"edition": "own", "effective_from": "2026-01-01T00:00:00Z", "values": values}],
        }
        for name, values in DEFAULTS.items()
    ]
    shift = {"staff_id": "ada", "weekday": 0, "starts": "08:00", "hours": 9.5}
    stored = applied(
        campuses=[
            {
                **NORTH,
                "hours": [{"weekday": 0, "opens": "09:00", "closes": "24:00"}],
                "closed_days": ["2026-11-26"],
                "police": "555-0101",
                "color": "#0f4c5c",
            },
            SOUTH,
        ],
        staff=[{**ADA, "conflicts": [{"student_id": "6f1d3f0e-2b1c-5d8a-9c55-0c4ca5e11947"}]}],
        rotas=[{"campus": "NORTH", "function": "duty", "weekly": [shift]}],
        policies=policies,
    )

    said = program_out(list(stored.values()), NOW).model_dump(mode="json", exclude={"as_of"})
    for thing in (thing for section in said.values() for thing in section):
        assert thing.pop("version") == 1
        thing.pop("calendar_version", None)

    assert applied(stored, **said) == stored
