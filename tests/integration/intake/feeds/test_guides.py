"""What the guides for owners of feeds show works as it is written."""

import io
import json
import re
import zipfile
from typing import Any

import httpx
import pytest
import yaml

from deploy.local.home import ROOT
from services.intake.domain.decoders.parts import Part
from services.intake.http.key_sets import KeySets
from services.intake.storage import feeds
from services.intake.usecases.receive_file import receive_file
from services.intake.usecases.receive_topic import items_of
from shared.access.actors import service_actor
from shared.messaging.foreign import Connection
from shared.messaging.records import Record
from shared.privacy.keys import KeyRing
from tests.integration.intake.conftest import Intake
from tests.integration.intake.feeds.feeding import add_feed, forget_feeds
from tests.unit.intake.decoders.events import Signer

GUIDES = ROOT / "docs" / "guides" / "feeds"
_BLOCK = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"caselight feed add (\S+) (.*?)\n(?!    )", re.DOTALL)


def blocks(guide: str) -> dict[str, str]:
    """Return the examples of a guide by their names."""
    return {name: said for _, name, said in _BLOCK.findall((GUIDES / guide).read_text())}


def wanted(guide: str) -> dict[str, str]:
    """Return the options of the command that adds the feed of a guide."""
    found = _COMMAND.search((GUIDES / guide).read_text())
    assert found is not None
    return dict(re.findall(r'--(\w+) ("[^"]+"|[^-\s]\S*)', found[2]))


async def adding(intake: Intake, guide: str, **more: Any) -> Any:
    """Add the feed of a guide as its command does."""
    await forget_feeds(intake)
    options = wanted(guide)
    settings = yaml.safe_load(blocks(guide).get("settings", "{}"))
    brings = options.get("brings", "flags")
    return await add_feed(intake, options["kind"], options["mapping"], brings=brings, settings=settings | more)


async def test_the_event_of_the_guide_to_canvas_becomes_the_flag_it_says(intake: Intake) -> None:
    signer = Signer()
    sender = await adding(intake, "canvas.md")

    def published(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=signer.published())

    site: Any = intake.service.api.state.site
    site.parts[KeySets] = KeySets(strict=True, transport=httpx.MockTransport(published))
    answer = await sender.send(signer.sign(json.loads(blocks("canvas.md")["event"])))
    assert await sender.results(answer) == [("accepted", "")]
    (flag,) = await intake.rows("SELECT reason_code, course, student_number FROM flags")
    assert (flag.reason_code, flag.course, flag.student_number) == ("LOW_SCORE", "BIO-101-1", "N1")


async def test_the_envelope_of_the_guide_to_caliper_is_taken_as_it_says(intake: Intake) -> None:
    sender = await adding(intake, "caliper.md")
    answer = await sender.shown(blocks("caliper.md")["event"].encode())
    assert await sender.results(answer) == [("accepted", ""), ("skipped", "")]
    (flag,) = await intake.rows("SELECT reason_code, course, student_number FROM flags")
    assert (flag.reason_code, flag.course, flag.student_number) == ("LOW_SCORE", "CHEM-110", "N1")


async def test_a_sign_in_as_the_guide_shows_it_ends_what_said_that_its_student_is_not_active(intake: Intake) -> None:
    await forget_feeds(intake)
    quiet = await add_feed(intake, "http_push", "plain-flags-json")
    said = {"student_id": "N1", "reason_code": "NO_ACTIVITY", "raised_at": "2026-09-14T10:00:00Z"}
    rows = [{**said, "campus_code": "NORTH"}, {**said, "campus_code": "NORTH", "reason_code": "ABSENCE"}]
    assert await quiet.results(await quiet.signed(json.dumps(rows).encode())) == [("accepted", ""), ("accepted", "")]
    sender = await add_feed(intake, "caliper", "caliper-logins", code="logins")
    for outcome in ("accepted", "unchanged"):
        answer = await sender.shown(blocks("caliper.md")["login"].encode())
        assert await sender.results(answer) == [(outcome, "")]
    found = {flag.reason_code: flag.cleared_reason for flag in await intake.rows("SELECT * FROM flags")}
    assert found == {"NO_ACTIVITY": "active", "ABSENCE": ""}


async def test_a_sign_in_leaves_what_people_raised_or_wrote_and_an_alert_after_it_raises_again(intake: Intake) -> None:
    await forget_feeds(intake)
    quiet = await add_feed(intake, "http_push", "plain-flags-json")
    said = {
        "campus_code": "NORTH", "student_id": "N1", "reason_code": "NO_ACTIVITY", "raised_at": "2026-09-14T10:00:00Z"
    }  # fmt: skip
    rows = [said, {**said, "course_code": "BIO"}, {**said, "course_code": "CHE", "comment": "He told me why."}]
    assert [each for each, _ in await quiet.results(await quiet.signed(json.dumps(rows).encode()))] == ["accepted"] * 3
    mine = {"campus": "NORTH", "student_number": "N1", "reason_code": "NO_ACTIVITY", "raised_at": said["raised_at"]}
    for course in ("BIO", "ENG"):  # the first is the feed's own flag too
        await intake.post("fay", "/flags", **mine, course=course)
    sender = await add_feed(intake, "caliper", "caliper-logins", code="logins")
    answer = await sender.shown(blocks("caliper.md")["login"].encode())
    assert await sender.results(answer) == [("accepted", "")]

    async def ended() -> list[str]:
        return [row.course for row in await intake.rows("SELECT course FROM flags WHERE cleared_reason = 'active'")]

    assert await ended() == [""]
    for code, at, still in (("before", "2026-09-14T10:30:00Z", [""]), ("after", "2026-09-14T12:00:00Z", [])):
        other = await add_feed(intake, "http_push", "plain-flags-json", code=code)
        again = await other.signed(json.dumps([{**said, "raised_at": at}]).encode())
        assert await other.results(again) == [("merged", "")]
        assert await ended() == still


async def test_the_files_of_the_guide_to_oneroster_bring_the_student_they_say(intake: Intake) -> None:
    sender = await adding(intake, "oneroster.md")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, said in blocks("oneroster.md").items():
            if name.endswith(".csv"):
                archive.writestr(name, said)
    async with intake.worker.transaction(service_actor("intake")) as tx:
        feed = await feeds.find(tx.connection, sender.feed["feed_id"])
    assert feed is not None
    out.seek(0)
    keys = KeyRing(intake.settings)
    assert await receive_file(intake.worker, keys, feed, out, name="roster.zip", digest=b"1") == "taken"
    assert await sender.waiting() == {}
    (student,) = await intake.rows("SELECT student_id, name, name_in_use FROM students WHERE number = 'N-77001'")
    assert (student.name, student.name_in_use) == ("Sora Example", "Sol")
    (taken,) = await intake.rows("SELECT course, instructor_id FROM enrollments WHERE student_id = :id", id=student[0])
    assert (taken.course, taken.instructor_id) == ("BIO-101", "teo")


async def test_the_settings_and_the_record_of_the_guide_to_a_topic_are_read(intake: Intake) -> None:
    sender = await adding(intake, "kafka-topic.md")
    connection = Connection.of(sender.feed["settings"], "group", "secret")
    assert connection.options()["sasl_mechanism"] == "SCRAM-SHA-512"
    async with intake.worker.transaction(service_actor("intake")) as tx:
        feed = await feeds.find(tx.connection, sender.feed["feed_id"])
    assert feed is not None
    (item,) = items_of(feed, Record("alerts", 0, 7, None, (), blocks("kafka-topic.md")["event"].encode()))
    assert isinstance(item, Part)
    other = await add_feed(intake, "http_push", wanted("kafka-topic.md")["mapping"])
    assert await other.results(await other.signed(item.raw)) == [("accepted", "")]


@pytest.mark.parametrize("guide", ["canvas.md", "caliper.md", "oneroster.md", "kafka-topic.md"])
def test_every_code_of_a_guide_is_one_that_is_said(guide: str) -> None:
    codes = {
        code
        for line in (GUIDES / guide).read_text().splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`([a-z_]+)`", line.split("|")[1])
    }
    source = "".join(path.read_text() for path in (ROOT / "services" / "intake").rglob("*.py"))
    assert codes
    assert [code for code in codes if f'"{code}"' not in source] == []
