from datetime import timedelta

from msgspec.structs import replace

from services.program.domain.changes import campuses_touched, plan
from shared.events.program import CampusSnapshot, RotaSnapshot, StaffSnapshot
from tests.unit.program.documents import ADA, MINIMAL, NORTH, NOW, SOUTH, applied, entries, faults, member

ROTA = {
    "campus": "NORTH",
    "function": "duty",
    "weekly": [{"staff_id": "ada", "weekday": 0, "starts": "00:00", "hours": 168}],
}


def test_what_is_new_is_added_in_the_documents_order_at_version_one() -> None:
    changes = plan({}, entries(**MINIMAL, rotas=[ROTA]), NOW)

    assert [(c.key, c.kind, c.change) for c in changes] == [
        ("campus:NORTH", "campus", "add"),
        ("staff:ada", "staff", "add"),
        ("rota:NORTH:duty", "rota", "add"),
    ]
    assert [c.after.sequence for c in changes] == [1, 1, 1]
    assert changes[0].before is None
    assert changes[1].fields == ("campus", "staff_id", "name", "email", "roles")


def test_saying_the_same_again_changes_nothing() -> None:
    stored = applied(**MINIMAL, rotas=[ROTA])

    assert plan(stored, entries(**MINIMAL, rotas=[ROTA]), NOW + timedelta(days=400)) == []


def test_a_change_names_its_fields_and_raises_the_version() -> None:
    stored = applied(**MINIMAL)
    (change,) = plan(stored, entries(staff=[{**ADA, "fte": 0.5, "skills": ["health"]}]), NOW)

    assert (change.key, change.change, change.fields) == ("staff:ada", "change", ("fte", "skills"))
    assert change.before == stored["staff:ada"]
    assert change.after.sequence == 2


def test_an_entry_is_the_whole_of_its_thing() -> None:
    stored = applied(campuses=[{**NORTH, "police": "555-0101"}], staff=[ADA])

    (change,) = plan(stored, entries(campuses=[NORTH]), NOW)

    assert change.fields == ("police",)
    assert isinstance(change.after, CampusSnapshot)
    assert change.after.police == ""


def test_what_the_document_does_not_name_stays() -> None:
    stored = applied(**MINIMAL, rotas=[ROTA])

    assert plan(stored, entries(campuses=[NORTH]), NOW) == []
    assert plan(stored, [], NOW) == []


def test_removing_takes_the_key_and_the_word_and_keeps_what_was_known() -> None:
    stored = applied(campuses=[NORTH], staff=[ADA, member("ben")])
    (change,) = plan(stored, entries(staff=[{"staff_id": "ben", "status": "removed"}]), NOW)

    assert (change.change, change.fields) == ("remove", ())
    assert change.after == replace(stored["staff:ben"], status="removed", sequence=2)


def test_removing_twice_changes_nothing_and_removing_the_unknown_is_a_mistake() -> None:
    gone = {"staff_id": "ben", "status": "removed"}
    stored = applied(applied(campuses=[NORTH], staff=[ADA, member("ben")]), staff=[gone])

    assert plan(stored, entries(staff=[gone]), NOW) == []
    assert faults(stored, staff=[{"staff_id": "eva", "status": "removed"}]) == {
        "staff/0/status": "What is to be removed does not exist."
    }


def test_what_comes_back_goes_on_with_its_versions() -> None:
    stored = applied(campuses=[NORTH], staff=[ADA, member("ben")])
    stored = applied(stored, staff=[{"staff_id": "ben", "status": "removed"}])
    (change,) = plan(stored, entries(staff=[member("ben")]), NOW)

    assert (change.change, change.after.sequence, change.after.status) == ("add", 3, "active")


def test_a_rota_without_a_zone_has_its_campuss_and_the_systems_rota_has_utc() -> None:
    line = {"function": "duty", "weekly": []}
    stored = applied(**MINIMAL, rotas=[{"campus": "NORTH", **line}, {"campus": "*", **line}])

    def zone(key: str) -> str:
        rota = stored[key]
        assert isinstance(rota, RotaSnapshot)
        return rota.zone

    assert zone("rota:NORTH:duty") == "America/New_York"
    assert zone("rota:*:duty") == "UTC"
    assert plan(stored, entries(rotas=[{"campus": "NORTH", **line, "zone": "UTC"}]), NOW)[0].fields == ("zone",)


def test_the_calendars_version_moves_only_when_the_calendar_does() -> None:
    def version(stored: object) -> str:
        assert isinstance(stored, CampusSnapshot)
        return stored.calendar_version

    first = applied(**MINIMAL)
    renamed = applied(first, campuses=[{**NORTH, "name": "Northgate"}])
    closed = applied(renamed, campuses=[{**NORTH, "closed_days": ["2026-11-26"]}])

    assert version(first["campus:NORTH"]) == version(renamed["campus:NORTH"]) == "1"
    assert version(closed["campus:NORTH"]) == "2"
    assert plan(closed, entries(campuses=[{**NORTH, "closed_days": ["2026-11-26"]}]), NOW) == []


def test_changing_somebody_concerns_the_campuses_of_all_roles_they_had_and_get() -> None:
    stored = applied(campuses=[NORTH, SOUTH], staff=[ADA, member("ben", "triager@SOUTH")])
    changes = plan(stored, entries(staff=[member("ben", "triager@NORTH")]), NOW)

    assert campuses_touched(changes) == {"NORTH", "SOUTH"}


def test_instants_are_compared_as_instants_whatever_their_zone() -> None:
    away = {"since": "2026-03-02T00:00:00Z", "until": "2026-03-05T00:00:00Z"}
    same = {"since": "2026-03-02T05:30:00+05:30", "until": "2026-03-04T19:00:00-05:00"}
    stored = applied(campuses=[NORTH], staff=[{**ADA, "absences": [away]}])

    assert plan(stored, entries(staff=[{**ADA, "absences": [same]}]), NOW) == []
    ada = stored["staff:ada"]
    assert isinstance(ada, StaffSnapshot)
    assert ada.absences[0].since.isoformat() == "2026-03-02T00:00:00+00:00"
