"""A concern comes in: it is screened, matched, triaged and kept; danger is told at once."""

import json
from uuid import UUID

import httpx
import pytest

from shared.access.actors import Actor, Role
from shared.events.referrals import DangerRaised, MisconductReported, ReferralMatched, ReferralReceived, ReferralTriaged
from shared.ids import new_id
from shared.storage.engines import row_context
from tests.integration.intake.conftest import DANGER, Intake, kinds

MIXED = "Her partner hit her last night. She wants to end her life. She is in my room."


async def test_danger_without_a_known_student_is_published_with_the_referral(intake: Intake) -> None:
    receipt = await intake.refer(DANGER, about={"description": "tall, second row"})

    danger, received, triaged = await intake.published()
    assert isinstance(danger, DangerRaised)
    assert (danger.level, danger.found_by, danger.live, danger.student_id) == ("critical", "screening", True, None)
    assert str(danger.referral_id) == receipt["referral_id"]
    assert danger.reference == receipt["reference"]
    assert isinstance(received, ReferralReceived)
    assert isinstance(triaged, ReferralTriaged)
    assert [event.sequence for event in (danger, received, triaged)] == [1, 2, 3]
    assert (triaged.decision, triaged.decided_by, triaged.family) == ("open_case", "rule:danger", "safety_self")


async def test_a_claimed_emergency_is_danger_whatever_the_words(intake: Intake) -> None:
    await intake.refer("Please come.", urgency="emergency")
    danger = (await intake.published("danger"))[0]
    assert isinstance(danger, DangerRaised)
    assert (danger.level, danger.found_by) == ("critical", "urgency")


@pytest.mark.parametrize(
    ("about", "basis"),
    [
        ({"student_id": "N1"}, "exact_id"),
        ({"email": "NORA@students.example.edu"}, "exact_email"),
        ({"student_id": "N1", "email": "nora@students.example.edu"}, "exact_id"),
    ],
)
async def test_a_student_is_matched_by_exact_id_then_by_exact_address(
    intake: Intake, about: dict[str, str], basis: str
) -> None:
    receipt = await intake.refer(about=about)
    view = await intake.get("sam", f"/referrals/{receipt['referral_id']}")
    assert (view["student_id"], view["match_basis"]) == (str(await intake.student("N1")), basis)
    assert receipt["state"] == "triage_due"


async def test_our_own_id_of_a_student_matches_too(intake: Intake) -> None:
    receipt = await intake.refer(about={"student_id": str(await intake.student("N2"))})
    assert receipt["state"] == "triage_due"


@pytest.mark.parametrize(
    "about",
    [
        {"description": "Nora Quist"},
        {"student_id": "N1", "email": "noel@students.example.edu"},
        {"student_id": "S1"},
        {"email": "nobody@students.example.edu"},
    ],
)
async def test_a_name_a_contradiction_and_another_campus_are_left_to_people(
    intake: Intake, about: dict[str, str]
) -> None:
    assert (await intake.refer(about=about))["state"] == "matching"


async def test_a_rule_triages_what_is_easy_and_says_why(intake: Intake) -> None:
    receipt = await intake.refer(about={"student_id": "N1"}, concerns=["attendance"], source_kind="faculty")
    assert receipt["state"] == "triaged"
    triaged = (await intake.published("triaged"))[0]
    assert isinstance(triaged, ReferralTriaged)
    assert (triaged.decided_by, triaged.reason_code) == ("rule:known_student_from_staff", "concern_from_staff")


async def test_misconduct_goes_behind_the_wall_and_its_danger_is_told_apart(intake: Intake) -> None:
    receipt = await intake.refer(MIXED, about={"student_id": "N1"})

    events = await intake.published()
    assert kinds(events) == ["DangerRaised", "MisconductReported", "ReferralReceived"]
    assert {event.sensitivity for event in events} == {"titleix"}
    assert isinstance(events[1], MisconductReported)
    path = f"/referrals/{receipt['referral_id']}"
    for who in ("sam", "dee", "ana", "uma", "ada"):
        for end in ("", "/narrative"):
            assert (await intake.call(who, "GET", path + end)).status_code == httpx.codes.NOT_FOUND, who
    assert (await intake.get("tia", path + "/narrative"))["narrative"] == MIXED


async def test_texts_are_stored_sealed(intake: Intake) -> None:
    receipt = await intake.refer(DANGER, about={"description": "tall, second row"})
    (row,) = await intake.rows("SELECT narrative, about, hits FROM referrals")
    assert b"kill" not in row.narrative
    assert b"tall" not in row.about
    assert "kill" not in row.hits
    view = await intake.get("sam", f"/referrals/{receipt['referral_id']}/narrative")
    assert view["narrative"] == DANGER
    assert view["about"]["description"] == "tall, second row"
    assert view["referrer"]["staff_id"] == "fay"
    found = [DANGER[hit["start"] : hit["end"]] for hit in view["hits"]]
    assert "going to kill himself" in found


async def test_the_same_key_gets_the_same_answer_and_another_body_is_refused(intake: Intake) -> None:
    headers = {"Idempotency-Key": str(new_id())}
    body = {"campus": "NORTH", "narrative": "Quiet lately."}
    first = await intake.call("fay", "POST", "/referrals", json=body, headers=headers)
    again = await intake.call("fay", "POST", "/referrals", json=body, headers=headers)
    other = await intake.call("fay", "POST", "/referrals", json=body | {"urgency": "soon"}, headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert first.json() == again.json()
    assert len(await intake.rows("SELECT 1 FROM referrals")) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"campus": "NOWHERE"}, "/body/campus"),
        ({"narrative": ""}, "/body/narrative"),
        ({"narrative": "x" * 20_001}, "/body/narrative"),
        ({"concerns": ["astrology"]}, "/body/concerns/0"),
        ({"urgency": "now"}, "/body/urgency"),
        ({"source_kind": "rule"}, "/body/source_kind"),
        ({"happened_at": "2026-09-20T00:00:00Z"}, "/body/happened_at"),
        ({"happened_at": "1889-09-20T00:00:00Z"}, "/body/happened_at"),
        ({"student_id": "N1"}, "/body/student_id"),
        ({"about": {"email": "no address"}}, "/body/about/email"),
    ],
)
async def test_a_wrong_field_is_named(intake: Intake, change: dict[str, object], pointer: str) -> None:
    body = {"campus": "NORTH", "narrative": "Quiet lately."} | change
    answer = await intake.call("fay", "POST", "/referrals", json=body)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not await intake.rows("SELECT 1 FROM referrals")


async def test_what_is_too_large_is_refused(intake: Intake) -> None:
    answer = await intake.call("fay", "POST", "/referrals", content=b'{"narrative":"' + b"x" * 300_000 + b'"}')
    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE


async def test_a_person_matches_and_then_triages(intake: Intake) -> None:
    receipt = await intake.refer(about={"description": "the one with the red bag"})
    path = f"/referrals/{receipt['referral_id']}"
    student = str(await intake.student("N1"))
    await intake.forget_outbox()

    view = await intake.post("sam", f"{path}/match", student_id=student)
    assert (view["state"], view["student_id"], view["matched_by"]) == ("triage_due", student, "sam")
    assert (await intake.post("sam", f"{path}/match", student_id=student))["state"] == "triage_due"
    other = await intake.call("sam", "POST", f"{path}/match", json={"student_id": str(await intake.student("N2"))})
    assert other.json()["type"].endswith("already_matched")

    view = await intake.post("sam", f"{path}/triage", decision="watch_no_case", reason_code="nothing_more_known")
    assert (view["state"], view["status"], view["decided_by"]) == ("triaged", "closed", "sam")
    again = await intake.call("sam", "POST", f"{path}/triage", json={"decision": "spam", "reason_code": "spam"})
    assert again.status_code == httpx.codes.CONFLICT

    matched, triaged = await intake.published()
    assert isinstance(matched, ReferralMatched)
    assert (str(matched.student_id), matched.basis, matched.matched_by) == (student, "person", "sam")
    assert isinstance(triaged, ReferralTriaged)
    assert matched.sequence + 1 == triaged.sequence


async def test_a_match_lets_the_rules_decide_what_waited_for_it(intake: Intake) -> None:
    receipt = await intake.refer(concerns=["grades"], source_kind="faculty")
    assert receipt["state"] == "matching"
    student = str(await intake.student("N1"))
    view = await intake.post("sam", f"/referrals/{receipt['referral_id']}/match", student_id=student)
    assert (view["state"], view["decision"]) == ("triaged", "open_case")


async def test_a_student_of_another_campus_is_not_matched_by_hand_either(intake: Intake) -> None:
    receipt = await intake.refer()
    for id_ in (str(await intake.student("S1")), str(new_id())):
        answer = await intake.call(
            "sam", "POST", f"/referrals/{receipt['referral_id']}/match", json={"student_id": id_}
        )
        assert answer.json()["type"].endswith("unknown_student")


async def test_nobody_can_attach_a_referral_about_nobody(intake: Intake) -> None:
    receipt = await intake.refer()
    path = f"/referrals/{receipt['referral_id']}/triage"
    answer = await intake.call("sam", "POST", path, json={"decision": "attach", "reason_code": "same_matter"})
    assert answer.json()["type"].endswith("not_matched")


async def test_the_desk_shows_a_triager_their_campus_and_what_waits(intake: Intake) -> None:
    unmatched = await intake.refer()
    due = await intake.refer(about={"student_id": "N1"})
    await intake.refer(MIXED)

    async def ids(who: str, question: str) -> list[str]:
        listed = (await intake.get(who, f"/referrals?campus=NORTH{question}"))["items"]
        return [referral["referral_id"] for referral in listed]

    assert await ids("sam", "") == [unmatched["referral_id"], due["referral_id"]]
    assert await ids("sam", "&state=triage_due") == [due["referral_id"]]
    assert await ids("sam", "&matched=false") == [unmatched["referral_id"]]
    assert await ids("sam", f"&after={unmatched['referral_id']}") == [due["referral_id"]]
    assert await ids("stu", "") == []
    assert await ids("fay", "") == []
    assert len(await ids("tia", "")) == 1


async def test_a_listing_looks_past_what_is_hidden_and_gives_no_hint_of_it(intake: Intake) -> None:
    row = "NORTH,W{},peer,,,grades,routine,Scored 31.,friend,,,2026-09-01"
    header = (
        "campus_code,source_event_id,source_kind,student_id,student_email,concerns,urgency,narrative,relationship,"
        "referred_by_name,referred_by_email,happened_at"
    )
    file = "\n".join([header, *(row.format(n) for n in range(150))])
    await intake.send_file("/referrals/imports?source=paper", file)
    walled = await intake.refer(MIXED)
    for who in ("fay", "dee", "uma", "stranger"):
        assert await intake.get(who, "/referrals?campus=NORTH") == {"items": [], "after": None}
    seen = await intake.get("tia", "/referrals?campus=NORTH")
    assert [referral["referral_id"] for referral in seen["items"]] == [walled["referral_id"]]
    assert seen["after"] is None
    first = await intake.get("sam", "/referrals?campus=NORTH")
    second = await intake.get("sam", f"/referrals?campus=NORTH&after={first['after']}")
    assert (len(first["items"]), len(second["items"]), second["after"]) == (100, 50, None)


async def test_a_role_that_opens_nothing_shows_no_rows_to_row_security() -> None:
    assert row_context(Actor("person", "fay", (Role("faculty", "NORTH"),)))["campuses"] == ""
    assert row_context(Actor("person", "sam", (Role("triager", "NORTH"),)))["campuses"] == "NORTH"


async def test_somebody_without_any_role_may_refer_and_reads_nothing(intake: Intake) -> None:
    receipt = await intake.refer(who="stranger")
    assert (await intake.call("stranger", "GET", f"/referrals/{receipt['referral_id']}")).status_code == 404
    assert (await intake.call("stranger", "GET", f"/referrals/{UUID(int=1)}")).status_code == 404


async def test_every_answer_leaves_an_audit_row(intake: Intake) -> None:
    receipt = await intake.refer()
    await intake.call("ana", "GET", f"/referrals/{receipt['referral_id']}/narrative")
    await intake.get("sam", f"/referrals/{receipt['referral_id']}/narrative")
    rows = await intake.rows("SELECT payload FROM outbox WHERE topic LIKE '%access' ORDER BY id")
    audits = [json.loads(row.payload) for row in rows]
    assert [(audit["actor_id"], audit["action"], audit["allowed"]) for audit in audits] == [
        ("fay", "referral.create", True),
        ("ana", "referral.read_narrative", False),
        ("sam", "referral.read_narrative", True),
    ]
    assert all(audit["resource_ids"] == [receipt["referral_id"]] for audit in audits)


async def test_names_are_given_to_those_who_work_with_the_student(intake: Intake) -> None:
    ids = [str(await intake.student(number)) for number in ("N1", "S1", "N2")] + [str(new_id())]
    people = (await intake.post("ana", "/people:resolve", student_ids=ids))["people"]
    assert [(one["student_id"], one["name"], one["campus_code"]) for one in people] == [
        (ids[0], "Nora Quist", "NORTH"),
        (ids[2], "Noel Park", "NORTH"),
    ]
    assert (await intake.post("fay", "/people:resolve", student_ids=ids))["people"] == []
    assert (await intake.post("uma", "/people:resolve", student_ids=ids))["people"] == []
