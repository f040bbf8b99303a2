"""The triage desk: danger first, then by time left; nobody sees, counts or pages through what is not theirs."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.events.program import Conflict
from tests.integration.intake.conftest import DANGER, Intake, person, policy
from tests.support.statements import statements_of

MISCONDUCT = "Her partner hit her again last night."
NO_RULES: dict[str, Any] = {"rules": []}


@pytest.fixture(autouse=True)
async def people_decide(intake: Intake) -> None:
    """Let people decide about everything, so that danger waits on the desk too."""
    await intake.know(policy("triage", NO_RULES))


async def references(intake: Intake, who: str, query: str = "") -> list[str]:
    """Return the references on somebody's desk, in order."""
    return [row["reference"] for row in (await intake.get(who, f"/desk{query}"))["items"]]


async def test_danger_comes_first_then_the_time_left(intake: Intake) -> None:
    first = await intake.refer("Has missed four sections.")
    intake.clock.move(timedelta(hours=1))
    second = await intake.refer("Cannot pay the rent.", concerns=["finances"])
    elevated = await intake.refer("She wants to die.")
    critical = await intake.refer(DANGER)
    desk = await intake.get("sam", "/desk")
    assert [row["reference"] for row in desk["items"]] == [
        each["reference"] for each in (critical, elevated, first, second)
    ]
    assert (desk["waiting"], desk["danger"], desk["late"], desk["soon"]) == (4, 2, 0, 0)
    assert desk["items"][1]["hits"] == {"danger": 1}
    assert desk["items"][0]["hits"] == {"danger_imminent": 2}  # several terms find the same words: they stand once
    assert desk["items"][1]["screened_with"] == "en-2026-11.2"
    assert await references(intake, "sam", "?concern=finances") == [second["reference"]]
    assert await references(intake, "sam", "?screening=danger") == [critical["reference"], elevated["reference"]]
    assert await references(intake, "sam", "?late=true") == []
    intake.clock.move(timedelta(days=2))
    assert (await intake.get("sam", "/desk"))["late"] == 4
    await intake.post("sam", f"/referrals/{first['referral_id']}/triage", decision="spam", reason_code="spam")
    assert (await intake.get("sam", "/desk"))["waiting"] == 3


async def test_it_goes_on_after_what_was_decided_meanwhile(intake: Intake) -> None:
    made = [await intake.refer(f"Has missed {number} sections.") for number in range(5)]
    part = await intake.get("sam", "/desk?count=2")
    assert part["after"] == made[1]["referral_id"]
    await intake.post("sam", f"/referrals/{part['after']}/triage", decision="spam", reason_code="spam")
    rest = await intake.get("sam", f"/desk?count=3&after={part['after']}")
    assert [row["referral_id"] for row in rest["items"]] == [each["referral_id"] for each in made[2:]]
    assert rest["after"] is None


async def test_a_title_ix_report_is_on_the_coordinators_desk_alone(intake: Intake) -> None:
    walled = await intake.refer(MISCONDUCT)
    plain = await intake.refer("Has missed four sections.")
    await intake.know(person("tri", "triager", "titleix_deputy"))
    assert await references(intake, "sam") == [plain["reference"]]
    assert await references(intake, "tia") == [walled["reference"]]
    assert await references(intake, "tri") == [walled["reference"], plain["reference"]]
    for who, waiting in (("sam", 1), ("tia", 1), ("tri", 2), ("stu", 0), ("dee", 0), ("uma", 0)):
        assert (await intake.get(who, "/desk"))["waiting"] == waiting, who
        assert (await intake.get(who, "/desk/news?since=2020-01-01T00:00:00Z"))["new"] == waiting, who
    answer = await intake.call(
        "sam", "POST", f"/referrals/{walled['referral_id']}/triage", json={"decision": "spam", "reason_code": "spam"}
    )
    assert answer.status_code == httpx.codes.NOT_FOUND


async def test_whoever_must_keep_away_from_a_student_neither_sees_nor_counts_them(intake: Intake) -> None:
    student = await intake.student("N1")
    await intake.know(person("kim", "triager", conflicts=(Conflict(str(student)),)))
    await intake.refer("Has missed four sections.", about={"student_id": "N1"})
    assert (await intake.get("sam", "/desk"))["waiting"] == 1
    desk = await intake.get("kim", "/desk")
    assert (desk["waiting"], desk["items"]) == (0, [])


async def test_danger_is_never_decided_together_with_others(intake: Intake) -> None:
    danger, plain = await intake.refer(DANGER), await intake.refer("Has missed four sections.")
    body = {"decision": "watch_no_case", "reason_code": "nothing_more_known", "several": True}
    answer = await intake.call("sam", "POST", f"/referrals/{danger['referral_id']}/triage", json=body)
    assert answer.json()["type"].endswith("danger_one_by_one")
    await intake.post("sam", f"/referrals/{plain['referral_id']}/triage", **body)
    assert await references(intake, "sam") == [danger["reference"]]


async def test_the_number_of_statements_does_not_grow_with_the_rows(intake: Intake) -> None:
    async def asked() -> int:
        with statements_of(intake.service.api.state.site.database) as statements:
            await intake.get("sam", "/desk?count=100")
            return len(list(statements))

    await intake.refer("Has missed four sections.")
    await asked()
    one = await asked()
    for number in range(12):
        await intake.refer(f"Has missed {number} sections.")
    assert await asked() == one
