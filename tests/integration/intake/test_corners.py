"""What happens at the corners: one campus's trouble beside another's, a flag told twice in one file, rows left out."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from services.intake.usecases.watch_for_silence import Alarm, watch_for_silence
from shared.events.pages import PageAccepted
from shared.events.teams import TeamSnapshot
from shared.ids import new_id
from tests.integration.intake.conftest import DANGER, FLAG_COLUMNS, NOW, ROSTER, Intake, flag, flag_file, person, policy
from tests.integration.intake.test_imports import REFERRAL_COLUMNS

FLAGS = "/flags/imports?source=sis"
CLEARABLE = FLAG_COLUMNS + ",cleared_at"


def clearable(*rows: tuple[str, str]) -> str:
    """Return a flag file with a column for when a flag was cleared."""
    return "\n".join([CLEARABLE, *(f"{row},{cleared}" for row, cleared in rows)]) + "\n"


async def test_contacts_who_cannot_be_mailed_keep_no_other_campus_from_being_told(intake: Intake) -> None:
    await intake.know(policy("emergency_contacts", {"email": ["bad@example.edu"]}, campus="SOUTH", version=2))
    await intake.refer(DANGER, campus="SOUTH")
    await intake.refer(DANGER)
    told: list[tuple[str, ...]] = []

    async def send(alarm: Alarm) -> None:
        if alarm.campus == "SOUTH":
            raise ConnectionError
        told.append(alarm.to)

    for _ in range(2):
        intake.clock.move(timedelta(minutes=2))
        await watch_for_silence(intake.worker, send)
    assert told == [("help@example.edu",)]


async def test_a_flag_cleared_in_the_file_that_brings_the_last_one_is_not_counted(intake: Intake) -> None:
    first, second, third = (flag(f"A{n}", "N1", course, n) for n, course in enumerate(("BIO", "CHE", "BIO")))
    await intake.send_file(FLAGS, clearable((first, ""), (second, "")))
    answer = await intake.send_file(FLAGS, clearable((first, "2026-03-01T13:00:00+00:00"), (third, "")))
    assert (answer["accepted"], answer["referrals_made"]) == (2, 0)


async def test_a_flag_that_one_file_brings_and_clears_is_cleared(intake: Intake) -> None:
    rows = [flag(f"A{n}", "N1", course, n) for n, course in enumerate(("BIO", "CHE", "BIO"))]
    told = [(row, "") for row in rows]
    answer = await intake.send_file(FLAGS, clearable(*told, (rows[0], "2026-03-01T13:00:00+00:00")))
    assert (answer["accepted"], answer["unchanged"], answer["referrals_made"]) == (3, 1, 0)
    (row,) = await intake.rows("SELECT cleared_at FROM flags WHERE source_key = 'A0'")
    assert row.cleared_at is not None


async def test_a_flag_by_an_address_nobody_has_is_kept_as_rejected_and_comes_in_later(intake: Intake) -> None:
    file = flag_file(flag("A1", "", "BIO", 0, email="nia@students.example.edu"), flag("A2", "N1", "BIO", 0))
    answer = await intake.send_file(FLAGS, file)
    assert (answer["accepted"], answer["rejected"]) == (1, 1)
    assert (answer["rejects"][0]["row"], answer["rejects"][0]["column"]) == (2, "student_email")
    await intake.send_file("/roster/imports", ROSTER + "N9,NORTH,Nia Late,nia@students.example.edu,\n")
    again = await intake.send_file(FLAGS, file)
    assert (again["accepted"], again["unchanged"]) == (1, 1)
    (row,) = await intake.rows("SELECT student_id FROM flags WHERE source_key = 'A1'")
    assert row.student_id == await intake.student("N9")


async def test_a_complete_roster_with_a_bad_row_lets_nobody_vanish(intake: Intake) -> None:
    roster = ROSTER.replace("noel@students.example.edu", "noel at example")
    answer = await intake.send_file("/roster/imports?complete=true", roster)
    assert (answer["rejected"], answer["vanished"]) == (1, 0)
    (row,) = await intake.rows("SELECT status FROM students WHERE number = 'N2'")
    assert row.status == "active"


async def test_what_another_campus_holds_is_no_crash_for_an_importer_of_one(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(flag("A1", "S1", "BIO", 0, campus="SOUTH")))
    roster = ROSTER.splitlines()[0] + "\nS1,NORTH,Sol Reyes,sol@students.example.edu,\n"
    for path, file in (("/roster/imports", roster), (FLAGS, flag_file(flag("A1", "N1", "BIO", 0)))):
        answer = await intake.call("fred", "POST", path, content=file.encode())
        assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR, answer.text


async def test_who_is_recused_from_a_students_case_sees_no_flag_of_theirs_in_the_list(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "BIO", 0), flag("A2", "N2", "BIO", 0)))
    referral, case, student = (await intake.refer(about={"student_id": "N1"})), new_id(), await intake.student("N1")
    team = TeamSnapshot(
        campus="NORTH", case_id=case, student_id=student, family="academic", owner_id=None, members=(),
        referrals=(), recused=("rex",),
    )  # fmt: skip
    await intake.know(person("rex", "case_manager"), team)
    await intake.rows(
        "UPDATE referrals SET case_id = :case WHERE referral_id = CAST(:id AS uuid)",
        case=case,
        id=referral["referral_id"],
    )
    assert (await intake.call("rex", "GET", f"/flags?campus=NORTH&student_id={student}")).is_error
    listed = (await intake.get("rex", "/flags?campus=NORTH"))["items"]
    assert [one["student_id"] for one in listed] == [str(await intake.student("N2"))]


async def test_danger_in_the_words_about_whom_it_is_is_danger(intake: Intake) -> None:
    await intake.refer("Please look after this one.", about={"description": "the boy who says he will kill himself"})
    assert len(await intake.published("danger")) == 1


async def test_misconduct_in_the_words_about_whom_it_is_goes_behind_the_wall(intake: Intake) -> None:
    await intake.refer("Please look after this one.", about={"description": "the girl who was raped at the party"})
    (row,) = await intake.rows("SELECT sensitivity FROM referrals")
    assert row.sensitivity == "titleix"


@pytest.mark.parametrize("who", ["ada", "fred"])
async def test_a_file_with_a_report_behind_the_wall_comes_in_twice_as_once(intake: Intake, who: str) -> None:
    file = f"{REFERRAL_COLUMNS}\nNORTH,W1,peer,N1,,sexual_misconduct,urgent,He would not stop.,friend,,,2026-09-14\n"
    for accepted in (1, 0):
        answer = await intake.call(who, "POST", "/referrals/imports?source=paper", content=file.encode())
        assert answer.is_success, answer.text
        assert answer.json()["accepted"] == accepted


async def test_a_responder_behind_the_wall_is_not_told_who_handled_the_report_or_why(intake: Intake) -> None:
    referral = await intake.refer(DANGER + " He raped her.", about={"student_id": "N1"})
    path = f"/referrals/{referral['referral_id']}"
    if referral["state"] != "triaged":
        await intake.post("tia", f"{path}/triage", decision="open_case", reason_code="sexual_misconduct")
    await intake.tell(
        PageAccepted(
            campus="NORTH", page_id=new_id(), cause_id=new_id(), function="danger", level="critical",
            referral_id=UUID(referral["referral_id"]), accepted_by="uma", via="link", raised_at=NOW, accepted_at=NOW,
            grant_until=NOW + timedelta(hours=2), contact_due=NOW,
        )
    )  # fmt: skip
    seen = await intake.get("uma", path)
    assert (seen["state"], seen["reason_code"], seen["decided_by"], seen["matched_by"]) == ("triaged", "", "", "")
    assert (await intake.get("tia", path))["decided_by"] != ""
