"""A rule over flags takes two people: one proposes it, another agrees, and only then does it decide about anybody."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from services.program.storage import programs
from shared.program import FlagRule
from tests.integration.program.conftest import START, Office
from tests.support.eventually import eventually
from tests.unit.program.documents import ADA, MINIMAL, NORTH, member

IDA = member("ida", "administrator@*")
NAN = member("nan", "administrator@NORTH")
SOON = (START + timedelta(minutes=30)).isoformat()
TODAY, TOMORROW = START.isoformat(), (START + timedelta(days=1)).isoformat()


def rules(flags: int, edition: str = "one", since: str = TODAY, campus: str = "NORTH") -> dict[str, Any]:
    rule = {"name": "threshold", "family": "academic", "level": "mild", "flags": flags}
    begins = {"edition": edition, "effective_from": since, "values": {"rules": [rule]}}
    return {"campus": campus, "name": "threshold", "editions": [begins]}


def also(policy: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    return {**policy, "editions": [*policy["editions"], *later["editions"]]}


async def begun(office: Office, *policies: dict[str, Any]) -> None:
    await office.changed("root", campuses=[NORTH], staff=[ADA, IDA, NAN], policies=list(policies))


async def proposed(office: Office, policy: dict[str, Any], by: str = "ada") -> str:
    answer = await office.apply(by, policies=[policy])
    assert answer.status_code == 200, answer.text
    (change,) = answer.json()["changes"]
    assert change["needs_approval"] is True
    return str(change["proposal_id"])


async def decide(office: Office, who: str, proposal: str, how: str = "approve", **body: Any) -> httpx.Response:
    return await office.call(who, "POST", f"/proposals/{proposal}/{how}", json=body or None)


async def in_force(office: Office, campus: str = "NORTH") -> tuple[FlagRule, ...]:
    return (await office.program()).flag_rules(campus, office.clock.now())


async def needed(office: Office) -> int:
    return (await in_force(office))[-1].flags


async def test_a_changed_rule_is_in_force_only_when_a_second_person_agrees(office: Office) -> None:
    await begun(office)
    proposal = await proposed(office, rules(5))
    assert await needed(office) == 3

    alone = await decide(office, "ada", proposal)
    assert (alone.status_code, alone.json()["detail"]) == (
        403, "You proposed this. Another administrator has to agree.",
    )  # fmt: skip
    assert await needed(office) == 3

    agreed = await decide(office, "ida", proposal)
    assert (agreed.status_code, agreed.json()["state"], agreed.json()["decided_by"]) == (200, "approved", "ida")
    assert await needed(office) == 5
    (row,) = await office.rows("SELECT changed_by FROM program_changes WHERE key = 'policy:NORTH:threshold'")
    assert row.changed_by == "ida"
    again = await decide(office, "ida", proposal)
    assert (again.status_code, again.json()["type"]) == (409, again.json()["type"])


async def test_the_first_program_of_an_installation_brings_its_rules_with_it(office: Office) -> None:
    await begun(office, rules(4))
    assert await needed(office) == 4
    assert await office.rows("SELECT 1 FROM program_proposals") == []


async def test_other_changes_of_the_same_document_are_made_at_once(office: Office) -> None:
    await begun(office)
    late = {
        "campus": "*",
        "name": "late",
        "editions": [{"edition": "a", "effective_from": TODAY, "values": {"hours": 9}}],
    }
    answer = await office.apply("ada", policies=[late, rules(5)])
    assert [change["needs_approval"] for change in answer.json()["changes"]] == [False, True]
    assert (await office.program()).late_hours("NORTH", office.clock.now()) == 9
    assert await needed(office) == 3


async def test_the_same_document_again_proposes_nothing_new_and_another_takes_its_place(office: Office) -> None:
    await begun(office)
    first = await proposed(office, rules(5))
    assert await proposed(office, rules(5), by="nan") == first
    second = await proposed(office, rules(6))
    assert second != first
    assert (await decide(office, "ida", first)).status_code == 409
    assert (await decide(office, "ida", second)).status_code == 200
    assert await needed(office) == 6
    assert await office.changed("ada", policies=[rules(6)]) == {}


async def test_what_is_approved_after_its_day_begins_with_the_approval_and_the_document_stays_true(
    office: Office,
) -> None:
    await begun(office)
    proposal = await proposed(office, rules(5))
    office.clock.move(timedelta(days=2))
    await decide(office, "ida", proposal)

    program = await office.program()
    assert program.flag_rules("NORTH", office.clock.now() - timedelta(seconds=1))[-1].flags == 3
    assert await needed(office) == 5
    assert await office.changed("ada", policies=[rules(5)]) == {}
    shown = (await office.call("ada", "GET", "/program?kind=policy")).json()["policies"]
    assert await office.changed("ada", policies=[{k: v for k, v in shown[0].items() if k != "version"}]) == {}


async def test_it_is_in_force_from_its_day_and_not_before(office: Office) -> None:
    await begun(office)
    await decide(office, "ida", await proposed(office, rules(5, since=TOMORROW)))
    assert await needed(office) == 3
    office.clock.move(timedelta(days=1))
    assert await needed(office) == 5


async def test_a_proposal_made_on_what_has_changed_since_is_refused(office: Office) -> None:
    await begun(office, rules(4))
    office.clock.move(timedelta(hours=1))
    proposal = await proposed(office, also(rules(4), rules(5, "two", since=TOMORROW)))
    await office.call(
        "ada", "POST", "/policies:roll-back", json={"campus": "NORTH", "name": "threshold", "edition": "one"}
    )
    late = await decide(office, "ida", proposal)
    assert (late.status_code, "changed since" in late.json()["detail"]) == (409, True)


async def test_another_may_refuse_and_whoever_proposed_may_take_it_back(office: Office) -> None:
    await begun(office)
    refused = await decide(office, "ida", await proposed(office, rules(5)), "reject", reason_code="too_few")
    assert (refused.json()["state"], refused.json()["reason_code"]) == ("rejected", "too_few")
    taken = await decide(office, "ada", await proposed(office, rules(5)), "reject", reason_code="mistake")
    assert taken.json()["state"] == "withdrawn"
    assert await needed(office) == 3


async def test_going_back_to_an_edition_that_was_in_force_takes_one_person_and_no_time(office: Office) -> None:
    await begun(office, rules(4))
    office.clock.move(timedelta(hours=1))
    await decide(office, "ida", await proposed(office, also(rules(4), rules(1, "two", since=SOON))))
    assert await needed(office) == 1

    office.clock.move(timedelta(minutes=1))
    back = {"campus": "NORTH", "name": "threshold", "edition": "one"}
    answer = await office.call("ada", "POST", "/policies:roll-back", json=back)
    assert answer.status_code == 200, answer.text
    assert await needed(office) == 4
    unknown = await office.call("ada", "POST", "/policies:roll-back", json={**back, "edition": "three"})
    assert unknown.status_code == 422

    office.clock.move(timedelta(minutes=1))
    await office.call("ada", "POST", "/policies:roll-back", json={**back, "edition": "shipped"})
    assert [rule.name for rule in await in_force(office)] == ["personal_concern", "threshold"]


async def test_removing_rules_takes_two_people_as_well(office: Office) -> None:
    await begun(office, rules(4))
    gone = {"campus": "NORTH", "name": "threshold", "status": "removed"}
    proposal = await proposed(office, gone)
    assert await needed(office) == 4
    await decide(office, "ida", proposal)
    assert await needed(office) == 3


async def test_only_administrators_of_the_campus_agree_and_everybody_of_the_staff_sees_what_waits(
    office: Office,
) -> None:
    await office.changed("root", campuses=[NORTH], staff=[ADA, IDA, NAN, member("tom", "triager")])
    own, whole = await proposed(office, rules(5)), await proposed(office, rules(6, campus="*"))
    assert (await decide(office, "tom", own)).status_code == 403
    assert (await decide(office, "nan", whole)).status_code in (403, 404)
    listed = (await office.call("tom", "GET", "/proposals?state=waiting")).json()["items"]
    assert [(each["campus"], each["proposed_by"]) for each in listed] == [("*", "ada"), ("NORTH", "ada")]
    assert (await decide(office, "nan", own)).status_code == 200
    absent = await decide(office, "ida", "00000000-0000-7000-8000-000000000000")
    assert absent.status_code == 404


async def test_a_dry_run_says_what_would_wait_and_proposes_nothing(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    said = (await office.rehearse("ada", policies=[rules(5)])).json()["changes"]
    assert [(each["needs_approval"], each["proposal_id"]) for each in said] == [(True, None)]
    assert await office.rows("SELECT 1 FROM program_proposals") == []


async def test_agreeing_while_another_proposal_takes_its_place_is_answered(office: Office) -> None:
    await begun(office)
    proposal = await proposed(office, rules(5))

    async def waits() -> bool:
        return len(await office.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")) == 1

    async with office.holding_the_lock(programs._LOCK, waiting=2):
        applying = asyncio.create_task(office.apply("ada", policies=[rules(6)]))
        await eventually(waits)
        agreeing = asyncio.create_task(decide(office, "ida", proposal))
    assert (await applying).status_code == 200
    assert (await agreeing).json()["detail"] == "This was replaced by ada."
