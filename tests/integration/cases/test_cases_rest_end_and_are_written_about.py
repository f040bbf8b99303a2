"""Holds, closing with its guards, reopening, and notes: over HTTP, with what others are told."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.cases.usecases.rest import REVIEW, review_holds
from shared.events.pages import PageDisposed, PageRaised, PageReopened
from shared.events.program import RoleHeld, StaffSnapshot
from shared.ids import new_id
from shared.messaging.timers import Timers
from tests.integration.cases.conftest import NOW, Cases, danger, triaged
from tests.integration.cases.test_referrals_become_cases import assert_counts_are_true
from tests.support.statements import statements_of

ADA = UUID(int=1)
REACHED = {"mode": "phone", "outcome_code": "reached"}
TRIED = {"mode": "phone", "outcome_code": "no_answer"}
ENDING = {"close_code": "resolved", "contact_outcome": "reached", "level": "mild", "student_told": True}
WORDS = "She has spoken with her sister and will see the counselor on Thursday."


def page(kind: type[Any], referral_id: UUID, page_id: UUID, minutes: int = 0, **more: Any) -> Any:
    """Return something a page says of itself."""
    return kind(
        campus="NORTH", page_id=page_id, cause_id=page_id, function="danger", level="critical",
        referral_id=referral_id, **more,
    )  # fmt: skip


async def one(cases: Cases, **more: Any) -> str:
    """Return the path of a new case, which ana owns."""
    await cases.tell(triaged(ADA, **more))
    return f"/cases/{(await cases.the_case())['case_id']}"


async def run_due(cases: Cases) -> None:
    await Timers(cases.worker, cases.settings, {REVIEW: review_holds}).run_due()


async def test_a_hold_ends_by_itself_on_its_day_and_nobody_is_forgotten(cases: Cases) -> None:
    path = await one(cases)
    await cases.post("ana", f"{path}/contacts", **REACHED)
    until = NOW + timedelta(days=14)
    held = await cases.post("ana", f"{path}/hold", reason_code="hospital", review_at=until.isoformat())
    assert held["state"] == "on_hold"
    again = await cases.call(
        "ana", "POST", f"{path}/hold", json={"reason_code": "leave", "review_at": until.isoformat()}
    )
    assert again.json()["type"] == "urn:caselight:problem:already_on_hold"
    cases.clock.move(timedelta(days=13))
    await run_due(cases)
    assert (await cases.get("ana", path))["state"] == "on_hold"
    cases.clock.move(timedelta(days=2))
    await run_due(cases)
    case = await cases.get("ana", path)
    assert (case["state"], case["review_at"], case["changed"]["how"]) == ("engaged", None, "resumed")
    assert (await cases.published("case."))[-2:] == ["caselight.case.held.v1", "caselight.case.resumed.v1"]
    log = (await cases.get("ana", f"{path}/notes"))["changes"]
    assert [(each["how"], each["code"]) for each in log] == [("held", "hospital"), ("resumed", "")]
    await assert_counts_are_true(cases)


async def test_holds_that_end_together_are_kept_in_one_statement(cases: Cases) -> None:
    await cases.tell(*(triaged(UUID(int=number)) for number in range(1, 6)))
    until = (NOW + timedelta(days=3)).isoformat()
    for case in (await cases.get("sam", "/cases"))["items"]:
        await cases.post("sam", f"/cases/{case['case_id']}/hold", reason_code="break", review_at=until)
    cases.clock.move(timedelta(days=4))
    with statements_of(cases.worker) as sent:
        await run_due(cases)
    assert {case["state"] for case in (await cases.get("sam", "/cases"))["items"]} == {"assigned"}
    assert len(sent.touching("case_changes")) == 1


@pytest.mark.parametrize("days", [0, -1, 400])
async def test_a_hold_needs_a_day_to_look_again(cases: Cases, days: int) -> None:
    path = await one(cases)
    body = {"reason_code": "break", "review_at": (NOW + timedelta(days=days)).isoformat()}
    refused = await cases.call("ana", "POST", f"{path}/hold", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/body/review_at")


async def test_a_case_on_hold_that_becomes_graver_is_at_work_at_once(cases: Cases) -> None:
    referral = triaged(ADA)
    await cases.tell(referral)
    path = f"/cases/{(await cases.the_case())['case_id']}"
    review = (NOW + timedelta(days=14)).isoformat()
    await cases.post("ana", f"{path}/hold", reason_code="leave", review_at=review)
    await cases.tell(triaged(ADA, level="mild"))
    assert (await cases.get("ana", path))["state"] == "on_hold"
    await cases.tell(danger(referral.referral_id))
    case = await cases.get("ana", path)
    assert (case["state"], case["level"], case["hold_reason"]) == ("assigned", "critical", None)
    assert (await cases.call("ana", "POST", f"{path}/resume", json={})).status_code == 409


async def test_a_case_closes_only_when_nothing_stands_in_the_way(cases: Cases) -> None:
    referral = triaged(ADA)
    await cases.tell(referral)
    path = f"/cases/{(await cases.the_case())['case_id']}"
    page_id = new_id()
    raised = page(PageRaised, referral.referral_id, page_id, policy_edition="1", happened_at=NOW, raised_at=NOW)
    await cases.tell(raised)

    async def codes(**ending: Any) -> str:
        answer = await cases.call("ana", "POST", f"{path}/close", json=ENDING | ending)
        assert answer.status_code == 409, answer.text
        return str(answer.json()["type"]).rpartition(":")[2]

    assert await codes() == "page_open"
    assert [each["code"] for each in (await cases.get("ana", f"{path}/closing"))["in_the_way"]] == ["page_open"]
    cases.clock.move(timedelta(minutes=1))
    await cases.tell(
        page(PageDisposed, referral.referral_id, page_id, disposition="reached_safe", disposed_by="u", disposed_at=NOW)
    )
    assert await codes() == "no_contact_recorded"
    assert await codes(close_code="unreachable", contact_outcome="not_reached") == "too_few_attempts"
    assert await codes(level="elevated", contact_outcome="not_needed") == "still_elevated"
    await cases.post("ana", f"{path}/contacts", **REACHED, next_due=(NOW + timedelta(days=2)).isoformat())
    assert await codes() == "contact_promised"
    await cases.post("ana", f"{path}/contacts", **REACHED)
    cases.clock.move(timedelta(minutes=1))
    await cases.tell(
        page(PageReopened, referral.referral_id, page_id, accepted_by=None, because="no_contact", reopened_at=NOW)
    )
    assert await codes() == "page_open"
    cases.clock.move(timedelta(minutes=1))
    await cases.tell(
        page(PageDisposed, referral.referral_id, page_id, disposition="reached_safe", disposed_by="u", disposed_at=NOW)
    )
    closed = await cases.post("ana", f"{path}/close", **ENDING)
    assert (closed["state"], closed["level"]) == ("closed", "mild")
    assert (await cases.published("case."))[-1] == "caselight.case.closed.v1"
    assert (await cases.call("ana", "POST", f"{path}/contacts", json=REACHED)).json()["type"].endswith("case_closed")
    await assert_counts_are_true(cases)


async def test_nobody_unreachable_at_an_elevated_level_is_let_go(cases: Cases) -> None:
    path = await one(cases, level="elevated")
    for _ in range(3):
        await cases.post("ana", f"{path}/contacts", **TRIED)
    body = ENDING | {"close_code": "unreachable", "contact_outcome": "not_reached"}
    refused = await cases.call("ana", "POST", f"{path}/close", json=body)
    assert refused.json()["type"].endswith("never_reached")


async def test_a_closed_case_is_read_by_who_worked_on_it_and_a_new_referral_opens_another(cases: Cases) -> None:
    path = await one(cases)
    await cases.post("ana", f"{path}/contacts", **REACHED)
    await cases.post("ana", f"{path}/close", **ENDING)
    assert (await cases.get("ana", path))["close_code"] == "resolved"
    await cases.tell(triaged(ADA))
    listed = (await cases.get("sam", "/cases"))["items"]
    assert sorted(each["state"] for each in listed) == ["assigned", "closed"]
    refused = await cases.call("ana", "POST", f"{path}/reopen", json={"reason_code": "student_back"})
    assert refused.json()["type"].endswith("another_open")


async def test_a_case_is_reopened_within_its_days_and_not_after(cases: Cases) -> None:
    path = await one(cases)
    await cases.post("ana", f"{path}/contacts", **REACHED)
    await cases.post("ana", f"{path}/close", **ENDING)
    cases.clock.move(timedelta(days=29))
    again = await cases.post("ana", f"{path}/reopen", reason_code="student_back")
    assert again["state"] == "engaged"
    await assert_counts_are_true(cases)
    await cases.post("ana", f"{path}/close", **ENDING)
    cases.clock.move(timedelta(days=31))
    refused = await cases.call("ana", "POST", f"{path}/reopen", json={"reason_code": "student_back"})
    assert refused.json()["type"].endswith("closed_too_long")


async def test_only_the_team_and_supervisors_close_or_hold(cases: Cases) -> None:
    path = await one(cases)
    for who, status in (("ben", 403), ("dee", 403), ("stu", 404), ("tia", 404)):
        assert (await cases.call(who, "POST", f"{path}/close", json=ENDING)).status_code == status, who
        body = {"reason_code": "leave", "review_at": (NOW + timedelta(days=3)).isoformat()}
        assert (await cases.call(who, "POST", f"{path}/hold", json=body)).status_code == status, who


# ------------------------------------------------------------------------------------------------------- notes


async def notes(cases: Cases, who: str, path: str) -> list[dict[str, Any]]:
    return list((await cases.get(who, f"{path}/notes"))["notes"])


async def test_a_draft_is_its_authors_alone_until_it_is_signed(cases: Cases) -> None:
    path = await one(cases)
    draft = await cases.post("ana", f"{path}/notes", kind="progress", text="She")
    assert await notes(cases, "sam", path) == []
    there = f"{path}/notes/{draft['note_id']}"
    assert (await cases.call("sam", "PUT", there, json={"text": "He"})).status_code == 404
    assert (await cases.call("ana", "PUT", there, json={"text": WORDS})).status_code == 200
    assert [each["text"] for each in (await notes(cases, "ana", path))[0]["editions"]] == [WORDS]
    assert "caselight.case.note_signed.v1" not in await cases.published("case.")
    await cases.call("ana", "PUT", there, json={"text": WORDS, "sign": True})
    (seen,) = await notes(cases, "sam", path)
    assert (seen["edition"], [each["text"] for each in seen["editions"]]) == (1, [WORDS])
    assert (await cases.published("case."))[-1] == "caselight.case.note_signed.v1"
    again = await cases.call("ana", "PUT", there, json={"text": "other"})
    assert again.json()["type"].endswith("already_signed")
    assert (await cases.call("ana", "DELETE", there)).json()["type"].endswith("already_signed")


async def test_a_signed_note_is_amended_and_what_was_written_stays(cases: Cases) -> None:
    path = await one(cases)
    note = await cases.post("ana", f"{path}/notes", kind="plan", text=WORDS, sign=True)
    await cases.post("sam", f"{path}/notes/{note['note_id']}/amend", text="On Friday.", reason_code="correction")
    (seen,) = await notes(cases, "ana", path)
    assert [(each["edition"], each["text"], each["by"]) for each in seen["editions"]] == [
        (1, WORDS, "ana"), (2, "On Friday.", "sam"),
    ]  # fmt: skip


async def test_a_draft_can_be_thrown_away(cases: Cases) -> None:
    path = await one(cases)
    draft = await cases.post("ana", f"{path}/notes", kind="progress", text=WORDS)
    assert (await cases.call("ana", "DELETE", f"{path}/notes/{draft['note_id']}")).status_code == 204
    assert await notes(cases, "ana", path) == []
    assert await cases.rows("SELECT 1 FROM note_texts") == []


async def test_what_is_written_is_sealed_and_never_sent_back_or_published(cases: Cases) -> None:
    path = await one(cases)
    answer = await cases.call("ana", "POST", f"{path}/notes", json={"kind": "progress", "text": WORDS, "sign": True})
    assert WORDS not in answer.text
    for table in ("notes", "note_texts", "outbox", "idempotency_keys", "case_changes"):
        assert all(b"sister" not in bytes(str(row), "utf-8") for row in await cases.rows(f"SELECT * FROM {table}"))


async def test_a_clinical_note_shows_that_it_is_there_and_whom_to_ask(cases: Cases) -> None:
    def staff(staff_id: str, **more: Any) -> StaffSnapshot:
        role = (RoleHeld("case_manager", "NORTH"),)
        return StaffSnapshot(
            campus="NORTH", staff_id=staff_id, name=staff_id.title(), email=f"{staff_id}@x.example", roles=role,
            sequence=9, **more,
        )  # fmt: skip

    await cases.know(staff("ana", clinical=True))
    path = await one(cases)
    refused = await cases.call("ben", "POST", f"{path}/notes", json={"kind": "clinical", "text": WORDS})
    assert refused.status_code == 403
    await cases.post("ana", f"{path}/notes", kind="clinical", text=WORDS, sign=True)
    assert (await notes(cases, "ana", path))[0]["editions"][0]["text"] == WORDS
    (seen,) = await notes(cases, "ben", path)
    assert (seen["restricted"], seen["editions"], seen["author_name"]) == (True, [], "Ana")


async def test_reading_notes_is_audited_with_the_notes_read(cases: Cases) -> None:
    path = await one(cases)
    note = await cases.post("ana", f"{path}/notes", kind="progress", text=WORDS, sign=True)
    await cases.rows("DELETE FROM outbox")
    await cases.get("sam", f"{path}/notes")
    rows = await cases.rows("SELECT convert_from(payload, 'UTF8') AS said FROM outbox")
    assert any('"case.read_notes"' in row.said and note["note_id"] in row.said for row in rows)
    assert (await cases.call("dee", "GET", f"{path}/notes")).status_code == 403
