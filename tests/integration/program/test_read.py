from typing import Any

from tests.integration.program.conftest import Office
from tests.unit.program.documents import ADA, MINIMAL, NORTH, SOUTH, member

STUDENT = "6f1d3f0e-2b1c-5d8a-9c55-0c4ca5e11947"


async def test_staff_read_the_program_as_a_document_would_say_it(office: Office) -> None:
    await office.changed("root", campuses=[NORTH], staff=[ADA, member("ben", "triager")])
    found = (await office.call("ben", "GET", "/program")).json()

    assert [person["staff_id"] for person in found["staff"]] == ["ada", "ben"]
    (campus,) = found["campuses"]
    assert (campus["campus"], campus["zone"], campus["version"]) == ("NORTH", NORTH["zone"], 1)
    assert found["rotas"] == found["policies"] == []
    assert found["as_of"] == "2026-03-02T12:00:00Z"


async def test_one_kind_may_be_asked_for_and_what_was_removed_does_not_show(office: Office) -> None:
    await office.changed("root", campuses=[NORTH, SOUTH], staff=[ADA])
    await office.changed("ada", campuses=[{"campus": "SOUTH", "status": "removed"}])

    found = (await office.call("ada", "GET", "/program?kind=campus")).json()
    assert [campus["campus"] for campus in found["campuses"]] == ["NORTH"]
    assert found["staff"] == []
    assert (await office.call("ada", "GET", "/program?kind=rotas")).status_code == 422


async def test_who_holds_no_role_of_staff_reads_nothing(office: Office) -> None:
    await office.changed("root", campuses=[NORTH], staff=[ADA, member("fay", "faculty")])

    assert (await office.call("fay", "GET", "/program")).status_code == 403
    assert (await office.call("nobody", "GET", "/program")).status_code == 403
    assert (await office.call(None, "GET", "/program")).status_code == 401


async def test_conflicts_show_to_the_person_and_to_whoever_may_change_them(office: Office) -> None:
    conflicts = [{"student_id": STUDENT}]
    await office.changed(
        "root", campuses=[NORTH], staff=[ADA, member("ben", "triager", conflicts=conflicts), member("eva", "triager")]
    )

    async def seen_by(person: str) -> Any:
        staff = (await office.call(person, "GET", "/program?kind=staff")).json()["staff"]
        return next(found["conflicts"] for found in staff if found["staff_id"] == "ben")

    assert await seen_by("ada") == conflicts
    assert await seen_by("ben") == conflicts
    assert await seen_by("eva") == []


async def test_reading_is_audited_with_what_was_read(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    await office.call("ada", "GET", "/program?kind=staff")

    (*_, row) = await office.rows("SELECT payload FROM outbox WHERE topic LIKE '%access' ORDER BY id")
    assert b'"program.read"' in row.payload
    assert b'"resource_ids":["staff:ada"]' in row.payload
    assert b'"filter":"kind=staff"' in row.payload


async def test_the_service_is_ready_with_an_empty_program_and_needs_no_replica(office: Office) -> None:
    assert (await office.call(None, "GET", "/health/ready")).status_code == 200
