"""OneRoster zip files: bulk and delta become the roster; who has left is kept, and the same file changes nothing."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.intake.storage import feeds
from services.intake.usecases.receive_file import receive_file
from shared.access.actors import service_actor
from shared.events.roster import StudentSnapshot
from shared.privacy.keys import KeyRing
from tests.integration.intake.conftest import Intake
from tests.integration.intake.feeds.feeding import Sender, add_feed, forget_feeds
from tests.support.statements import statements_of
from tests.unit.intake.decoders.roster_zip import CAMPUS, delta, enrollment, role, roster_zip, sheet, user

NORTH = [CAMPUS["orgs"][0] | {"identifier": "NORTH"}]
BULK = CAMPUS | {"orgs": NORTH}


class Roster:
    """A OneRoster feed and what it makes of the roster."""

    def __init__(self, intake: Intake, sender: Sender) -> None:
        self.intake, self.sender, self.sent = intake, sender, 0

    async def drop(self, data: bytes) -> str:
        """Let a zip file arrive."""
        self.sent += 1
        async with self.intake.worker.transaction(service_actor("intake")) as tx:
            feed = await feeds.find(tx.connection, self.sender.feed["feed_id"])
        assert feed is not None
        keys = KeyRing(self.intake.settings)
        digest = self.sent.to_bytes(4, "big")
        return await receive_file(self.intake.worker, keys, feed, io.BytesIO(data), name="roster.zip", digest=digest)

    async def bulk(self, **tables: Sequence[Mapping[str, str]]) -> str:
        return await self.drop(roster_zip(BULK | tables))

    async def delta(self, **tables: Sequence[Mapping[str, str]]) -> str:
        return await self.drop(roster_zip(tables, "delta"))

    async def counts(self) -> tuple[int, int, int]:
        """Return how many of the last delivery's items were accepted, unchanged, rejected."""
        row = (await self.intake.rows("SELECT * FROM imports WHERE feed_id IS NOT NULL ORDER BY import_id DESC"))[0]
        return row.accepted, row.unchanged, row.rejected

    async def people(self) -> dict[str, tuple[str, str]]:
        rows = await self.intake.rows("SELECT number, name, status FROM students WHERE number LIKE 'N-%'")
        return {row.number: (row.name, row.status) for row in rows}

    async def classes(self, number: str) -> list[tuple[str, str]]:
        rows = await self.intake.rows(
            "SELECT course, instructor_id FROM enrollments WHERE student_id = :id ORDER BY course",
            id=await self.intake.student(number),
        )
        return [(row.course, row.instructor_id) for row in rows]


@pytest.fixture
async def roster(intake: Intake) -> Roster:
    await forget_feeds(intake)
    await intake.rows("DELETE FROM enrollments")
    return Roster(intake, await add_feed(intake, "oneroster", "oneroster", brings="roster"))


async def test_a_roster_in_bulk_brings_students_with_their_classes(roster: Roster) -> None:
    assert await roster.bulk() == "taken"
    assert await roster.people() == {"N-1": ("Sora Example", "active"), "N-2": ("Ines Sample", "active")}
    assert await roster.classes("N-1") == [("BIO-101", "teo"), ("CHEM-110", "")]
    assert await roster.counts() == (2, 0, 0)
    assert "teo" not in await roster.people()
    assert await roster.bulk() == "taken"
    assert await roster.counts() == (0, 2, 0)


async def test_who_a_later_bulk_does_not_name_has_left_and_is_kept(roster: Roster) -> None:
    await roster.bulk()
    await roster.intake.forget_outbox()
    await roster.bulk(users=[each for each in CAMPUS["users"] if each["sourcedId"] != "u-2"])
    assert await roster.people() == {"N-1": ("Sora Example", "active"), "N-2": ("Ines Sample", "vanished")}
    (told,) = await roster.intake.published("student")
    assert isinstance(told, StudentSnapshot)
    assert told.status == "vanished"
    await roster.bulk()
    assert (await roster.people())["N-2"] == ("Ines Sample", "active")
    others = await roster.intake.rows("SELECT 1 FROM students WHERE number IN ('N1', 'N2', 'S1') AND status = 'active'")
    assert len(others) == 3  # whom this feed never named


async def test_nobody_leaves_while_a_row_cannot_be_read(roster: Roster) -> None:
    await roster.bulk()
    broken = sheet("users", CAMPUS["users"][:1]) + b"u-2,too,few\r\n"
    await roster.drop(roster_zip(BULK, users_csv=broken))
    assert (await roster.people())["N-2"][1] == "active"
    assert await roster.sender.waiting() == {"wrong_width": 1}
    assert (await roster.counts())[2] == 1


async def test_a_delta_changes_what_it_names_and_nothing_else(roster: Roster) -> None:
    await roster.bulk()
    await roster.delta(users=[delta(user("u-2", "Ines", "Renamed", "N-2"))])
    assert (await roster.people())["N-2"] == ("Ines Renamed", "active")
    assert await roster.classes("N-2") == [("BIO-101", "teo")]
    assert await roster.counts() == (1, 0, 0)
    await roster.delta(enrollments=[delta(enrollment("e-2", "k-chem", "u-1"), "tobedeleted")])
    assert await roster.classes("N-1") == [("BIO-101", "teo")]
    await roster.delta(
        users=[delta(user("u-3", "Kai", "Newly", "N-3"))],
        roles=[delta(role("r-3", "u-3"))],
        enrollments=[delta(enrollment("e-7", "k-chem", "u-3"))],
    )
    assert await roster.classes("N-3") == [("CHEM-110", "")]
    await roster.delta(users=[delta(CAMPUS["users"][1], "tobedeleted")])
    assert (await roster.people())["N-2"][1] == "vanished"
    assert (await roster.people())["N-1"][1] == "active"


async def test_a_class_with_another_teacher_concerns_everybody_in_it(roster: Roster) -> None:
    await roster.bulk()
    await roster.delta(
        users=[delta(user("u-8", "Ada", "Other", "ada"))],
        enrollments=[
            delta(enrollment("e-9", "k-bio", "u-9", "teacher"), "tobedeleted"),
            delta(enrollment("e-8", "k-bio", "u-8", "teacher")),
        ],
    )
    assert await roster.classes("N-2") == [("BIO-101", "ada")]
    assert (await roster.counts())[0] == 2
    await roster.delta(courses=[delta(CAMPUS["courses"][0] | {"courseCode": "BIO-150"})])
    assert await roster.classes("N-2") == [("BIO-150", "ada")]


async def test_a_student_the_mapping_cannot_read_waits_with_the_reason(roster: Roster) -> None:
    await roster.bulk(users=[*CAMPUS["users"][:1], user("u-2", "=Ines", "Sample", "N-2")])
    waiting = await roster.sender.waiting()
    assert sum(waiting.values()) == 1
    assert (await roster.people()).keys() == {"N-1"}


async def test_an_org_that_is_no_campus_is_told_and_mended_in_the_mapping(roster: Roster) -> None:
    await roster.bulk(orgs=CAMPUS["orgs"])
    assert list((await roster.sender.waiting()).values()) == [2]
    listed: list[dict[str, Any]] = (await roster.intake.get("fred", "/feed-mappings"))["items"]
    shipped = next(each["document"] for each in listed if each["name"] == "oneroster")
    shipped["fields"]["campus_code"]["values"] = {"north": "NORTH"}
    path = roster.sender.path
    made = await roster.intake.call("fred", "POST", f"{path}/mappings", json={"document": shipped})
    await roster.intake.post("fred", f"{path}/mappings/{made.json()['version']}/activate")
    assert (await roster.intake.post("fred", f"{path}/quarantine/replay"))["done"] == 2
    assert len(await roster.people()) == 2
    assert await roster.classes("N-2") == [("BIO-101", "teo")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"not a zip", "no_manifest"),
        (roster_zip(BULK)[:-60], "broken_zip"),
        (roster_zip({"users": []}, "bulk"), "file_missing"),
    ],
)
async def test_a_file_that_is_no_roster_is_kept_with_its_reason(roster: Roster, data: bytes, code: str) -> None:
    assert await roster.drop(data) == "rejected"
    assert await roster.sender.waiting() == {code: 1}
    assert await roster.sender.health() == {code: 1}


async def test_the_number_of_statements_follows_batches_and_not_rows(roster: Roster) -> None:
    await roster.bulk()
    with statements_of(roster.intake.worker) as for_two:
        await roster.bulk()
    many = [user(f"u-{n}", "Some", "Body", f"N-{n}") for n in range(300)]
    table = {"users": many, "roles": [role(f"r-{n}", f"u-{n}") for n in range(300)]}
    await roster.bulk(**table)
    with statements_of(roster.intake.worker) as for_many:
        await roster.bulk(**table)
    assert len(for_many) <= len(for_two) + 2
