import asyncio
from datetime import timedelta
from typing import Any

import httpx

from services.program.storage.programs import _LOCK
from shared.events.program import PolicySnapshot
from shared.program import Paging
from tests.integration.program.conftest import Office
from tests.support.statements import statements_of
from tests.unit.program.documents import ADA, MINIMAL, NORTH, SOUTH, member

ALWAYS = {"weekday": 0, "starts": "00:00", "hours": 168}


def duty(*staff: str, campus: str = "NORTH") -> dict[str, Any]:
    return {"campus": campus, "function": "duty", "weekly": [{"staff_id": person, **ALWAYS} for person in staff]}


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [fault["pointer"] for fault in answer.json()["errors"]]


async def test_the_first_administrator_sets_the_program_up_and_every_part_is_published(office: Office) -> None:
    changed = await office.changed("root", **MINIMAL, rotas=[duty("ada")])

    assert changed == {"campus:NORTH": "add", "staff:ada": "add", "rota:NORTH:duty": "add"}
    published = await office.published()
    assert [(snapshot.key, snapshot.sequence) for snapshot in published] == [(key, 1) for key in changed]
    assert (await office.program()).on_duty("NORTH", "duty", office.clock.now()) == ("ada",)


async def test_applying_twice_publishes_nothing_the_second_time(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    before = await office.published()

    assert await office.changed("ada", **MINIMAL) == {}
    assert await office.published() == before
    assert len(await office.rows("SELECT 1 FROM program_changes")) == 2


async def test_a_dry_run_says_the_same_and_changes_nothing(office: Office) -> None:
    rehearsed = await office.rehearse("root", **MINIMAL)

    assert rehearsed.json()["dry_run"] is True
    assert await office.published() == []
    assert await office.rows("SELECT 1 FROM program_snapshots") == []
    played = await office.apply("root", **MINIMAL)
    assert played.json()["changes"] == rehearsed.json()["changes"]
    assert played.json()["changes"][0]["fields"] == ["campus", "name", "zone", "hours"]


async def test_a_change_raises_the_version_and_its_history_says_who_when_and_what(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    office.clock.move(timedelta(hours=1))
    await office.changed("ada", staff=[{**ADA, "fte": 0.5}])

    (row,) = await office.rows("SELECT * FROM program_changes WHERE key = 'staff:ada' AND version = 2")
    assert (row.changed_by, row.changed_at, row.change) == ("ada", office.clock.now(), "change")
    assert (row.before["fte"], row.after["fte"]) == (1.0, 0.5)
    (first,) = await office.rows("SELECT * FROM program_changes WHERE key = 'staff:ada' AND version = 1")
    assert (first.changed_by, first.before) == ("root", None)
    assert [snapshot.sequence for snapshot in await office.published() if snapshot.key == "staff:ada"] == [1, 2]


async def test_what_a_document_no_longer_names_stays_until_it_says_removed(office: Office) -> None:
    await office.changed("root", campuses=[NORTH], staff=[ADA, member("ben", "triager")])

    assert await office.changed("ada", **MINIMAL) == {}
    assert (await office.program()).present("ben", office.clock.now())
    assert await office.changed("ada", staff=[{"staff_id": "ben", "status": "removed"}]) == {"staff:ben": "remove"}
    assert not (await office.program()).present("ben", office.clock.now())
    gone = (await office.published())[-1]
    assert (gone.key, gone.removed, gone.sequence) == ("staff:ben", True, 2)


async def test_everything_wrong_is_pointed_at_and_nothing_is_changed(office: Office) -> None:
    policy = {
        "campus": "*",
        "name": "late",
        "editions": [{"edition": "one", "effective_from": "2026-01-01T00:00:00Z", "values": {"hours": "six"}}],
    }
    answer = await office.apply(
        "root",
        campuses=[{**NORTH, "zone": "Mars/Olympus"}],
        staff=[ADA, member("ben", "wizard", "triager@EAST")],
        rotas=[duty("ada", "nobody")],
        policies=[policy],
    )

    assert pointers(answer) == [
        "/body/document/campuses/0/zone",
        "/body/document/staff/1/roles/0/name",
        "/body/document/staff/1/roles/1/campus",
        "/body/document/rotas/0/zone",
        "/body/document/rotas/0/weekly/1/staff_id",
        "/body/document/policies/0/editions/0/values/hours",
    ]
    assert await office.published() == []
    assert await office.rows("SELECT 1 FROM program_snapshots") == []


async def test_a_document_of_another_shape_is_pointed_at_too(office: Office) -> None:
    answer = await office.apply("root", campuses=[{**NORTH, "colour": "red"}], staff=[{"staff_id": "ben"}])

    assert pointers(answer) == ["/body/document/campuses/0/colour", "/body/document/staff/0"]


async def test_an_error_never_quotes_what_was_sent(office: Office) -> None:
    secret = "Hunter2-is-a-name"
    answer = await office.apply(
        "root", campuses=[{**NORTH, "zone": secret}], staff=[ADA, member("ben", secret.lower().replace("-", "_"))]
    )

    assert answer.status_code == 422
    assert "unter2" not in answer.text


async def test_an_edition_that_has_begun_is_not_rewritten(office: Office) -> None:
    def late(hours: float) -> dict[str, Any]:
        edition = {"edition": "one", "effective_from": "2026-03-02T12:00:00Z", "values": {"hours": hours}}
        return {"campus": "*", "name": "late", "editions": [edition]}

    await office.changed("root", **MINIMAL, policies=[late(6)])

    assert pointers(await office.apply("ada", policies=[late(5)])) == ["/body/document/policies/0/editions/0"]
    assert (await office.program()).late_hours("NORTH", office.clock.now()) == 6


async def test_a_policy_arrives_as_it_was_written(office: Office) -> None:
    values = {"critical": {"steps": [{"targets": ["duty"], "wait_minutes": 0.05}], "contact_minutes": None}}
    edition = {"edition": "demo-1", "effective_from": "2026-03-01T00:00:00Z", "values": values, "source": "board"}
    await office.changed("root", **MINIMAL, policies=[{"campus": "*", "name": "paging", "editions": [edition]}])

    snapshot = (await office.published())[-1]
    assert isinstance(snapshot, PolicySnapshot)
    assert snapshot.editions[0].values == values
    policy = (await office.program()).policy("paging", "NORTH", office.clock.now())
    assert isinstance(policy.rules, Paging)
    assert policy.edition == "demo-1"
    assert policy.rules.critical.contact_minutes is None
    assert policy.rules.critical.steps[0].wait_minutes == 0.05


# --------------------------------------------------------------------------------------------------- who may change


async def test_once_there_is_staff_only_its_administrators_change_the_program(office: Office) -> None:
    await office.changed("root", campuses=[NORTH], staff=[ADA, member("dee", "director")])

    for person in ("root", "dee", "nobody"):
        assert (await office.apply(person, **MINIMAL)).status_code == 403
    assert (await office.apply(None, **MINIMAL)).status_code == 401
    assert await office.changed("ada", campuses=[SOUTH]) == {"campus:SOUTH": "add"}


async def test_before_there_is_staff_only_the_administrators_of_the_settings_may(office: Office) -> None:
    assert (await office.apply("ada", **MINIMAL)).status_code == 403
    assert await office.changed("root", campuses=[NORTH]) == {"campus:NORTH": "add"}
    assert await office.changed("other", campuses=[SOUTH]) == {"campus:SOUTH": "add"}


async def test_a_campuss_administrator_changes_that_campus_and_gives_no_role_beyond_it(office: Office) -> None:
    people = [ADA, member("nan", "administrator"), member("sue", "triager@SOUTH", campus="SOUTH")]
    await office.changed("root", campuses=[NORTH, SOUTH], staff=people)

    assert await office.changed("nan", staff=[member("ben", "triager")]) == {"staff:ben": "add"}
    assert await office.changed("nan", staff=[member("ben", "triager")]) == {}
    for refused in (
        {"staff": [member("nan", "administrator", "administrator@*")]},
        {"staff": [member("ben", "director@SOUTH")]},
        {"staff": [member("sue", "triager@NORTH")]},
        {"staff": [{"staff_id": "sue", "status": "removed"}]},
        {"campuses": [SOUTH]},
        {"rotas": [duty("nan", campus="*")]},
    ):
        assert (await office.apply("nan", **refused)).status_code == 403, refused
    assert await office.changed("nan", staff=[{"staff_id": "ben", "status": "removed"}]) == {"staff:ben": "remove"}


async def test_who_may_not_change_the_program_learns_nothing_of_what_is_in_it(office: Office) -> None:
    await office.changed("root", campuses=[NORTH], staff=[ADA, member("ben", "triager")])

    known = await office.apply("ben", staff=[{"staff_id": "ada", "status": "removed"}])
    unknown = await office.apply("ben", staff=[{"staff_id": "eva", "status": "removed"}])

    assert known.status_code == unknown.status_code == 403
    assert {**known.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


async def test_a_change_and_a_refusal_are_both_audited(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    await office.apply("root", **MINIMAL)

    rows = await office.rows("SELECT payload FROM outbox WHERE topic LIKE '%access' ORDER BY id")
    assert [b'"allowed":true' in row.payload for row in rows] == [True, True, False]
    assert all(b'"program.change"' in row.payload for row in rows)


# ------------------------------------------------------------------------------------------------ together, and many


async def test_two_documents_at_once_are_applied_one_after_the_other_and_both_hold(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    async with office.holding_the_lock(_LOCK, waiting=2):
        both = [
            asyncio.create_task(office.apply("ada", staff=[{**ADA, "fte": 0.5}, member("ben", "triager")])),
            asyncio.create_task(office.apply("ada", staff=[member("ben", "triager"), member("eva")])),
        ]

    answers = await asyncio.gather(*both)
    assert [answer.status_code for answer in answers] == [200, 200]
    changes = [change["key"] for answer in answers for change in answer.json()["changes"]]
    assert sorted(changes) == ["staff:ada", "staff:ben", "staff:eva"]
    rows = await office.rows("SELECT key, version FROM program_snapshots WHERE key LIKE 'staff:%' ORDER BY key")
    assert [tuple(row) for row in rows] == [("staff:ada", 2), ("staff:ben", 1), ("staff:eva", 1)]


async def test_of_two_first_administrators_at_once_the_second_finds_the_program_staffed(office: Office) -> None:
    async with office.holding_the_lock(_LOCK, waiting=2):
        both = [
            asyncio.create_task(office.apply("root", **MINIMAL)),
            asyncio.create_task(office.apply("other", campuses=[NORTH], staff=[member("eve", "administrator@*")])),
        ]

    answers = await asyncio.gather(*both)
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    assert len(await office.rows("SELECT 1 FROM program_snapshots")) == 2


async def test_the_number_of_statements_does_not_grow_with_the_document(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    with statements_of(office.database) as one:
        await office.changed("ada", staff=[member("p0", "triager")])
    with statements_of(office.database) as five_hundred:
        changed = await office.changed("ada", staff=[member(f"p{n}", "triager") for n in range(1, 501)])

    assert len(changed) == 500
    assert len(one) == len(five_hundred)


async def test_a_document_of_a_large_system_is_not_too_large(office: Office) -> None:
    staff = [ADA, *(member(f"person-{n}", "faculty", skills=["health", "academic"]) for n in range(3000))]

    assert len(await office.changed("root", campuses=[NORTH], staff=staff)) == 3002


async def test_a_form_filled_in_before_somebody_elses_change_is_not_carried_out(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    await office.changed("ada", staff=[{**ADA, "fte": 0.5}])
    body = {"document": {"staff": [{**ADA, "fte": 0.8}]}, "dry_run": False}
    late = await office.call("ada", "POST", "/program:apply", json={**body, "versions": {"staff:ada": 1}})
    assert (late.status_code, late.json()["type"]) == (409, "urn:caselight:problem:changed_meanwhile")
    there = await office.call("ada", "POST", "/program:apply", json={**body, "versions": {"staff:new": 1}})
    assert there.status_code == 409
    now = await office.call("ada", "POST", "/program:apply", json={**body, "versions": {"staff:ada": 2}})
    assert now.status_code == 200, now.text
    (one,) = (await office.call("ada", "GET", "/program?key=staff:ada")).json()["staff"]
    assert (one["staff_id"], one["fte"], one["version"]) == ("ada", 0.8, 3)
