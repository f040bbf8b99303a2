"""Cases in lists: in the order somebody works in, and several given to one colleague at once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.events.program import PolicyEdition, PolicySnapshot
from shared.ids import new_id
from tests.integration.cases.conftest import BARRED, NOW, Cases, triaged
from tests.integration.cases.test_referrals_become_cases import assert_counts_are_true
from tests.support.statements import statements_of

ADA = UUID(int=1)


async def _audited(cases: Cases) -> list[str]:
    """Return the decisions on record, in order, as they travel."""
    rows = await cases.rows("SELECT convert_from(payload, 'UTF8') AS said FROM outbox ORDER BY id")
    return [row.said for row in rows if '"audit_id"' in row.said]


async def _walked(cases: Cases, sort: str, between: Any = None) -> list[str]:
    """Return the ids of all cases in an order, read two at a time; `between` is done after each part."""
    seen: list[str] = []
    after = ""
    while True:
        part = await cases.get("sam", f"/cases?sort={sort}&count=2{after}")
        seen += [item["case_id"] for item in part["items"]]
        if part["after"] is None:
            return seen
        after = f"&after={part['after']}"
        if between is not None:
            await between(part["items"][-1]["case_id"])


async def test_cases_are_listed_by_what_is_due_and_by_who_was_not_reached_for_longest(cases: Cases) -> None:
    await cases.tell(*(triaged(UUID(int=100 + n)) for n in range(5)))
    ids = [item["case_id"] for item in reversed((await cases.get("sam", "/cases"))["items"])]
    reached = {"mode": "phone", "outcome_code": "reached"}
    for place, days in ((3, 1), (1, 2)):  # two are due before the outreach of the others
        due = (NOW + timedelta(days=days)).isoformat()
        cases.clock.move(timedelta(minutes=10))
        await cases.post("sam", f"/cases/{ids[place]}/contacts", next_due=due, **reached)
    await cases.post("sam", f"/cases/{ids[2]}/contacts", mode="phone", outcome_code="no_answer")

    assert await _walked(cases, "oldest") == ids
    assert await _walked(cases, "newest") == ids[::-1]
    # Nothing is due any more on the one tried without a date; it is last, and not lost.
    assert await _walked(cases, "due") == [ids[3], ids[1], ids[0], ids[4], ids[2]]
    assert await _walked(cases, "silent") == [ids[0], ids[2], ids[4], ids[3], ids[1]]
    told = (await cases.get("sam", f"/cases/{ids[3]}"))["last_reached_at"]
    assert told == "2026-09-14T15:10:00Z"
    foreign = await cases.call("sam", "GET", f"/cases?sort=due&after={ids[0]}")
    assert (foreign.status_code, foreign.json()["type"]) == (422, "urn:caselight:problem:another_order")


async def test_a_case_worked_on_between_two_parts_of_a_listing_hides_no_other(cases: Cases) -> None:
    await cases.tell(*(triaged(UUID(int=100 + n)) for n in range(5)))

    async def later(case_id: str) -> None:
        due = (NOW + timedelta(days=90)).isoformat()
        await cases.post("sam", f"/cases/{case_id}/contacts", mode="phone", outcome_code="no_answer", next_due=due)

    assert len(set(await _walked(cases, "due", later))) == 5


async def test_several_cases_go_to_one_colleague_each_decided_by_itself(cases: Cases) -> None:
    await cases.tell(*(triaged(UUID(int=100 + n)) for n in range(4)), triaged(BARRED))
    report = triaged(ADA, family="misconduct_sex", concerns=("stalking",), sensitivity="titleix")
    await cases.tell(report)
    (walled,) = [item["case_id"] for item in (await cases.get("tia", "/cases"))["items"]]
    listed = {item["student_id"]: item for item in (await cases.get("sam", "/cases"))["items"]}
    barred = listed.pop(str(BARRED))["case_id"]
    free = [item["case_id"] for item in listed.values() if item["owner_id"] == "ben"]
    stale, *moving = [item["case_id"] for item in listed.values() if item["owner_id"] != "ana"]
    await cases.post(
        "sam", f"/cases/{stale}/reassign", staff_id="ben" if stale not in free else "ana", reason_code="skill"
    )
    theirs = next(item["case_id"] for item in listed.values() if item["owner_id"] == "ana")
    wanted = [*moving, stale, barred, theirs, walled]
    body = {
        "cases": [{"case_id": each, "version": 1} for each in wanted], "staff_id": "ana", "reason_code": "absence",
    }  # fmt: skip
    key = {"Idempotency-Key": "all-to-ana"}
    first = await cases.call("sam", "POST", "/cases:reassign", json=body, headers=key)
    again = await cases.call("sam", "POST", "/cases:reassign", json=body, headers=key)
    assert (first.status_code, first.json()) == (200, again.json())
    assert [each["case_id"] for each in first.json()["given"]] == moving
    assert [(each["case_id"], each["code"]) for each in first.json()["kept"]] == [
        (stale, "changed_meanwhile"), (barred, "unavailable"), (theirs, "already_theirs"), (walled, "not_found"),
    ]  # fmt: skip
    stranger = await cases.call("sam", "POST", "/cases:reassign", headers={"Idempotency-Key": "x"},
                                json=body | {"cases": [{"case_id": str(new_id())}]})  # fmt: skip
    assert stranger.json()["kept"][0]["detail"] == first.json()["kept"][-1]["detail"]  # a wall looks like nothing
    assert {(await cases.get("sam", f"/cases/{each}"))["owner_id"] for each in moving} == {"ana"}
    asked = [each for each in await _audited(cases) if '"case.assign"' in each and "reason=absence" in each]
    assert [('"allowed":true' in each, walled in each) for each in asked[:2]] == [(True, False), (False, True)]
    assert (await cases.get("tia", f"/cases/{walled}"))["owner_id"] == "tia"
    await assert_counts_are_true(cases)


async def test_whoever_has_enough_gets_no_more_unless_it_is_said_to_be_meant(cases: Cases) -> None:
    await cases.tell(*(triaged(UUID(int=100 + n)) for n in range(6)))
    listed = (await cases.get("sam", "/cases"))["items"]
    bens = [item["case_id"] for item in listed if item["owner_id"] == "ben"]
    assert len(bens) == 3
    ceiling = PolicyEdition(
        edition="few", effective_from=NOW - timedelta(days=1), values={"max_load": 4, "relation_months": 24}
    )
    await cases.know(PolicySnapshot(campus="NORTH", name="assignment", editions=(ceiling,)))
    body = {"cases": [{"case_id": each} for each in bens], "staff_id": "ana", "reason_code": "capacity"}
    first = (await cases.call("sam", "POST", "/cases:reassign", json=body)).json()
    assert [each["case_id"] for each in first["given"]] == bens[:1]
    assert {each["detail"] for each in first["kept"]} == {
        "Ana Ruiz has as many open cases as the policy lets one person have."
    }
    rest = body | {"cases": body["cases"][1:], "beyond_capacity": True}
    assert len((await cases.call("sam", "POST", "/cases:reassign", json=rest)).json()["given"]) == 2
    await assert_counts_are_true(cases)


async def test_giving_many_cases_asks_the_database_no_more_than_giving_one(cases: Cases) -> None:
    await cases.tell(*(triaged(UUID(int=100 + n)) for n in range(12)))
    bens = [item["case_id"] for item in (await cases.get("sam", "/cases?owner=ben"))["items"]]
    counts = []
    for part in (bens[:1], bens[1:]):
        body = {"cases": [{"case_id": each} for each in part], "staff_id": "ana", "reason_code": "skill"}
        with statements_of(cases.service.api.state.site.database) as sent:
            answer = await cases.call("sam", "POST", "/cases:reassign", json=body)
        assert len(answer.json()["given"]) == len(part)
        counts.append(len(sent))
    assert len(bens) > 3
    assert counts[1] <= counts[0]  # the first may look something up that is kept then
