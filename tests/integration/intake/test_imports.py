"""Files come in whole, broken, twice and out of order; good rows go in and bad rows are kept with their reason."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from shared.access.tokens import mint
from shared.events.flags import FlagRaised
from shared.events.program import Conflict
from shared.events.referrals import DangerRaised, ReferralReceived, ReferralTriaged
from shared.events.roster import StudentSnapshot
from tests.integration.intake.conftest import DANGER, FLAG_COLUMNS, ROSTER, Intake, flag, flag_file, kinds, person

REFERRAL_COLUMNS = (
    "campus_code,source_event_id,source_kind,student_id,student_email,concerns,urgency,narrative,relationship,"
    "referred_by_name,referred_by_email,happened_at"
)
FLAGS = "/flags/imports?source=sis"


async def counted(intake: Intake) -> dict[str, int]:
    """Return how many rows each table of intake has."""
    tables = ("students", "flags", "referrals", "threshold_firings", "imports", "import_rejects", "outbox")
    return {table: (await intake.rows(f"SELECT count(*) AS n FROM {table}"))[0].n for table in tables}


# ------------------------------------------------------------------------------------------------------ roster


async def test_the_same_roster_again_changes_nothing_and_a_changed_row_only_itself(intake: Intake) -> None:
    again = await intake.send_file("/roster/imports", ROSTER)
    assert (again["rows"], again["accepted"], again["unchanged"], again["rejected"]) == (3, 0, 3, 0)
    assert await intake.published() == []

    changed = ROSTER.replace("Nora Quist", "Nora Quist-Hale").replace("S1,SOUTH", "S1,SOUTH;NORTH")
    answer = await intake.send_file("/roster/imports", changed)
    assert (answer["accepted"], answer["unchanged"]) == (2, 1)
    # A new name is nobody's business outside; a further campus is.
    (snapshot,) = await intake.published()
    assert isinstance(snapshot, StudentSnapshot)
    assert (snapshot.campus, snapshot.campuses, snapshot.sequence) == ("SOUTH", ("SOUTH", "NORTH"), 2)


async def test_an_id_is_our_own_and_keeps_over_imports(intake: Intake) -> None:
    before = await intake.student("N1")
    await intake.send_file("/roster/imports", ROSTER.replace("Nora", "Dora"))
    assert await intake.student("N1") == before


async def test_columns_that_are_not_known_are_kept_as_attributes(intake: Intake) -> None:
    (row,) = await intake.rows("SELECT attributes FROM students WHERE number = 'N1'")
    assert row.attributes == '[["age_band", "35-55"]]'


async def test_a_student_who_is_twice_in_a_file_is_rejected_the_second_time(intake: Intake) -> None:
    roster = ROSTER + "N1,SOUTH,Nora Other,other@students.example.edu,\n"
    answer = await intake.send_file("/roster/imports", roster)
    assert answer["rejected"] == 1
    assert (answer["rejects"][0]["row"], answer["rejects"][0]["column"]) == (5, "student_id")
    (row,) = await intake.rows("SELECT name FROM students WHERE number = 'N1'")
    assert row.name == "Nora Quist"


async def test_only_a_complete_file_says_who_has_left(intake: Intake) -> None:
    roster = ROSTER.replace("N2,NORTH,Noel Park,noel@students.example.edu,<=35\n", "")
    assert (await intake.send_file("/roster/imports", roster))["vanished"] == 0
    assert (await intake.send_file("/roster/imports?complete=true", roster))["vanished"] == 1
    (gone,) = await intake.published()
    assert isinstance(gone, StudentSnapshot)
    assert (gone.status, gone.student_id) == ("vanished", await intake.student("N2"))
    back = await intake.send_file("/roster/imports", ROSTER)
    assert back["accepted"] == 1
    assert [event.status for event in await intake.published() if isinstance(event, StudentSnapshot)] == [
        "vanished",
        "active",
    ]


# ------------------------------------------------------------------------------------------------------- flags


async def test_three_flags_in_two_courses_make_a_referral_and_say_which(intake: Intake) -> None:
    rows = [flag("A1", "N1", "BIO", 0), flag("A2", "N1", "BIO", 5), flag("A3", "N1", "CHE", 9, reason="ABSENCE")]
    answer = await intake.send_file(FLAGS, flag_file(*rows))
    assert (answer["accepted"], answer["referrals_made"]) == (3, 1)

    events = await intake.published()
    assert kinds(events) == ["FlagRaised"] * 3 + ["ReferralReceived", "ReferralTriaged"]
    raised, received, triaged = events[0], events[3], events[4]
    assert isinstance(raised, FlagRaised)
    student = await intake.student("N1")
    assert (raised.student_id, raised.course, raised.severity, raised.source) == (student, "BIO", 2, "sis")
    assert isinstance(received, ReferralReceived)
    assert (received.source_kind, received.channel, received.level, received.live) == ("rule", "rule", "mild", False)
    assert set(received.concerns) == {"missing_work", "attendance"}
    assert received.happened_at == datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert isinstance(triaged, ReferralTriaged)
    assert (triaged.family, triaged.decided_by) == ("academic", "rule:threshold_reached")

    view = await intake.get("sam", f"/referrals/{received.referral_id}")
    assert [item["course"] for item in view["flags"]] == ["BIO", "BIO", "CHE"]


async def test_the_same_flags_again_or_in_pieces_change_nothing(intake: Intake) -> None:
    rows = [flag(f"A{n}", "N1", "BIO" if n % 2 else "CHE", n) for n in range(6)]
    await intake.send_file(FLAGS, flag_file(*rows))
    before = await counted(intake)
    again = await intake.send_file(FLAGS, flag_file(*reversed(rows), *rows), pieces=200)
    assert (again["accepted"], again["unchanged"], again["referrals_made"]) == (0, 12, 0)
    after = await counted(intake)
    assert {name: n - before[name] for name, n in after.items() if n != before[name]} == {"imports": 1, "outbox": 1}


async def test_flags_are_counted_over_several_imports(intake: Intake) -> None:
    made = [
        (await intake.send_file(FLAGS, flag_file(flag(f"A{number}", "N1", course, number))))["referrals_made"]
        for number, course in enumerate(("BIO", "BIO", "CHE"))
    ]
    assert made == [0, 0, 1]
    assert len(await intake.rows("SELECT 1 FROM flags WHERE counted_in IS NOT NULL")) == 3


async def test_a_flag_without_an_id_is_known_by_what_it_says(intake: Intake) -> None:
    row = flag("", "N1", "BIO", 0)
    first = await intake.send_file(FLAGS, flag_file(row, row))
    again = await intake.send_file(FLAGS, flag_file(row))
    other = await intake.send_file(FLAGS, flag_file(flag("", "N1", "BIO", 1)))
    assert (first["accepted"], first["unchanged"]) == (1, 1)
    assert (again["accepted"], other["accepted"]) == (0, 1)


async def test_a_flag_that_comes_again_with_other_content_is_rejected(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "BIO", 0)))
    answer = await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "CHE", 0)))
    assert (answer["rejected"], answer["rejects"][0]["column"]) == (1, "alert_id")


async def test_a_flag_that_was_cleared_is_not_counted(intake: Intake) -> None:
    header, rows = FLAG_COLUMNS + ",cleared_at", [flag(f"A{n}", "N1", c, n) for n, c in enumerate(("BIO", "CHE"))]
    await intake.send_file(FLAGS, "\n".join([header, rows[0] + ",", rows[1] + ","]))
    cleared = await intake.send_file(FLAGS, "\n".join([header, rows[0] + ",2026-03-02T13:00:00+00:00", rows[1] + ","]))
    assert (cleared["accepted"], cleared["unchanged"]) == (1, 1)
    assert (await intake.send_file(FLAGS, flag_file(flag("A3", "N1", "BIO", 4))))["referrals_made"] == 0
    assert (await intake.send_file(FLAGS, flag_file(flag("A4", "N1", "BIO", 5))))["referrals_made"] == 1


async def test_flags_wait_for_a_student_the_roster_does_not_have_yet(intake: Intake) -> None:
    rows = [flag(f"A{n}", "N9", course, n) for n, course in enumerate(("BIO", "CHE", "BIO"))]
    answer = await intake.send_file(FLAGS, flag_file(*rows))
    assert (answer["accepted"], answer["referrals_made"]) == (3, 0)
    roster = await intake.send_file("/roster/imports", ROSTER + "N9,NORTH,Nia Late,nia@students.example.edu,\n")
    assert (roster["accepted"], roster["referrals_made"]) == (1, 1)


async def test_an_address_alone_names_the_student_of_a_flag(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(flag("A1", "", "BIO", 0, email="NORA@students.example.edu")))
    (row,) = await intake.rows("SELECT student_id FROM flags")
    assert row.student_id == await intake.student("N1")


async def test_comments_are_sealed_and_shown_to_those_who_work_with_the_student(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "BIO", 0, comment="Cried in class.")))
    (row,) = await intake.rows("SELECT comment FROM flags")
    assert b"Cried" not in row.comment
    path = f"/flags?campus=NORTH&student_id={await intake.student('N1')}"
    assert [one["comment"] for one in (await intake.get("ana", path))["items"]] == ["Cried in class."]
    assert [one["comment"] for one in (await intake.get("fred", path))["items"]] == [None]
    assert (await intake.call("fay", "GET", path)).status_code == httpx.codes.FORBIDDEN


async def test_who_must_keep_away_from_a_student_sees_no_flag_and_no_name_of_theirs(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "BIO", 0, comment="Cried."), flag("A2", "N2", "BIO", 0)))
    first, second = await intake.student("N1"), await intake.student("N2")
    await intake.know(person("rex", "case_manager", conflicts=(Conflict(str(first)),)))

    assert (await intake.call("rex", "GET", f"/flags?campus=NORTH&student_id={first}")).is_error
    listed = (await intake.get("rex", "/flags?campus=NORTH"))["items"]
    assert [one["student_id"] for one in listed] == [str(second)]
    named = await intake.post("rex", "/people:resolve", student_ids=[str(first), str(second)])
    assert [one["student_id"] for one in named["people"]] == [str(second)]


# --------------------------------------------------------------------------------------------------- bad input

BAD: list[tuple[str, str]] = [
    (flag("B1", "N1", "BIO", 0, campus="NROTH"), "campus_code"),
    (flag("B2", "=1+1", "BIO", 0), "student_id"),
    (flag("B3", "", "BIO", 0), "student_id"),
    (flag("B4", "N1", "BIO", 0).replace("2026-03-01", "2026-02-30"), "raised_at"),
    (flag("B5", "N1", "BIO", 0).replace("2026-03-01", "2062-03-01"), "raised_at"),
    (flag("B6", "N1", "BIO", 0, severity=9), "severity"),
    (flag("B7", "N1", "BIO", 0, comment="=cmd|' /C calc'!A0"), "comment"),
    (flag("B8", "N1", "BIO", 0, reason=""), "reason_code"),
    (flag("B9", "N1", "BIO", 0) + ",one more", ""),
    (flag("BA", "N1", "BIO", 0, comment='"never closed'), ""),
]


@pytest.mark.parametrize("pieces", [1, 3, 2_000])
async def test_good_rows_go_in_and_bad_rows_are_kept_with_their_reason(intake: Intake, pieces: int) -> None:
    rows = [row for n, (bad, _) in enumerate(BAD) for row in (bad, flag(f"G{n}", "N1", "BIO", n))]
    content = b"\xef\xbb\xbf" + flag_file(*rows).encode()[:-1]
    content += b"\r\n" + flag("C1", "N1", "BIO", 0, comment="caf\xe9").encode("latin-1")
    content += b"\n" + flag("C2", "N1", "BIO", 0, comment="nul\x00").encode()
    content += b'\n"C3","NORTH","N1","x","","2026S","BIO","BIO-1","LATE_WORK","1","two\nlines, ""quoted""",2026-03-01'

    answer = await intake.send_file(FLAGS, content, pieces=pieces)

    assert (answer["accepted"], answer["rejected"]) == (len(BAD) + 1, len(BAD) + 2)
    rejected = {one["row"]: one for one in answer["rejects"]}
    assert sorted(rejected) == [2 + 2 * n for n in range(len(BAD))] + [22, 23]
    assert [rejected[2 + 2 * n]["column"] for n in range(len(BAD))] == [column for _, column in BAD]
    assert {rejected[22]["column"], rejected[23]["column"]} == {"comment"}
    assert "nearest: NORTH" in rejected[2]["accepted_values"]
    assert all(one["reason"] for one in rejected.values())
    path = f"/flags?campus=NORTH&student_id={await intake.student('N1')}"
    assert 'two\nlines, "quoted"' in [one["comment"] for one in (await intake.get("ana", path))["items"]]

    kept = (await intake.get("ada", f"/imports/{answer['import_id']}/rejects"))["items"]
    assert {one["row"] for one in kept} == set(rejected)
    assert any("NROTH" in one["raw"] for one in kept)
    assert all(b"Somebody" not in row.raw for row in await intake.rows("SELECT raw FROM import_rejects"))


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "empty_file", "empty"),
        (b"\n\n", "empty_file", "empty"),
        (
            b"alert,campus_code,studentid,reason_code,raised_at\n",
            "missing_columns",
            "Is studentid meant as student_id?",
        ),
        (b"Nora Quist,nora@x.example,NORTH\n", "missing_columns", "Found: none that is known"),
        (b"campus,campus_code\n", "column_twice", "campus_code"),
        ("campus_code".encode("utf-16"), "wrong_encoding", "UTF-16"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(
    intake: Intake, content: bytes, code: str, said: str
) -> None:
    before = await counted(intake)
    answer = await intake.call("ada", "POST", FLAGS, content=content)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.json()["type"].endswith(code)
    assert said in answer.json()["detail"]
    assert "Quist" not in answer.text
    assert await counted(intake) == before


async def test_a_dry_run_says_what_would_be_and_changes_nothing(intake: Intake) -> None:
    rows = [flag(f"A{n}", "N1", "BIO" if n % 2 else "CHE", n) for n in range(4)] + [
        flag("A0", "N1", "ART", 0),
        BAD[0][0],
    ]
    before = await counted(intake)
    dry = await intake.send_file(f"{FLAGS}&dry_run=true", flag_file(*rows))
    after = await counted(intake)
    assert {name: n - before[name] for name, n in after.items() if n != before[name]} == {"outbox": 1}  # the audit row
    wet = await intake.send_file(FLAGS, flag_file(*rows))
    assert (dry["import_id"], dry["dry_run"]) == (None, True)
    assert {**dry, "import_id": None, "dry_run": False} == {**wet, "import_id": None}


async def test_a_connection_that_drops_leaves_whole_batches_and_sending_again_adds_the_rest(intake: Intake) -> None:
    content = flag_file(*(flag(f"A{n}", "N1", "BIO", n % 20) for n in range(9_000))).encode()

    answers = await dropped(intake, content[: len(content) * 2 // 3])

    assert answers[0]["status"] == httpx.codes.BAD_REQUEST
    there = (await counted(intake))["flags"]
    assert there == 4_000
    assert [row.state for row in await intake.rows("SELECT state FROM imports WHERE kind = 'flags'")] == ["broken_off"]

    answer = await intake.send_file(FLAGS, content)
    assert (answer["accepted"], answer["unchanged"]) == (9_000 - there, there)
    assert len(await intake.published("flag.raised")) == 9_000


async def test_a_file_that_fails_on_the_way_is_noted_as_broken_off(intake: Intake) -> None:
    content = flag_file(*(flag(f"A{n}", "N1", "BIO", n % 20) for n in range(5_000))).encode()

    answers = await dropped(intake, content, end=OSError())

    assert answers[0]["status"] == httpx.codes.SERVICE_UNAVAILABLE
    assert (await counted(intake))["flags"] in (0, 4_000)
    assert [row.state for row in await intake.rows("SELECT state FROM imports WHERE kind = 'flags'")] == ["broken_off"]


async def dropped(intake: Intake, content: bytes, end: Exception | None = None) -> list[Any]:
    """Send the beginning of a file, then hang up (or fail with `end`); return what was answered to nobody."""
    pieces = [content[start : start + 65_536] for start in range(0, len(content), 65_536)]
    messages: list[Any] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.disconnect"})
    answers: list[Any] = []

    async def receive() -> Any:
        if end is not None and len(messages) == 1:
            raise end
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answers.append(message)

    token = mint(intake.settings, "ada", now=intake.clock.now())
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/flags/imports",
        "raw_path": b"/flags/imports",
        "root_path": "",
        "scheme": "http",
        "query_string": b"source=sis",
        "headers": [(b"authorization", f"Bearer {token}".encode()), (b"host", b"intake.test")],
        "client": ("127.0.0.1", 1),
        "server": ("intake.test", 80),
        "state": {},
    }
    await intake.service.api(scope, receive, send)
    return answers


async def test_an_importer_writes_for_their_own_campuses_only(intake: Intake) -> None:
    answer = await intake.send_file(
        FLAGS, flag_file(flag("A1", "N1", "BIO", 0), flag("A2", "S1", "BIO", 0, campus="SOUTH")), who="fred"
    )
    assert (answer["accepted"], answer["rejected"], answer["rejects"][0]["column"]) == (1, 1, "campus_code")
    for who in ("fay", "sam"):
        refused = await intake.call(who, "POST", FLAGS, content=flag_file().encode())
        assert refused.status_code == httpx.codes.FORBIDDEN


# --------------------------------------------------------------------------------------------------- referrals


def referral_file(*rows: str) -> str:
    """Return a referral file."""
    return "\n".join([REFERRAL_COLUMNS, *rows]) + "\n"


async def test_a_referral_file_comes_in_once_and_is_not_live(intake: Intake) -> None:
    rows = [
        f'NORTH,W1,peer,N1,,suicide,urgent,"{DANGER}",friend,Kim Sorensen,kim@x.example,2026-09-14T14:50:00+00:00',
        "SOUTH,W2,faculty,S1,,grades;attendance,routine,Scored 31.,instructor,,,2026-08-01T09:00:00",
        "SOUTH,,other,,,,,Somebody sleeps in the library.,,,,2026-09-01",
    ]
    path = "/referrals/imports?source=paper"
    answer = await intake.send_file(path, referral_file(*rows))
    assert (answer["accepted"], answer["rejected"]) == (3, 0)
    danger = (await intake.published("danger"))[0]
    assert isinstance(danger, DangerRaised)
    assert (danger.live, danger.happened_at) == (False, datetime(2026, 9, 14, 14, 50, tzinfo=UTC))
    assert danger.student_id == await intake.student("N1")
    again = await intake.send_file(path, referral_file(*rows, rows[1]))
    assert (again["accepted"], again["unchanged"]) == (0, 4)
    assert len(await intake.rows("SELECT 1 FROM referrals")) == 3


@pytest.mark.parametrize("apart", [True, False])
async def test_an_id_that_comes_again_with_other_content_is_rejected_and_its_words_are_kept(
    intake: Intake, apart: bool
) -> None:
    first = "NORTH,W1,peer,N1,,grades,routine,Scored 31.,friend,,,2026-09-01"
    others = [
        f'NORTH,W1,peer,N1,,grades,routine,"{DANGER}",friend,,,2026-09-01',
        "NORTH,W1,peer,N1,,suicide,routine,Scored 31.,friend,,,2026-09-01",
        "NORTH,W1,peer,N2,,grades,routine,Scored 31.,friend,,,2026-09-01",
        "NORTH,W1,peer,N1,,grades,emergency,Scored 31.,friend,,,2026-09-01",
        "SOUTH,W1,peer,N1,,grades,routine,Scored 31.,friend,,,2026-09-01",
    ]
    path = "/referrals/imports?source=paper"
    if apart:
        await intake.send_file(path, referral_file(first))
    answer = await intake.send_file(path, referral_file(first, *others, first))
    assert (answer["unchanged"], answer["rejected"]) == (2 if apart else 1, len(others))
    assert {reject["column"] for reject in answer["rejects"]} == {"source_event_id"}
    kept = (await intake.get("ada", f"/imports/{answer['import_id']}/rejects"))["items"]
    assert any(DANGER in reject["raw"] for reject in kept)
    assert len(await intake.rows("SELECT 1 FROM referrals")) == 1


async def test_what_was_said_is_not_compared_once_its_text_is_destroyed(intake: Intake) -> None:
    rows = [f"NORTH,W{n},peer,N1,,grades,routine,Scored 3{n}.,friend,,,2026-09-01" for n in (1, 2)]
    path = "/referrals/imports?source=paper"
    await intake.send_file(path, referral_file(*rows))
    await intake.rows(
        "DELETE FROM record_keys WHERE record_id = (SELECT referral_id FROM referrals WHERE source_event_id = 'W1')"
    )
    other = referral_file(*(row.replace("Scored", "Failed") for row in rows))
    answer = await intake.send_file(path, other)
    assert (answer["unchanged"], answer["rejected"]) == (1, 1)


async def test_old_danger_from_a_file_is_published_and_not_watched_over(intake: Intake) -> None:
    row = f'NORTH,W1,peer,N1,,suicide,urgent,"{DANGER}",friend,,,2026-09-10T14:50:00+00:00'
    await intake.send_file("/referrals/imports?source=paper", referral_file(row))
    assert len(await intake.published("danger")) == 1
    assert not await intake.rows("SELECT 1 FROM danger_watches")


async def test_the_time_without_an_offset_is_the_campus_own(intake: Intake) -> None:
    row = "NORTH,W1,peer,,,,,Quiet lately.,,,,2026-08-01T09:00:00"
    await intake.send_file("/referrals/imports?source=paper", referral_file(row))
    (received,) = await intake.published("received")
    assert isinstance(received, ReferralReceived)
    assert received.happened_at == datetime(2026, 8, 1, 13, tzinfo=UTC)


async def test_files_are_audited(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "BIO", 0)))
    rows: list[Any] = await intake.rows("SELECT payload FROM outbox WHERE topic LIKE '%access'")
    assert len(rows) == 1
    assert b'"flags.import"' in rows[0].payload
