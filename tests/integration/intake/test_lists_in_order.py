"""Lists of intake in every order they have: part after part nothing is skipped, and danger stays in front."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake.http import feeds, matching, outreach, quarantine
from shared.ids import new_id
from tests.integration.intake.conftest import DANGER, NOW, Intake, policy
from tests.integration.intake.test_feeds import JSON_FLAGS, add_feed, alert


async def walked(intake: Intake, who: str, path: str, field: str) -> list[Any]:
    """Return a field of all rows, read in as many parts as there are."""
    found: list[Any] = []
    after: str | None = ""
    while after is not None:
        part = await intake.get(who, path + (f"&after={after}" if after else ""))
        found += [each[field] for each in part["items"]]
        after = part["after"]
    return found


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let parts be of one row."""
    for module in (feeds, quarantine, outreach):
        monkeypatch.setattr(module, "_PAGE", 1)
    monkeypatch.setattr(matching, "_SHOWN", 1)


async def test_the_triage_desk_by_age_keeps_danger_in_front(intake: Intake) -> None:
    await intake.know(policy("triage", {"rules": []}))
    made = []
    for words in ("Has missed class.", DANGER, "Cannot pay the rent.", "She wants to die.", "Is late a lot."):
        made.append((await intake.refer(words))["reference"])
        intake.clock.move(timedelta(minutes=5))
    one, two, three, four, five = made
    assert await walked(intake, "sam", "/desk?count=1&sort=oldest", "reference") == [two, four, one, three, five]
    assert await walked(intake, "sam", "/desk?count=2&sort=newest", "reference") == [four, two, five, three, one]
    assert await walked(intake, "sam", "/desk?count=2&sort=urgent", "reference") == [two, four, one, three, five]


async def test_the_match_desk_by_age_by_who_brought_it_and_by_whether_somebody_looked(intake: Intake) -> None:
    made = []
    for words in ("Has missed class.", DANGER, "Is late a lot."):
        made.append(await intake.refer(words, about={"description": "the tall one"}))
        intake.clock.move(timedelta(minutes=5))
    one, two, three = (each["reference"] for each in made)
    await intake.post("sam", f"/referrals/{made[2]['referral_id']}/match:leave")
    assert await walked(intake, "sam", "/match-desk?campus=NORTH", "reference") == [two, one, three]
    assert await walked(intake, "sam", "/match-desk?sort=newest", "reference") == [two, three, one]
    assert await walked(intake, "sam", "/match-desk?left_open=true", "reference") == [three]
    assert await walked(intake, "sam", "/match-desk?left_open=false", "reference") == [two, one]
    assert await walked(intake, "sam", "/match-desk?source_kind=parent", "reference") == []


async def test_feeds_come_the_troubled_first_or_by_name_and_rows_set_aside_by_age(intake: Intake) -> None:
    quiet, some, most = [await add_feed(intake, code, JSON_FLAGS) for code in ("zeta", "beta", "alpha")]
    await some.deliver(alert("A1", reason="asleep"))
    await most.deliver(*(alert(f"A{number}", reason="asleep") for number in range(3)))
    ended = await add_feed(intake, "ended", JSON_FLAGS)
    await intake.rows("UPDATE feeds SET state = 'retired' WHERE feed_id = :feed", feed=UUID(ended.feed_id))
    assert await walked(intake, "ada", "/feeds?sort=trouble", "code") == ["alpha", "beta", "zeta", "ended"]
    assert await walked(intake, "ada", "/feeds?sort=name", "code") == ["alpha", "beta", "ended", "zeta"]
    assert await walked(intake, "ada", "/feeds?campus=NORTH", "code") == ["zeta", "beta", "alpha", "ended"]
    silent = "INSERT INTO feed_signals VALUES (:id, :feed, 'NORTH', 'silent', '{}', :now)"
    await intake.rows(silent, id=new_id(), feed=UUID(quiet.feed_id), now=NOW)
    assert await walked(intake, "ada", "/feeds?sort=trouble", "code") == ["zeta", "alpha", "beta", "ended"]

    items = f"/feeds/{most.feed_id}/quarantine/items?state=waiting"
    oldest = await walked(intake, "ada", f"{items}&sort=oldest", "item_id")
    assert len(oldest) == 3
    assert await walked(intake, "ada", f"{items}&sort=newest", "item_id") == oldest[::-1]


async def test_outreach_lists_by_age_or_by_who_is_referred_after_all_soonest(intake: Intake) -> None:
    lists = [new_id() for _ in range(3)]
    days: tuple[int | None, ...] = (5, None, 2)  # from whom nobody waits any more comes last
    for list_id, course, due in zip(lists, ("BIO", "MAT", "CHE"), days, strict=True):
        await intake.rows(
            "INSERT INTO outreach_lists VALUES (:id, 'NORTH', '2026F', :course, '1', '2026-09-14', :now)",
            id=list_id, course=course, now=NOW,
        )  # fmt: skip
        if due is not None:
            await intake.rows(
                "INSERT INTO outreach_entries (referral_id, list_id, campus, student_id, rule, family, level, concerns,"
                " fired_at, listed_at, refer_at) VALUES (:id, :list_id, 'NORTH', :id, 'r', 'academic', 'mild', '{}',"
                " :now, :now, :due)",
                id=new_id(), list_id=list_id, now=NOW, due=NOW + timedelta(days=due),
            )  # fmt: skip
    here = "/outreach?campus=NORTH&sort="
    assert await walked(intake, "ana", f"{here}oldest", "course") == ["BIO", "MAT", "CHE"]
    assert await walked(intake, "ana", f"{here}newest", "course") == ["CHE", "MAT", "BIO"]
    assert await walked(intake, "ana", f"{here}due", "course") == ["CHE", "BIO", "MAT"]
