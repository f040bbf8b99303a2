"""Referrals become cases: once each, one open case per student, campus and family, whoever is at work besides."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from services.cases.stream import stream
from shared.events.referrals import ReferralTriaged
from shared.ids import new_id
from shared.storage.engines import connect
from tests.integration.cases.conftest import NOW, Cases, accepted, danger, matched, student, triaged
from tests.support.statements import statements_of

ADA, BO = UUID(int=1), UUID(int=2)


async def test_a_referral_opens_a_case_that_says_whose_it_is_and_by_when(cases: Cases) -> None:
    await cases.know(student(ADA, advisor_id="ben"))
    await cases.tell(triaged(ADA, level="elevated"))

    case = await cases.the_case()
    assert (case["owner_id"], case["state"], case["assignment_code"]) == ("ben", "assigned", "advisor")
    assert case["assignment_sentence"] == "Ben Okafor: advises this student; present; 0 open cases at 1.0 FTE"
    outreach = case["clocks"]["outreach"]
    assert outreach["due_at"] == "2026-09-17T21:00:00Z"  # closing time of the third open day in New York
    assert (outreach["calendar_version"], outreach["policy_edition"], outreach["late"]) == ("7", "shipped", False)
    assert case["clocks"]["report_to_case"]["due_at"] == "2026-09-22T15:00:00Z"  # 48 open hours
    assert [(member["staff_id"], member["capacity"]) for member in case["team"]] == [("ben", "owner")]
    assert await cases.published() == ["caselight.case.opened.v1", "caselight.team.snapshot.v1"]


async def test_the_same_batch_again_and_the_same_referral_again_change_nothing(cases: Cases) -> None:
    events = [triaged(ADA), triaged(ADA), triaged(BO), triaged(None)]
    records = cases.records(*events)
    await cases.stream.handle(records)
    before = await cases.rows("SELECT * FROM cases ORDER BY case_id")
    published = await cases.published()

    await cases.stream.handle(records)
    await cases.tell(*events)  # other event ids: the referral itself is known

    assert await cases.rows("SELECT * FROM cases ORDER BY case_id") == before
    assert await cases.published() == published
    assert len(before) == 3


async def test_two_workers_at_one_instant_open_one_case_and_two_students_two(
    cases: Cases, caplog: pytest.LogCaptureFixture
) -> None:
    other = connect(cases.settings, "cases", "worker", cases.clock)
    lanes = [cases.stream, stream(other, cases.settings)]
    pairs = [(UUID(int=1000 + n), UUID(int=5000 + n)) for n in range(40)]
    left = [triaged(student_id) for pair in pairs for student_id in pair]
    right = [triaged(student_id) for pair in reversed(pairs) for student_id in pair]
    try:
        await asyncio.gather(
            *(
                lane.handle(cases.records(*events[start : start + 10]))
                for start in range(0, 80, 10)
                for lane, events in zip(lanes, (left, right), strict=True)
            )
        )
    finally:
        await other.close()

    found = await cases.rows("SELECT student_id, count(*) AS n FROM cases GROUP BY student_id")
    assert len(found) == 80
    assert {row.n for row in found} == {1}
    assert not await cases.rows("SELECT 1 FROM dead_letters")
    placed = await cases.rows("SELECT case_id, count(*) AS n FROM referrals GROUP BY case_id")
    assert {row.n for row in placed} == {2}
    # They waited for each other, in one order: no batch was taken apart, none began again after a deadlock.
    assert not [record for record in caplog.records if record.name.startswith("caselight")]
    await assert_counts_are_true(cases)


async def assert_counts_are_true(cases: Cases) -> None:
    counted = await cases.rows(
        "SELECT owner_id, count(*) AS n FROM cases"
        " WHERE owner_id IS NOT NULL AND state NOT IN ('closed', 'merged') GROUP BY owner_id"
    )
    kept = await cases.rows("SELECT staff_id, open_cases FROM caseloads WHERE open_cases <> 0")
    assert {row.owner_id: row.n for row in counted} == {row.staff_id: row.open_cases for row in kept}


async def test_the_unique_index_is_the_last_word(cases: Cases) -> None:
    await cases.tell(triaged(ADA))
    columns = ", ".join(
        row.column_name
        for row in await cases.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'cases' AND column_name <> 'case_id'"
        )
    )
    with pytest.raises(Exception, match="one_open_case"):
        await cases.rows(f"INSERT INTO cases (case_id, {columns}) SELECT :id, {columns} FROM cases", id=new_id())


async def test_the_number_of_statements_does_not_grow(cases: Cases) -> None:
    def mix(count: int) -> list[ReferralTriaged]:
        return [triaged(UUID(int=(count << 32) + n // 2)) for n in range(count)]

    counts = []
    for size in (2, 500):
        await cases.tell(*mix(size))  # so that the second time joins and opens
        events = [*mix(size), *(triaged(UUID(int=(size << 64) + n)) for n in range(size))]
        records = cases.records(*events)
        with statements_of(cases.worker) as seen:
            await cases.stream.handle(records)
        counts.append(len(seen))
    single = cases.records(triaged(UUID(int=77)))
    with statements_of(cases.worker) as one:
        await cases.stream.handle(single)
    assert counts[0] == counts[1]
    assert len(one) <= counts[0]


async def test_what_triage_decided_otherwise_opens_nothing(cases: Cases) -> None:
    decisions = ("watch_no_case", "redirect", "duplicate", "not_our_student", "spam", "triage_due", "something_new")
    await cases.tell(*(triaged(ADA, decision=decision) for decision in decisions))
    assert not await cases.rows("SELECT 1 FROM cases")


async def test_unknown_codes_are_other_and_the_strictest(cases: Cases) -> None:
    await cases.tell(triaged(ADA, family="astral", level="dire"), triaged(BO, sensitivity="cosmic"))
    rows = await cases.rows("SELECT family, level, sensitivity FROM cases ORDER BY case_id")
    assert [tuple(row) for row in rows] == [
        ("other", "critical", "standard"),
        ("misconduct_sex", "moderate", "titleix"),
    ]


async def test_facts_that_come_before_the_case_are_kept_for_it(cases: Cases) -> None:
    early = triaged(None, level="mild")
    await cases.tell(matched(early.referral_id, ADA), danger(early.referral_id))
    await cases.tell(accepted(early.referral_id, "uma"))
    assert not await cases.rows("SELECT 1 FROM cases")

    await cases.tell(early)

    case = await cases.the_case("uma")
    assert (case["student_id"], case["level"], case["owner_id"]) == (str(ADA), "critical", "ana")
    assert [(each["staff_id"], each["capacity"]) for each in case["team"]] == [("ana", "owner"), ("uma", "duty")]


async def test_a_page_accepted_while_its_case_opens_is_never_lost(cases: Cases) -> None:
    other = connect(cases.settings, "cases", "worker", cases.clock)
    pages = stream(other, cases.settings)
    openings = [triaged(UUID(int=9000 + n)) for n in range(60)]
    try:
        await asyncio.gather(
            *(cases.stream.handle(cases.records(*openings[n : n + 5])) for n in range(0, 60, 5)),
            *(
                pages.handle(cases.records(*(accepted(each.referral_id, "uma") for each in openings[n : n + 6])))
                for n in range(0, 60, 6)
            ),
        )
    finally:
        await other.close()
    rows = await cases.rows("SELECT case_id FROM team_members")
    assert len(rows) == 60
    assert all(row.case_id is not None for row in rows)
    teams = await cases.rows("SELECT convert_from(body, 'UTF8') AS body FROM teams_snapshots")
    assert Counter('"duty"' in row.body for row in teams) == {True: 60}


async def test_danger_found_later_raises_the_level_and_shortens_no_clock_that_was_met(cases: Cases) -> None:
    referral = triaged(ADA)
    await cases.tell(referral)
    await cases.tell(danger(referral.referral_id, "elevated"), danger(referral.referral_id, "mild"))
    case = await cases.the_case()
    assert (case["level"], case["version"]) == ("elevated", 2)


async def test_students_merged_are_one_student(cases: Cases) -> None:
    cy = UUID(int=3)
    await cases.tell(triaged(ADA))
    await cases.know(student(ADA, same_as=BO, sequence=2), student(BO, same_as=cy), student(cy))
    await cases.tell(triaged(cy))
    case = await cases.the_case()
    assert case["student_id"] == str(cy)
    assert len(case["referrals"]) == 2
    assert len((await cases.get("sam", f"/cases?student_id={BO}"))["items"]) == 1


async def test_a_merge_after_both_had_a_case_becomes_a_question(cases: Cases) -> None:
    await cases.tell(triaged(ADA))
    await cases.tell(triaged(BO))
    await cases.know(student(ADA, same_as=BO), student(BO))
    await cases.tell(triaged(BO))
    await cases.tell(triaged(ADA))
    (question,) = (await cases.get("sam", "/combinations"))["items"]
    assert question["case_id"] < question["other_case_id"]  # the older one goes on


async def test_a_relation_counts_for_two_years_and_absence_is_covered(cases: Cases) -> None:
    await cases.know(student(ADA, advisor_id="zed"))
    await cases.tell(triaged(ADA))
    case = await cases.the_case()
    assert case["assignment_sentence"] == "Ben Okafor: covers for Zed Away; present; 0 open cases at 1.0 FTE"
    cases.clock.move(timedelta(days=30))
    await cases.tell(triaged(ADA, family="academic", received_at=NOW + timedelta(days=30)))
    (later,) = (await cases.get("sam", "/cases?family=academic"))["items"]
    assert later["assignment_sentence"] == "Ben Okafor: works with this student; present; 1 open case at 1.0 FTE"
