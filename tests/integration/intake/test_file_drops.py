"""Files that machines drop into a feed's folder."""

import gzip
import os
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.intake.drops import SETTLED, TRIES, FileDrops
from services.intake.usecases.receive_file import receive_file
from shared.privacy.keys import KeyRing
from tests.integration.intake.conftest import Intake
from tests.integration.intake.test_feeds import add_feed

DOCUMENT: dict[str, Any] = {
    "mapping": "sheet",
    "brings": "flags",
    "reads": "csv",
    "fields": {
        "alert_id": "Alert ID",
        "student_id": "Student",
        "course_code": "Course",
        "reason_code": {"column": ["Reason"], "values": {"Absent": "ABSENCE", "Late work": "LATE_WORK"}},
        "raised_at": {"column": "When", "format": "%m/%d/%Y %H:%M"},
        "comment": {"column": "Note", "optional": True},
    },
}
HEADER = "Alert ID,Student,Course,Reason,When,Note\n"
ROW = "{id},N1,BIO101,Absent,09/10/2026 15:00,Was not there.\n"


class Drop:
    """A feed's folder, and a worker that looks at it."""

    def __init__(self, intake: Intake, folder: Path, feed_id: str) -> None:
        self.intake, self.folder, self.feed_id = intake, folder, feed_id
        settings = intake.settings.model_copy(update={"feeds": folder.parent})
        self.drops = FileDrops(intake.worker, settings, KeyRing(settings))

    async def settle(self) -> int:
        """Let time pass until what is there has been there long enough, and return how many files were dealt with."""
        await self.drops.look()
        self.intake.clock.move(SETTLED)
        return await self.drops.look()

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def names(self, where: str) -> list[str]:
        return sorted(path.name.partition("-")[2] for path in (self.folder / where).iterdir())

    async def flags(self) -> list[str]:
        return [row.source_key for row in await self.intake.rows("SELECT source_key FROM flags ORDER BY source_key")]

    async def deliveries(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.intake.get("ada", f"/feeds/{self.feed_id}/deliveries"))["items"]
        return items


@pytest.fixture
async def drop(intake: Intake, tmp_path: Path) -> Drop:
    sender = await add_feed(intake, "sheet", DOCUMENT, kind="file_drop")
    found = Drop(intake, tmp_path / "sheet", sender.feed_id)
    await found.drops.look()
    return found


async def test_a_file_is_taken_once_it_has_settled_and_put_away(drop: Drop) -> None:
    path = drop.write("alerts.csv", HEADER + ROW.format(id="A1"))
    assert await drop.drops.look() == 0  # it may still be written to
    drop.intake.clock.move(SETTLED)
    with path.open("a") as more:
        more.write(ROW.format(id="A2"))
    assert await drop.drops.look() == 0  # and it was
    drop.intake.clock.move(SETTLED)
    assert await drop.drops.look() == 1
    assert await drop.flags() == ["A1", "A2"]
    assert not path.exists()
    assert drop.names("processed") == ["alerts.csv"]


async def test_partial_files_links_and_hidden_files_are_left_alone(drop: Drop, tmp_path: Path) -> None:
    for name in ("alerts.csv.part", ".alerts.csv", "alerts.csv.filepart", "alerts.tmp"):
        drop.write(name, HEADER + ROW.format(id="A1"))
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text(HEADER + ROW.format(id="A1"))
    (drop.folder / "link.csv").symlink_to(elsewhere)
    assert await drop.settle() == 0
    assert await drop.flags() == []
    (drop.folder / "alerts.csv.part").rename(drop.folder / "alerts.csv")
    assert await drop.settle() == 1
    assert await drop.flags() == ["A1"]


async def test_the_same_file_dropped_again_is_known_by_what_it_holds(drop: Drop) -> None:
    for name in ("monday.csv", "tuesday.csv"):
        drop.write(name, HEADER + ROW.format(id="A1") + ROW.format(id="A2"))
        assert await drop.settle() == 1
    assert drop.names("processed") == ["monday.csv", "tuesday.csv"]
    newest, first = await drop.deliveries()
    assert (first["items"], first["accepted"]) == (2, 2)
    assert (newest["items"], newest["state"]) == (0, "finished")


async def test_a_roster_file_that_says_again_what_an_earlier_one_said_is_read(intake: Intake, tmp_path: Path) -> None:
    fields = {"student_id": "ID", "name": "Name", "email": "Mail"}
    document = {"mapping": "people", "brings": "roster", "reads": "csv", "fields": fields}
    sender = await add_feed(intake, "people", document, kind="file_drop")
    drop = Drop(intake, tmp_path / "people", sender.feed_id)
    await drop.drops.look()
    for name in ("Robin", "Rob", "Robin"):  # somebody puts right what the second one got wrong
        drop.write("people.csv", f"ID,Name,Mail\nP1,{name} Lee,p1@x.example\n")
        assert await drop.settle() == 1
        (row,) = await intake.rows("SELECT name FROM students WHERE number = 'P1'")
        assert row.name == f"{name} Lee"
    drop.write("people.csv", "ID,Name,Mail\nP1,Robin Lee,p1@x.example\n")
    assert await drop.settle() == 1
    assert (await drop.deliveries())[0]["items"] == 0  # nothing came in between


async def test_zip_and_gzip_are_opened(drop: Drop, tmp_path: Path) -> None:
    drop.write("alerts.csv.gz", gzip.compress((HEADER + ROW.format(id="G1")).encode()))
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as both:
        both.writestr("one.csv", HEADER + ROW.format(id="Z1"))
        both.writestr("two.csv", HEADER + "Z2,N1,BIO101,Asleep,09/10/2026 15:00,\n")
    drop.write("both.zip", (tmp_path / "both.zip").read_bytes())
    assert await drop.settle() == 2
    assert await drop.flags() == ["G1", "Z1"]
    (item,) = (await drop.intake.get("ana", f"/feeds/{drop.feed_id}/quarantine/items"))["items"]
    assert item["place"] == "two.csv line 2"


async def test_a_file_that_cannot_be_read_is_put_aside_with_its_reason(drop: Drop) -> None:
    drop.write("alerts.csv.gz", gzip.compress((HEADER + ROW.format(id="A1")).encode())[:-12])
    drop.write("empty.csv", "")
    drop.write("wide.csv", (HEADER + ROW.format(id="A1")).encode("utf-16"))
    assert await drop.settle() == 3
    assert drop.names("rejected") == ["alerts.csv.gz", "empty.csv", "wide.csv"]
    groups = (await drop.intake.get("ana", f"/feeds/{drop.feed_id}/quarantine"))["items"]
    assert {group["code"] for group in groups} == {"truncated_gzip", "empty_file", "wrong_encoding"}
    assert all(group["reason"].endswith(".") for group in groups)


async def test_a_worker_that_died_in_the_middle_loses_and_doubles_nothing(drop: Drop) -> None:
    drop.write("alerts.csv", HEADER + ROW.format(id="A1"))
    assert await drop.settle() == 1
    # It died after it had stored the first rows of the next file: the file is still there, its delivery still running.
    drop.write("more.csv", HEADER + ROW.format(id="A1") + ROW.format(id="B1"))
    await drop.intake.rows("UPDATE imports SET state = 'running', digest = NULL WHERE feed_id IS NOT NULL")
    assert await drop.settle() == 1
    assert await drop.flags() == ["A1", "B1"]
    assert [each["state"] for each in await drop.deliveries()] == ["finished", "broken_off"]


async def test_a_file_that_fails_each_time_is_set_aside_its_owner_told_once_and_taken_when_dropped_again(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.write("alerts.csv", HEADER + ROW.format(id="A1"))
    drop.write("other.csv", HEADER + ROW.format(id="B1"))
    tried: list[str] = []

    async def failing(*args: Any, **kwargs: Any) -> str:
        tried.append(kwargs["name"])
        if kwargs["name"] == "alerts.csv":
            raise ValueError("a mistake of ours")
        return await receive_file(*args, **kwargs)

    with monkeypatch.context() as broken:
        broken.setattr("services.intake.drops.receive_file", failing)
        for _ in range(6):
            await drop.settle()
    assert tried == ["alerts.csv", "other.csv", *["alerts.csv"] * (TRIES - 1)]
    assert drop.names("rejected") == ["alerts.csv"]
    (group,) = (await drop.intake.get("ana", f"/feeds/{drop.feed_id}/quarantine"))["items"]
    assert (group["code"], group["items"]) == ("file_fails", 1)
    (refused,) = await drop.intake.rows("SELECT code, times FROM feed_refusals WHERE feed_id = :id", id=drop.feed_id)
    assert (refused.code, refused.times) == ("file_fails", 1)
    assert await drop.flags() == ["B1"]
    drop.write("alerts.csv", HEADER + ROW.format(id="A1"))
    assert await drop.settle() == 1
    assert await drop.flags() == ["A1", "B1"]


async def test_a_file_we_may_not_open_is_told_once_and_holds_no_other_up(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.write("alerts.csv", HEADER + ROW.format(id="A1"))
    drop.write("other.csv", HEADER + ROW.format(id="B1"))
    opening = os.open

    def kept_out(path: Any, *more: Any, **named: Any) -> int:
        if str(path).endswith("/alerts.csv"):
            raise PermissionError(path)
        return opening(path, *more, **named)

    with monkeypatch.context() as closed:
        closed.setattr(os, "open", kept_out)
        for _ in range(3):
            await drop.settle()
    (refused,) = await drop.intake.rows("SELECT code, times FROM feed_refusals WHERE feed_id = :id", id=drop.feed_id)
    assert (refused.code, refused.times) == ("file_closed", 1)
    assert await drop.flags() == ["B1"]
    assert await drop.settle() == 1
    assert await drop.flags() == ["A1", "B1"]


async def test_a_file_that_was_read_and_cannot_be_moved_is_told_as_that_and_holds_no_other_up(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.write("alerts.csv", HEADER + ROW.format(id="A1"))
    drop.write("other.csv", HEADER + ROW.format(id="B1"))
    linking = os.link

    def read_only(path: Any, target: Any) -> None:
        if str(path).endswith("/alerts.csv"):
            raise PermissionError(target)
        linking(path, target)

    with monkeypatch.context() as kept:
        kept.setattr(os, "link", read_only)
        for _ in range(3):
            await drop.settle()
    (refused,) = await drop.intake.rows("SELECT code, times FROM feed_refusals WHERE feed_id = :id", id=drop.feed_id)
    assert (refused.code, refused.times) == ("file_stays", 1)
    assert await drop.flags() == ["A1", "B1"]
    assert drop.names("processed") == ["other.csv"]
    assert await drop.settle() == 1
    assert drop.names("processed") == ["alerts.csv", "other.csv"]


async def test_a_file_that_takes_the_place_of_one_being_read_is_read_too(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop.write("alerts.csv", HEADER + ROW.format(id="A1"))
    later = drop.write("alerts.csv.part", HEADER + ROW.format(id="B1"))

    async def meanwhile(*args: Any, **kwargs: Any) -> str:
        became = await receive_file(*args, **kwargs)
        if later.exists():  # its sender is done with the next one, and gives it the same name
            later.replace(path)
        return became

    monkeypatch.setattr("services.intake.drops.receive_file", meanwhile)
    assert await drop.settle() == 1
    assert path.exists()
    assert await drop.settle() == 1
    assert await drop.flags() == ["A1", "B1"]
    assert not path.exists()


async def test_two_workers_take_a_folder_in_turn(drop: Drop) -> None:
    other = FileDrops(drop.intake.worker, drop.drops.settings, drop.drops.keys)
    drop.write("alerts.csv", HEADER + "".join(ROW.format(id=f"A{number}") for number in range(20)))
    for worker in (drop.drops, other):
        await worker.look()
    drop.intake.clock.move(SETTLED)
    assert await drop.drops.look() + await other.look() == 1
    assert len(await drop.flags()) == 20
    assert len(await drop.deliveries()) == 1


async def test_what_was_dealt_with_long_ago_is_deleted(drop: Drop) -> None:
    drop.write("alerts.csv", HEADER + ROW.format(id="A1"))
    await drop.settle()
    drop.intake.clock.move(timedelta(days=29))
    await drop.drops.look()
    assert drop.names("processed") == ["alerts.csv"]
    drop.intake.clock.move(timedelta(days=2))
    await drop.drops.look()
    assert drop.names("processed") == []
