"""A referral becomes work for one student: once, whoever else refers at the same instant."""

import asyncio
import csv
import io
import re
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from tests.journeys.world import World
from tests.support.console import browser
from tests.support.eventually import eventually

WORRY = "She has been crying in class and says she feels low most days."
HEALTH = {"concerns": ["mood"], "urgency": "soon"}


async def test_two_referrals_at_one_instant_open_one_case_and_two_students_open_two(world: World) -> None:
    first, second = await world.students("NORTH", 2)

    referrals = await asyncio.gather(
        world.refer("fay", WORRY, about={"student_id": first}, **HEALTH),
        world.refer("ana", WORRY, about={"student_id": first}, **HEALTH),
        world.refer("fay", WORRY, about={"student_id": second}, **HEALTH),
    )
    made = {referral["referral_id"] for referral in referrals}

    async def three_referrals_in_cases() -> list[dict[str, Any]]:
        cases = [case for case in await world.listing("sam", "cases", "/cases") if set(case["referrals"]) & made]
        return cases if sum(len(case["referrals"]) for case in cases) == len(made) else []

    cases = await eventually(three_referrals_in_cases)
    assert sorted(len(case["referrals"]) for case in cases) == [1, 2]
    for case in cases:
        assert case["assignment_sentence"]
        assert case["owner_id"] in ("ana", "ben")


async def test_matching_an_unidentified_case_to_a_student_with_an_open_case_asks_a_person(world: World) -> None:
    (student,) = await world.students("NORTH", 1)
    known = await world.refer("fay", WORRY, about={"student_id": student}, **HEALTH)
    unknown = await world.refer("fay", WORRY, about={"description": "sits at the window"}, **HEALTH)
    await world.post(
        "ana",
        "intake",
        f"/referrals/{unknown['referral_id']}/triage",
        {"decision": "open_case", "reason_code": "level"},
    )
    case = await world.case_of("sam", known)
    nameless = await world.case_of("sam", unknown)
    assert nameless["student_id"] is None

    internal = (await world.get("sam", "cases", f"/cases/{case['case_id']}"))["student_id"]
    await world.post("ana", "intake", f"/referrals/{unknown['referral_id']}/match", {"student_id": internal})

    async def asked() -> list[dict[str, Any]]:
        listed = (await world.get("sam", "cases", "/combinations"))["items"]
        pair = {case["case_id"], nameless["case_id"]}
        return [item for item in listed if {item["case_id"], item["other_case_id"]} == pair]

    (question,) = await eventually(asked)
    still = await world.get("sam", "cases", f"/cases/{nameless['case_id']}")
    assert still["state"] not in ("merged", "closed")  # asked, not told

    await world.post(
        "sam", "cases", f"/combinations/{question['combination_id']}", {"decision": "combine", "reason": "same_student"}
    )
    merged = await world.get("sam", "cases", f"/cases/{question['case_id']}")
    assert {known["referral_id"], unknown["referral_id"]} <= set(merged["referrals"])


async def test_a_supervisor_gives_several_cases_to_one_colleague_and_reads_what_became_of_each(world: World) -> None:
    cases = [
        await world.case_of("sam", await world.refer("fay", WORRY, about={"student_id": number}, **HEALTH))
        for number in await world.students("NORTH", 3)
    ]
    theirs, *others = sorted(cases, key=lambda case: bool(case["owner_id"] != "ben"))
    if theirs["owner_id"] != "ben":
        await world.post("sam", "cases", f"/cases/{theirs['case_id']}/reassign", _to("ben"))
    async with browser(world, "sam") as sam:
        page = (await sam.get("/cases?whose=all&sort=due")).text
        assert re.search(r'<option value="ben">Ben Okafor, \d+ open</option>', page)
        picked = {value.partition(".")[0]: value for value in re.findall(r'name="pick" value="([^"]+)"', page)}
        moved = others[0]["case_id"]
        await world.post("sam", "cases", f"/cases/{moved}/contacts", {"mode": "phone", "outcome_code": "reached"})
        chosen = {"pick": [picked[case["case_id"]] for case in (theirs, *others)]}
        here = "/cases/reassign?whose=all&sort=due"
        without = await sam.send("/cases?whose=all", here, chosen)
        assert (without.status_code, without.headers["location"]) == (303, "/cases?whose=all&sort=due")
        done = await sam.send("/cases?whose=all", here, chosen | _to("ben"))
        rows = list(csv.DictReader(io.StringIO((await sam.get("/cases?whose=all&as=csv")).text.lstrip("\ufeff"))))
    assert done.status_code == 200
    assert "1 of 3 cases went to Ben Okafor" in done.text
    assert "This person owns the case already." in done.text
    assert "recorded a contact at" in done.text
    owners = {row["Case"]: row["Owner"] for row in rows}
    assert owners[others[1]["case_id"]] == "Ben Okafor"
    assert {row["Last reached"] != "" for row in rows if row["Case"] == moved} == {True}


def _to(staff_id: str) -> dict[str, str]:
    return {"staff_id": staff_id, "reason_code": "capacity"}


async def test_the_threshold_rule_opens_exactly_the_cases_an_independent_count_expects(world: World) -> None:
    rows = made_up_flags()
    file = io.StringIO()
    table = csv.DictWriter(file, fieldnames=list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    await world.import_students("NORTH", sorted({row["student_id"] for row in rows}))
    fired = counted_by_hand(rows)

    answer = await world.upload("ada", "/flags/imports?source=threshold-test", file.getvalue())
    assert answer["rejected"] == 0
    assert answer["referrals_made"] == sum(fired.values())
    again = await world.upload("ada", "/flags/imports?source=threshold-test", file.getvalue())
    assert again["accepted"] == 0

    async def all_open() -> bool:
        cases = await world.listing("sam", "cases", "/cases?campus=NORTH&family=academic")
        return len(cases) == len(fired) and sum(len(case["referrals"]) for case in cases) == sum(fired.values())

    await eventually(all_open, within=30)


def made_up_flags() -> list[dict[str, str]]:
    """Return flags of 60 students over two terms, spread so that some fire once, some twice and most never."""
    start = datetime.fromisoformat("2026-02-01T08:00:00+00:00")
    rows = []
    for student in range(60):
        for turn in range(student % 11):
            day = (turn * (3 + student % 7) + student) % 190
            rows.append(
                {
                    "alert_id": f"T-{student:03d}-{turn:02d}",
                    "campus_code": "NORTH",
                    "student_id": f"T{student:05d}",
                    "student_name": "",
                    "student_email": "",
                    "term_code": "2026S",
                    "course_code": ("BIO101", "MAT110", "ENG102")[(turn * (1 + student % 3)) % 3],
                    "section": "1",
                    "reason_code": "LATE_WORK",
                    "severity": str(1 + turn % 3),
                    "comment": "Work came late.",
                    "raised_at": (start + timedelta(days=day, seconds=turn * 61 + student)).isoformat(),
                }
            )
    return sorted(rows, key=lambda row: row["raised_at"])


def counted_by_hand(rows: list[dict[str, str]]) -> dict[str, int]:
    """Count firings per student, straight from the rule's words and with no cleverness: 3 flags, 21 days, 2 courses."""
    by_student: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
    for row in rows:
        by_student[row["student_id"]].append(
            (datetime.fromisoformat(row["raised_at"]), row["course_code"], row["alert_id"])
        )
    window = timedelta(days=21)
    fired: dict[str, int] = defaultdict(int)
    for student, flags in by_student.items():
        used: set[str] = set()
        last: datetime | None = None
        for at, _, _ in flags:
            if last is not None and at - last <= window:
                continue
            lying = [flag for flag in flags if flag[0] <= at and at - flag[0] <= window and flag[2] not in used]
            if len(lying) >= 3 and len({course for _, course, _ in lying}) >= 2:
                fired[student] += 1
                last = at
                used |= {alert for _, _, alert in lying}
    return dict(fired)
