"""What people do with cases over HTTP: who may, what it changes, and what they are told when somebody was faster."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.ids import new_id
from tests.integration.cases.conftest import BARRED, NOW, Cases, accepted, matched, student, triaged
from tests.integration.cases.test_referrals_become_cases import assert_counts_are_true

ADA, BO = UUID(int=1), UUID(int=2)
CALL = {"mode": "phone", "outcome_code": "no_answer"}


async def test_the_owner_accepts_and_nobody_else_can(cases: Cases) -> None:
    await cases.tell(triaged(ADA))
    path = f"/cases/{(await cases.the_case())['case_id']}"
    for who in ("ben", "sam"):
        assert (await cases.call(who, "POST", f"{path}/accept", json={})).status_code == 403
    assert (await cases.call("stu", "POST", f"{path}/accept", json={})).status_code == 404
    taken = await cases.call("ana", "POST", f"{path}/accept", json={})
    assert taken.headers["ETag"] == '"2"'
    again = await cases.call("ana", "POST", f"{path}/accept", json={})
    assert (again.status_code, again.json()["type"]) == (409, "urn:caselight:problem:already_accepted")


async def test_a_declined_case_goes_to_the_next_and_the_reason_is_read_as_a_sentence(cases: Cases) -> None:
    await cases.tell(triaged(ADA))
    path = f"/cases/{(await cases.the_case())['case_id']}"
    moved = await cases.post("ana", f"{path}/decline", reason_code="capacity")
    assert moved["owner_id"] == "ben"
    alone = await cases.post("ben", f"{path}/decline", reason_code="conflict")
    assert (alone["owner_id"], alone["state"]) == (None, "new")
    assert alone["assignment_sentence"] == "Nobody: of 3 who could own it, 1 absent, 2 declined"
    assert await cases.published("case.") == [
        "caselight.case.opened.v1",
        *["caselight.case.declined.v1", "caselight.case.assigned.v1"] * 2,
    ]
    await assert_counts_are_true(cases)


async def test_a_change_on_an_old_version_is_told_who_changed_what(cases: Cases) -> None:
    await cases.tell(triaged(ADA))
    case = await cases.the_case()
    path = f"/cases/{case['case_id']}"
    await cases.post("sam", f"{path}/reassign", staff_id="ben", reason_code="skill", version=case["version"])
    body = {"staff_id": "ana", "reason_code": "skill"}
    late = await cases.call("sam", "POST", f"{path}/reassign", json=body, headers={"If-Match": '"1"'})
    assert late.status_code == 409
    assert late.json()["detail"] == (
        "Sam Supervisor assigned this case at 2026-09-14 15:00 UTC. It is at version 2 now; you saw version 1."
    )
    late = await cases.call("ben", "POST", f"{path}/accept", json={"version": 1})
    assert late.json()["type"] == "urn:caselight:problem:changed_meanwhile"


async def test_two_supervisors_reassign_at_once_and_one_is_told(cases: Cases) -> None:
    await cases.tell(triaged(ADA))
    path = f"/cases/{(await cases.the_case())['case_id']}/reassign"
    await cases.tell(triaged(BO))
    answers = await asyncio.gather(
        *(
            cases.call("sam", "POST", path, json={"staff_id": "ben", "reason_code": "skill", "version": 1})
            for _ in range(4)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    await assert_counts_are_true(cases)


async def test_nobody_with_a_conflict_absent_or_behind_a_wall_can_be_chosen(cases: Cases) -> None:
    await cases.tell(triaged(BARRED))
    case = await cases.the_case()
    assert case["owner_id"] == "ben"
    path = f"/cases/{case['case_id']}"
    told: list[Any] = []
    for staff_id in ("ana", "tia", "stu", "nobody", "zed"):
        answer = await cases.call(
            "sam", "POST", f"{path}/reassign", json={"staff_id": staff_id, "reason_code": "skill"}
        )
        assert answer.status_code == 409
        told.append(answer.json()["detail"])
    assert len(set(told[:4])) == 1  # a conflict, a wall and a stranger sound alike
    assert (await cases.call("ana", "GET", path)).status_code == 404  # recused, and not told so


async def test_contacts_move_the_case_on_and_are_recorded_once(cases: Cases) -> None:
    await cases.tell(triaged(ADA))
    path = f"/cases/{(await cases.the_case())['case_id']}"
    key = {"Idempotency-Key": "call-1"}
    first = await cases.call("ana", "POST", f"{path}/contacts", json=CALL, headers=key)
    again = await cases.call("ana", "POST", f"{path}/contacts", json=CALL, headers=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.json()["case"]["state"] == "outreach"
    due = (NOW + timedelta(days=2)).isoformat()
    await cases.post(
        "ben", f"{path}/contacts", mode="email", direction="in", outcome_code="replied", by="ana", next_due=due
    )
    await cases.post("ana", f"{path}/contacts", mode="phone", outcome_code="reached", **{"with": "parent"})

    case = await cases.the_case()
    assert (case["state"], case["contacts"]) == ("engaged", 3)
    assert case["clocks"]["outreach"]["met_at"] == "2026-09-14T15:00:00Z"
    assert [(each["with"], each["by"], each["two_way"]) for each in case["contact_log"]] == [
        ("student", "ana", False),
        ("student", "ana", True),
        ("parent", "ana", False),
    ]


async def test_bad_contacts_are_told_which_field(cases: Cases) -> None:
    await cases.tell(triaged(ADA))
    path = f"/cases/{(await cases.the_case())['case_id']}/contacts"
    tries = [
        ({**CALL, "mode": "pigeon"}, "/body/mode"),
        ({**CALL, "notes": "said she is fine"}, "/body/notes"),
        ({**CALL, "by": "stranger"}, "/body/by"),
        ({**CALL, "at": (NOW + timedelta(hours=1)).isoformat()}, "/body/at"),
        ({**CALL, "next_due": (NOW - timedelta(hours=1)).isoformat()}, "/body/next_due"),
    ]
    for body, pointer in tries:
        answer = await cases.call("ana", "POST", path, json=body)
        assert answer.status_code == 422, body
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert "fine" not in answer.text
    assert (await cases.call("uma", "POST", path, json=CALL)).status_code in (403, 404)
    assert (await cases.call("sam", "GET", f"/cases/{new_id()}")).status_code == 404


# ------------------------------------------------------------------------------------------------------ grants, walls


async def test_accepting_a_page_opens_one_case_for_its_time_from_any_campus(cases: Cases) -> None:
    taken, other = triaged(ADA), triaged(BO)
    await cases.tell(taken, other)
    ids = {case["student_id"]: case["case_id"] for case in (await cases.get("sam", "/cases"))["items"]}
    # Somebody of another campus, with no role here at all.
    page = accepted(taken.referral_id, "stu")
    await cases.tell(page)
    await cases.tell(accepted(taken.referral_id, "stu", page_id=page.page_id))  # told twice

    case = await cases.get("stu", f"/cases/{ids[str(ADA)]}")
    assert [member["capacity"] for member in case["team"]] == ["owner", "duty"]
    assert (await cases.call("stu", "GET", f"/cases/{ids[str(BO)]}")).status_code == 404
    assert [item["case_id"] for item in (await cases.get("stu", "/cases"))["items"]] == [ids[str(ADA)]]
    await cases.post("stu", f"/cases/{ids[str(ADA)]}/contacts", **CALL)
    cases.clock.move(timedelta(hours=72))
    assert (await cases.call("stu", "GET", f"/cases/{ids[str(ADA)]}")).status_code == 404
    assert (await cases.get("stu", "/cases"))["items"] == []


async def test_a_walled_case_shows_to_the_coordinator_alone_and_a_responder_sees_no_party(cases: Cases) -> None:
    report = triaged(ADA, family="misconduct_sex", concerns=("stalking",), sensitivity="titleix", level="critical")
    await cases.tell(report)
    (case,) = (await cases.get("tia", "/cases"))["items"]
    path = f"/cases/{case['case_id']}"
    assert (await cases.get("tod", path))["owner_id"] == "tia"
    for who in ("sam", "dee", "ana", "uma", "stu"):
        hidden = await cases.call(who, "GET", path)
        nothing = await cases.call(who, "GET", f"/cases/{new_id()}")
        assert hidden.status_code == 404
        assert {**hidden.json(), "request_id": ""} == {**nothing.json(), "request_id": ""}
        assert (await cases.get(who, "/cases"))["items"] == []
        assert (await cases.call(who, "POST", f"{path}/reassign", json={"staff_id": "ana", "reason_code": "skill"})
                ).status_code == 404  # fmt: skip
    await cases.tell(accepted(report.referral_id, "uma", sensitivity="titleix"))
    seen = await cases.call("uma", "GET", path)
    assert seen.status_code == 200
    for word in (str(ADA), "stalking", "misconduct", "tia", "Tia"):
        assert word not in seen.text
    assert seen.json()["level"] == "critical"
    await cases.post("tia", f"{path}/accept")
    seen = await cases.call("uma", "GET", path)
    late = await cases.call("uma", "POST", f"{path}/contacts", json=CALL | {"version": 1})
    assert (seen.json()["changed"]["how"], late.json()["detail"].partition(" at ")[0]) == (
        "accepted", "Somebody accepted this case",
    )  # fmt: skip
    assert not [word for word in ("tia", "Tia") if word in seen.text + late.text]


async def test_a_director_sees_how_cases_go_and_nothing_of_what_they_say(cases: Cases) -> None:
    await cases.tell(triaged(ADA))
    (item,) = (await cases.get("dee", "/cases"))["items"]
    assert (item["owner_id"], item["state"]) == ("ana", "assigned")
    assert [item[name] for name in ("student_id", "family", "concerns", "referrals")] == [None] * 4
    assert (await cases.call("dee", "GET", f"/cases/{item['case_id']}")).status_code == 403
    (referral,) = (await cases.the_case())["referrals"]
    for asked in (f"student_id={ADA}", f"referral_id={referral}", "family=health"):
        assert len((await cases.get("sam", f"/cases?{asked}"))["items"]) == 1
        assert (await cases.get("dee", f"/cases?{asked}"))["items"] == []  # or asking would say what is hidden


async def test_a_listing_does_not_say_that_something_is_hidden_in_it(cases: Cases) -> None:
    await cases.tell(*(triaged(UUID(int=100 + n)) for n in range(2)))
    await cases.tell(triaged(ADA, sensitivity="sensitive"), triaged(BO, sensitivity="sensitive"))
    hidden = await cases.get("sam", f"/cases?student_id={ADA}&count=1")
    assert hidden == {"items": [], "after": None}
    first = await cases.get("sam", "/cases?count=1")
    last = await cases.get("sam", f"/cases?count=1&after={first['after']}")
    assert [len(first["items"]), len(last["items"])] == [1, 1]
    assert first["after"] == first["items"][0]["case_id"]
    assert last["after"] is None


async def test_pages_of_the_listing_follow_each_other_without_gap(cases: Cases) -> None:
    await cases.tell(*(triaged(UUID(int=100 + n)) for n in range(7)))
    seen: list[str] = []
    after = ""
    while True:
        page = await cases.get("sam", f"/cases?campus=NORTH&count=3{after}")
        seen += [item["case_id"] for item in page["items"]]
        if page["after"] is None:
            break
        after = f"&after={page['after']}"
    assert len(seen) == 7
    assert seen == sorted(seen, reverse=True)
    assert len((await cases.get("sam", "/cases?owner=ana&state=assigned"))["items"]) == 4
    assert (await cases.get("sam", "/cases?campus=SOUTH"))["items"] == []


async def test_no_answer_leaves_without_its_audit_row(cases: Cases) -> None:
    await cases.tell(triaged(ADA))
    case = await cases.the_case()
    await cases.rows("DELETE FROM outbox")
    await cases.get("sam", f"/cases/{case['case_id']}")
    await cases.get("sam", "/cases")
    await cases.get("sam", "/combinations")
    await cases.call("stu", "GET", f"/cases/{case['case_id']}")
    rows = await cases.rows("SELECT convert_from(payload, 'UTF8') AS body FROM outbox ORDER BY id")
    assert len(rows) == 4
    assert [case["case_id"] in row.body for row in rows] == [True, True, False, True]
    assert ['"allowed":true' in row.body for row in rows] == [True, True, True, False]


# ------------------------------------------------------------------------------------------------------- combinations


async def test_two_people_decide_at_once_one_does_and_the_other_is_told_who(cases: Cases) -> None:
    question = await asked(cases)
    path = f"/combinations/{question['combination_id']}"
    both = await asyncio.gather(
        cases.call("sam", "POST", path, json={"decision": "combine", "reason": "same_student"}),
        cases.call("ana", "POST", path, json={"decision": "keep_apart", "reason": "two_matters"}),
    )
    assert sorted(answer.status_code for answer in both) == [200, 409]
    winner = next(answer for answer in both if answer.status_code == 200).json()
    loser = next(answer for answer in both if answer.status_code == 409).json()
    assert loser["detail"].startswith(f"This was already decided by {NAMES[winner['decided_by']]}: the cases are ")
    assert (await cases.get("sam", "/combinations"))["items"] == []


NAMES = {"sam": "Sam Supervisor", "ana": "Ana Ruiz"}


async def asked(cases: Cases) -> Any:
    """Let a case of nobody in particular turn out to be about a student with an open case."""
    unknown = triaged(None, concerns=("eating",), level="critical")
    await cases.tell(triaged(ADA))
    await cases.tell(unknown)
    await cases.tell(accepted(unknown.referral_id, "uma"))
    await cases.tell(matched(unknown.referral_id, ADA))
    await cases.tell(matched(unknown.referral_id, ADA))
    (question,) = (await cases.get("sam", "/combinations"))["items"]
    assert await cases.published("combination") == ["caselight.case.combination_asked.v1"]
    return question


async def test_combining_brings_everything_into_the_students_case(cases: Cases) -> None:
    question = await asked(cases)
    other = await cases.get("sam", f"/cases/{question['other_case_id']}")
    await cases.post("uma", f"/cases/{other['case_id']}/contacts", **CALL)
    await cases.post("sam", f"/combinations/{question['combination_id']}", decision="combine", reason="same_student")

    kept = await cases.get("sam", f"/cases/{question['case_id']}")
    assert len(kept["referrals"]) == 2
    assert (kept["level"], kept["concerns"], kept["contacts"], kept["state"]) == (
        "critical", ["mood", "eating"], 1, "outreach",
    )  # fmt: skip
    assert [member["staff_id"] for member in kept["team"]] == ["ana", "uma"]
    assert len(kept["contact_log"]) == 1
    gone = await cases.get("sam", f"/cases/{question['other_case_id']}")
    assert (gone["state"], gone["merged_into"], gone["team"]) == ("merged", question["case_id"], [])
    refused = await cases.call("sam", "POST", f"/cases/{gone['case_id']}/contacts", json=CALL)
    assert refused.json()["type"] == "urn:caselight:problem:not_open"
    statuses = await cases.rows("SELECT key, status FROM teams_snapshots")
    assert {row.key: row.status for row in statuses} == {
        f"case:{kept['case_id']}": "active",
        f"case:{gone['case_id']}": "removed",
    }
    await cases.tell(accepted(None, "sys", case_id=UUID(gone["case_id"])))  # an old page leads to where work goes on
    assert (await cases.get("sys", f"/cases/{kept['case_id']}"))["team"][-1]["staff_id"] == "sys"
    await assert_counts_are_true(cases)


async def test_kept_apart_both_are_the_students_and_the_next_referral_joins_the_first(cases: Cases) -> None:
    question = await asked(cases)
    await cases.post("sam", f"/combinations/{question['combination_id']}", decision="keep_apart", reason="two_matters")
    apart = await cases.get("sam", f"/cases/{question['other_case_id']}")
    assert (apart["student_id"], apart["kept_apart"], apart["owner_id"]) == (str(ADA), True, "ana")
    await cases.tell(triaged(ADA))
    assert len((await cases.get("sam", f"/cases/{question['case_id']}"))["referrals"]) == 2
    assert (await cases.get("sam", "/combinations"))["items"] == []
    await assert_counts_are_true(cases)


async def test_no_question_stays_that_nobody_can_answer(cases: Cases) -> None:
    cleo = UUID(int=3)
    one, two, three = triaged(ADA), triaged(BO), triaged(cleo)
    await cases.know(student(ADA), student(BO), student(cleo))
    await cases.tell(one, two, three)
    await cases.know(student(cleo, same_as=BO, sequence=2))
    await cases.tell(triaged(BO))  # a question about the cases of Bo and Cleo
    await cases.know(student(BO, same_as=ADA, sequence=2))
    await cases.tell(triaged(ADA))  # and now about either's and Ada's
    of = {
        UUID(row.referral_id): row.case_id
        for row in await cases.rows("SELECT CAST(referral_id AS text), case_id FROM referrals")
    }
    gone, between, kept = (of[each.referral_id] for each in (three, two, one))
    questions = (await cases.get("sam", "/combinations"))["items"]
    assert len(questions) == 3

    # With one of the cases hidden, neither a part nor where the next one begins says so.
    first = questions[0]
    hide = "UPDATE cases SET sensitivity = :as WHERE case_id = :id"
    await cases.rows(hide, **{"as": "sensitive", "id": UUID(first["case_id"])})
    seen = await cases.get("sam", "/combinations?count=1")
    open_to_sam = [each for each in questions if first["case_id"] not in (each["case_id"], each["other_case_id"])]
    assert [each["combination_id"] for each in seen["items"]] == [each["combination_id"] for each in open_to_sam[:1]]
    assert seen["after"] == (open_to_sam[0]["combination_id"] if len(open_to_sam) > 1 else None)
    await cases.rows(hide, **{"as": "standard", "id": UUID(first["case_id"])})

    async def combine(case: UUID, other: UUID) -> None:
        (question,) = (
            each for each in questions if (each["case_id"], each["other_case_id"]) == (str(case), str(other))
        )
        path = f"/combinations/{question['combination_id']}"
        await cases.post("sam", path, decision="combine", reason="same_student")

    await combine(kept, gone)
    left = [(each["case_id"], each["other_case_id"]) for each in (await cases.get("sam", "/combinations"))["items"]]
    assert left == [(str(kept), str(between))]


async def test_a_page_about_a_case_merged_twice_leads_to_where_work_goes_on(cases: Cases) -> None:
    await cases.tell(triaged(BO))
    question = await asked(cases)
    await cases.post("sam", f"/combinations/{question['combination_id']}", decision="combine", reason="same_student")
    await cases.know(student(BO), student(ADA, same_as=BO))
    await cases.tell(triaged(BO))
    (second,) = (await cases.get("sam", "/combinations"))["items"]
    assert second["other_case_id"] == question["case_id"]
    await cases.post("sam", f"/combinations/{second['combination_id']}", decision="combine", reason="same_student")

    await cases.tell(accepted(None, "sys", case_id=UUID(question["other_case_id"])))
    kept = await cases.get("sys", f"/cases/{second['case_id']}")
    assert kept["team"][-1]["staff_id"] == "sys"


async def test_a_case_of_nobody_in_particular_becomes_the_students_and_gets_an_owner(cases: Cases) -> None:
    unknown = triaged(None)
    await cases.tell(unknown)
    nameless = await cases.the_case()
    assert (nameless["owner_id"], nameless["student_id"]) == (None, None)
    assert nameless["assignment_sentence"].startswith("Nobody yet: the student is not identified")
    await cases.tell(matched(unknown.referral_id, BARRED))
    case = await cases.the_case()
    assert (case["student_id"], case["owner_id"], case["state"]) == (str(BARRED), "ben", "assigned")
    await cases.tell(triaged(BARRED))
    await cases.tell(matched(unknown.referral_id, BO))
    case = await cases.the_case()
    assert (case["student_id"], case["mismatched_referrals"]) == (str(BARRED), [str(unknown.referral_id)])
