"""Whatever is sent, by whatever way: nothing falls over, nothing is lost, and each refusal says what can be done."""

import gzip
import io
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.intake.storage import feeds
from services.intake.storage.shipped import document_of
from services.intake.usecases import receive_file as files
from services.intake.usecases import replay_quarantine
from services.intake.usecases.receive_delivery import read_rows
from services.intake.usecases.receive_file import receive_file
from shared.access.actors import service_actor
from shared.ids import new_id
from shared.messaging import health
from shared.privacy.keys import KeyRing
from tests.integration.intake.conftest import Intake
from tests.integration.intake.feeds.feeding import Sender, add_feed, forget_feeds
from tests.unit.intake.decoders.events import Signer, as_bytes, caliper_event, canvas_event, envelope

MIB = 1024 * 1024
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
NAMES = f"سارة \u202eevil\u202c e\u0301\u0301 {FAMILY} <script>alert(1)</script> \x07\x1b[31m"


def alert(number: int = 1, **more: Any) -> dict[str, Any]:
    said = {
        "alert_id": f"A-{number}", "student_id": "N1", "course_code": "BIO101", "reason_code": "ABSENCE",
        "raised_at": "2026-09-11T10:00:00Z", "campus_code": "NORTH",
    }  # fmt: skip
    return said | more


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
async def sender(intake: Intake, signer: Signer, request: pytest.FixtureRequest) -> Sender:
    """A feed of each kind that is sent to over HTTP."""
    await forget_feeds(intake)
    if request.param == "canvas":
        return await add_feed(
            intake, "canvas", "canvas", settings={"accounts": ["madeUpAccount"], "jwks": signer.published()}
        )
    mapping, brings = {
        "http_push": ("plain-flags-json", "flags"),
        "caliper": ("caliper-grades", "flags"),
        "referrals_api": ("plain-referrals-json", "referrals"),
    }[request.param]
    return await add_feed(intake, request.param, mapping, brings=brings)


async def send(sender: Sender, body: bytes, signer: Signer) -> httpx.Response:
    """Send a body as its kind proves itself, so that only what it says is wrong with it."""
    kind = sender.feed["kind"]
    if kind == "canvas":
        return await sender.send(signer.sign_bytes(body))
    return await (sender.signed(body) if kind == "http_push" else sender.shown(body))


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "blank": b"  \n ",
    "not text": b"\xff\xfe\x00\x01" * 50,
    "half of a document": as_bytes([alert()])[:-9],
    "a truncated gzip": gzip.compress(as_bytes([alert()]) * 50)[:-20],
    "nested for three megabytes": b'[{"a":' * (MIB // 2) + b"1",
    "nested, and closed": b"[" * 200_000 + b"]" * 200_000,
    "an object nested": b'{"metadata":' * 5_000 + b"1" + b"}" * 5_000,
    "a number": b"7",
    "null": b"null",
    "a text": b'"alert"',
    "lists in lists": b"[[[1], [2]], []]",
    "wrong kinds of values": as_bytes([{key: [{"a": value}] for key, value in alert().items()}]),
    "names that are numbers": as_bytes({"1": {"2": 3}, "": ""}),
    "an unknown event": as_bytes({"metadata": {"event_name": "moon_landing", "event_time": "x"}, "body": {}}),
    "an unknown envelope": as_bytes(envelope({"type": "MoonEvent"}, None, [], "x", 1.5)),
    "NUL and half a pair": b'[{"alert_id": "\\u0000", "student_id": "\\ud800"}, {"alert_id": "A-2"}]',
    "numbers without end": b'[{"alert_id": 1' + b"0" * 5_000 + b', "severity": 1e999, "student_id": NaN}]',
    "a thousand and one": as_bytes([{}] * 1_001),
    "names repeated": b'{"alert_id": "1", "alert_id": "2", "student_id": "N1", "student_id": "N2"}',
    "formulas": as_bytes([alert(comment="=HYPERLINK(1)", student_id="+1", course_code="@SUM(A1)")]),
    "scripts and scripts": as_bytes([alert(comment=NAMES, student_id=NAMES, course_code=NAMES)]),
    "very long": as_bytes([alert(comment="x" * 200_000, alert_id="y" * 5_000, student_id="z" * 5_000)]),
    "times that are none": as_bytes(
        [alert(raised_at=at) for at in ("", "tomorrow", "9999-12-31", "1e9", "0001-01-01")]
    ),
    "much too large": b'[{"a": "' + b"x" * (10 * MIB) + b'"}]',
}


@pytest.mark.parametrize("sender", ["http_push", "referrals_api", "canvas", "caliper"], indirect=True)
async def test_nothing_falls_over_and_nothing_is_lost(intake: Intake, signer: Signer, sender: Sender) -> None:
    items, turned_away = 0, Counter[str]()
    for name, body in BODIES.items():
        answer = await send(sender, body, signer)
        said = answer.json()
        if answer.status_code == httpx.codes.OK:
            counts = said["counts"]
            assert counts["items"] == len(said["results"]) == sum(counts.values()) - counts["items"], name
            items += counts["items"]
            for each in said["results"]:
                assert each["place"], name
                assert each["outcome"] != "quarantined" or len(each["reason"]) > 5, (name, each)
        else:
            assert answer.status_code in {401, 413, 422}, (name, answer.text)
            assert len(said["detail"]) > 20, name
            turned_away[said["type"].rpartition(":")[2]] += 1
    kept = await intake.rows("SELECT coalesce(sum(row_count), 0) AS items FROM imports WHERE feed_id IS NOT NULL")
    assert int(kept[0].items) == items
    noted = await sender.health()  # of what proves nothing, as much as tells the owner why
    assert noted.keys() == turned_away.keys()
    assert all(min(times, 4) <= noted[code] <= times for code, times in turned_away.items())
    waiting = await intake.rows("SELECT coalesce(sum(times), 0) AS items FROM quarantine")
    counted = await intake.rows("SELECT coalesce(sum(rejected), 0) AS items FROM imports WHERE feed_id IS NOT NULL")
    assert waiting[0].items == counted[0].items


@pytest.mark.parametrize("sender", ["http_push"], indirect=True)
async def test_a_wrong_signature_an_old_one_and_a_wrong_clock_are_told_apart(intake: Intake, sender: Sender) -> None:
    body = as_bytes([alert()])
    assert (await sender.signed(body, secret="clf_guess")).json()["type"].endswith("wrong_signature")
    assert (await sender.send(body)).json()["type"].endswith("not_signed")
    assert (await sender.shown(body)).json()["type"].endswith("not_signed")
    for behind in (301, -301):
        refused = await sender.signed(body, behind=behind)
        assert refused.status_code == 401
        assert "301 seconds" in refused.json()["detail"]
    for behind, outcome in ((299, "accepted"), (-299, "unchanged")):
        taken = (await sender.signed(body, behind=behind)).json()
        assert taken["clock_behind_seconds"] == behind
        assert [each["outcome"] for each in taken["results"]] == [outcome]
    assert sum((await sender.health()).values()) == 5
    assert await intake.rows("SELECT 1 FROM quarantine") == []


@pytest.mark.parametrize("sender", ["http_push"], indirect=True)
async def test_who_knows_no_more_than_a_feeds_id_cannot_fill_what_is_kept_of_it(intake: Intake, sender: Sender) -> None:
    for _ in range(20):
        assert (await sender.signed(as_bytes([alert()]), secret="clf_guess")).status_code == 401
    assert await sender.health() == {"wrong_signature": 4}
    intake.clock.move(timedelta(minutes=1))
    for _ in range(20):
        assert (await sender.signed(as_bytes([alert()]), secret="clf_guess")).status_code == 401
    assert await sender.health() == {"wrong_signature": 5}
    for _ in range(6):  # what the feed itself sends badly counts each time
        assert (await sender.signed(b"{")).status_code == 422
    assert sum((await sender.health()).values()) == 11


@pytest.mark.parametrize("sender", ["http_push"], indirect=True)
async def test_one_id_with_two_bodies_keeps_the_first_and_shows_the_second(intake: Intake, sender: Sender) -> None:
    answer = await sender.signed(as_bytes([alert(), alert(reason_code="LATE_WORK"), alert()]))
    assert [each["outcome"] for each in answer.json()["results"]] == ["accepted", "quarantined", "unchanged"]
    assert "this id came before" in answer.json()["results"][1]["reason"]
    later = await sender.signed(as_bytes([alert(course_code="CHEM1")]))
    assert [each["outcome"] for each in later.json()["results"]] == ["quarantined"]
    (flag,) = await intake.rows("SELECT reason_code, course FROM flags")
    assert (flag.reason_code, flag.course) == ("ABSENCE", "BIO101")
    assert sum((await sender.waiting()).values()) == 2


async def test_a_feed_that_is_not_there_or_takes_nothing_says_no_more_than_that(intake: Intake) -> None:
    await forget_feeds(intake)
    sender = await add_feed(intake, "http_push", "plain-flags-json")
    there = await sender.signed(as_bytes([alert()]), secret="clf_guess")
    sender.path = f"/feeds/{new_id()}"
    nowhere = await sender.signed(as_bytes([alert()]))
    assert there.status_code == nowhere.status_code == 401
    assert len(await intake.rows("SELECT 1 FROM feed_refusals")) == 1
    folder = await add_feed(intake, "file_drop", "plain-flags")
    assert (await folder.signed(as_bytes([alert()]), secret="x")).status_code == 401


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return out.getvalue()


HEADER = b"alert_id,campus_code,student_id,course_code,reason_code,raised_at,comment\n"
ROW = b"A-%d,NORTH,N1,BIO101,ABSENCE,2026-09-11T10:00:00Z,%s\n"
FILES: dict[str, tuple[bytes, str]] = {
    "a truncated gzip": (gzip.compress(HEADER + ROW % (1, b"x") * 900)[:-30], "truncated_gzip"),
    "a damaged zip": (zipped(a_csv=HEADER * 90)[:-50], "broken_zip"),
    "a bomb": (gzip.compress(bytes(60 * MIB)), "packed_too_tightly"),
    "a path": (zipped(**{"../../etc/cron_d": HEADER}), "path_in_name"),
    "a zip in a zip": (zipped(a_zip=zipped(a_csv=HEADER)), "packed_twice"),
    "an empty file": (b"", "empty_file"),
    "no heading": (b'"a"b\n' * 5_000, "no_heading"),
    "UTF-16": (HEADER.decode().encode("utf-16"), "wrong_encoding"),
}


async def drop(intake: Intake, sender: Sender, data: bytes, name: str = "alerts.csv") -> str:
    async with intake.worker.transaction(service_actor("intake")) as tx:
        feed = await feeds.find(tx.connection, sender.feed["feed_id"])
    assert feed is not None
    file, digest = io.BytesIO(data), new_id().bytes
    return await receive_file(intake.worker, KeyRing(intake.settings), feed, file, name=name, digest=digest)


@pytest.mark.parametrize("name", FILES)
async def test_a_file_that_cannot_be_read_is_kept_with_what_to_do(intake: Intake, name: str) -> None:
    await forget_feeds(intake)
    sender = await add_feed(intake, "file_drop", "plain-flags")
    data, code = FILES[name]
    assert await drop(intake, sender, data) == "rejected"
    assert await sender.waiting() == {code: 1}
    assert await sender.health() == {code: 1}
    (item,) = (await intake.get("fred", f"{sender.path}/quarantine/items"))["items"]
    assert len(item["reason"]) > 15


async def test_what_was_read_before_a_file_breaks_off_stays(intake: Intake) -> None:
    await forget_feeds(intake)
    sender = await add_feed(intake, "file_drop", "plain-flags")
    rows = b"".join(ROW % (number, b"") for number in range(8_500))
    assert await drop(intake, sender, gzip.compress(HEADER + rows)[:-8], "alerts.csv.gz") == "rejected"
    (row,) = await intake.rows("SELECT count(*) AS flags FROM flags")
    assert row.flags == 8_000


async def test_a_file_of_lines_that_are_no_rows_is_set_aside_some_at_a_time(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    await forget_feeds(intake)
    sender = await add_feed(intake, "file_drop", "plain-flags")
    together: list[int] = []

    def noted(delivery: Any, sheet: Any, records: Any, unread: Any) -> Any:
        together.append(len(unread))
        return read_rows(delivery, sheet, records, unread)

    monkeypatch.setattr(files, "read_rows", noted)
    lines = b"".join(b'A-%d,"oops"x\n' % number for number in range(9_000))
    assert await drop(intake, sender, HEADER + lines + ROW % (1, b"")) == "taken"
    assert sum(together) == sum((await sender.waiting()).values()) == 9_000
    assert max(together) == files.BATCH
    assert [row.source_key for row in await intake.rows("SELECT source_key FROM flags")] == ["A-1"]


async def test_whatever_a_request_may_hold_is_kept_whole_and_played_back(intake: Intake) -> None:
    await forget_feeds(intake)
    sender = await add_feed(intake, "http_push", "plain-flags-json")
    for number in range(4):
        body = as_bytes([alert(number, severity="odd", course_code=f"BIO10{number}", notes="x" * 3 * MIB)])
        answer = await sender.signed(body)
        assert [outcome for outcome, _ in await sender.results(answer)] == ["quarantined"]
    (item, *_) = (await intake.get("fred", f"{sender.path}/quarantine/items"))["items"]
    assert item["whole"]
    document = document_of("plain-flags-json")
    fields = document["fields"] | {"severity": {"path": "severity", "values": {"odd": 2}}}
    await intake.post("fred", f"{sender.path}/mappings", document=document | {"fields": fields})
    await intake.post("fred", f"{sender.path}/mappings/2/activate")
    # Not all of them at once: what is opened together stays small.
    first = await intake.post("fred", f"{sender.path}/quarantine/replay")
    assert (first["done"], first["still"]) == (3, 0)
    rest = await intake.post("fred", f"{sender.path}/quarantine/replay", after=first["after"])
    assert (rest["done"], rest["after"]) == (1, None)
    assert len(await intake.rows("SELECT 1 FROM flags")) == 4


async def test_an_item_that_somebody_is_at_work_on_does_not_look_like_the_end(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_quarantine, "AT_ONCE", 2)
    await forget_feeds(intake)
    sender = await add_feed(intake, "http_push", "plain-flags-json")
    await sender.signed(as_bytes([alert(number, severity="odd") for number in range(4)]))
    async with intake.worker.transaction(service_actor("intake")) as tx:
        held = text("SELECT item_id FROM quarantine ORDER BY item_id LIMIT 1 FOR UPDATE")
        await tx.connection.execute(held)
        first = await intake.post("fred", f"{sender.path}/quarantine/discard", reason="sent again")
        assert (first["done"], first["after"] is None) == (2, False)
        rest = await intake.post("fred", f"{sender.path}/quarantine/discard", reason="so too", after=first["after"])
        assert (rest["done"], rest["after"]) == (1, None)


async def test_what_is_longer_than_what_is_kept_says_so_and_is_not_read_again(intake: Intake) -> None:
    await forget_feeds(intake)
    sender = await add_feed(intake, "file_drop", "plain-flags")
    line = b'A-1,NORTH,"N1"x,BIO101,ABSENCE,2026-09-11T10:00:00Z,%s\n' % (b"x" * 6_000)
    assert await drop(intake, sender, HEADER + line) == "taken"
    (item,) = (await intake.get("fred", f"{sender.path}/quarantine/items"))["items"]
    assert (item["whole"], item["form"]) == (False, "csv")
    again = await intake.post("fred", f"{sender.path}/quarantine/replay")
    assert (again["done"], again["still"]) == (0, 0)
    assert (await intake.post("fred", f"{sender.path}/quarantine/discard", reason="sent again"))["done"] == 1


async def test_a_large_file_does_not_look_like_a_loop_that_stands_still(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    await forget_feeds(intake)
    sender = await add_feed(intake, "file_drop", "plain-flags")
    turned: list[str] = []
    monkeypatch.setattr(health, "at_work", turned.append)
    await drop(intake, sender, HEADER + b"".join(ROW % (number, b"") for number in range(4_500)))
    assert turned == ["intake.drops"] * 2


async def test_texts_of_every_script_are_kept_as_they_are_and_control_signs_cost_their_row(intake: Intake) -> None:
    await forget_feeds(intake)
    sender = await add_feed(intake, "file_drop", "plain-flags")
    texts = [
        NAMES.encode(),
        "\u202d\u2066\u0645\u0631\u062d\u0628\u0627".encode(),
        b"\xf0\x9f\x98\x80",
        b"NUL \x00 here",
        b"\xc3\x28",
    ]
    await drop(intake, sender, HEADER + b"".join(ROW % (n, text) for n, text in enumerate(texts)))
    assert len(await intake.rows("SELECT 1 FROM flags")) == 3
    assert sum((await sender.waiting()).values()) == 2
    listed = await intake.get("ben", f"/flags?campus=NORTH&student_id={await intake.student('N1')}")
    said = {flag["comment"] for flag in listed["items"]}
    assert NAMES.strip() in said


@pytest.mark.no_cover  # what one row runs through, a hundred thousand do
async def test_a_hundred_thousand_rows_of_one_student_are_all_taken(intake: Intake) -> None:
    await forget_feeds(intake)
    sender = await add_feed(intake, "file_drop", "plain-flags")
    begin = datetime(2014, 1, 1, tzinfo=UTC)
    rows = "".join(
        f"A-{n},NORTH,N1,BIO101,ABSENCE,{(begin + n * timedelta(hours=1)).isoformat()},\n" for n in range(100_000)
    )
    assert await drop(intake, sender, gzip.compress(HEADER + rows.encode()), "alerts.csv.gz") == "taken"
    (row,) = await intake.rows("SELECT count(*) AS flags FROM flags")
    assert row.flags == 100_000
    assert await sender.waiting() == {}


@pytest.mark.parametrize("sender", ["caliper"], indirect=True)
async def test_events_nobody_mapped_are_skipped_and_counted(intake: Intake, sender: Sender) -> None:
    other = caliper_event(id="urn:uuid:7", type="MoonEvent")
    results = await sender.results(await sender.shown(as_bytes(envelope(other, caliper_event()))))
    assert results == [("skipped", ""), ("accepted", "")]
    (row,) = await intake.rows("SELECT skipped, accepted FROM imports WHERE feed_id IS NOT NULL")
    assert (row.skipped, row.accepted) == (1, 1)


@pytest.mark.parametrize("sender", ["canvas"], indirect=True)
async def test_an_event_of_canvas_that_comes_three_times_is_one_flag(
    intake: Intake, signer: Signer, sender: Sender
) -> None:
    event = canvas_event()
    for outcome in ("accepted", "unchanged", "unchanged"):
        assert await sender.results(await sender.send(signer.sign(event))) == [(outcome, "")]
