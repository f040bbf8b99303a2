"""Rules over flags: tried before they decide, agreed on by two, replayed; and what a campus cannot take is not lost."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

from tests.journeys.world import World
from tests.support.eventually import eventually

SINCE, UNTIL = "2026-08-01T00:00:00Z", "2026-09-14T00:00:00Z"
RULE = {"name": "threshold", "family": "academic", "level": "mild", "flags": 3, "days": 21.0}
PERSONAL = {
    "name": "personal_concern", "family": "other", "level": "moderate", "at_once": True,
    "reasons": ["PERSONAL_CONCERN"],
}  # fmt: skip


def edition(name: str, since: datetime, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"edition": name, "effective_from": since.isoformat(), "values": {"rules": list(rules)}}


def flags_of(
    students: list[str], *, start: datetime, reason: str = "LATE_WORK", each: int = 3, mark: str = "", courses: int = 2
) -> str:
    """Return a file in which every student has so many flags over so many courses, a day apart."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(
        ["alert_id", "campus_code", "student_id", "term_code", "course_code", "section", "reason_code", "severity",
         "comment", "raised_at"]
    )  # fmt: skip
    for student in students:
        for turn in range(each):
            at = start + timedelta(days=turn)
            course = ("BIO101", "MAT110")[turn % courses]
            table.writerow(
                [
                    f"{mark}{student}-{turn}",
                    "NORTH",
                    student,
                    "2026F",
                    course,
                    "1",
                    reason,
                    1,
                    "Not there.",
                    at.isoformat(),
                ]
            )
    return file.getvalue()


async def propose(world: World, *editions: dict[str, Any], by: str = "ada") -> str:
    policies = [{"campus": "NORTH", "name": "threshold", "editions": list(editions)}]
    answer = await world.post(by, "program", "/program:apply", {"document": {"policies": policies}})
    return str(answer["changes"][0]["proposal_id"])


async def agree(world: World, proposal: str) -> None:
    await world.post("ida", "program", f"/proposals/{proposal}/approve", {})


async def simulated(world: World, **asked: Any) -> dict[str, Any]:
    body = {"campuses": ["NORTH"], "since": SINCE, "until": UNTIL} | asked
    return dict(await world.post("sam", "intake", "/rules:simulate", body))


async def in_force(world: World, flags: int) -> None:
    """Wait until intake counts by a rule that needs so many flags."""

    async def known() -> bool:
        draft = [{**RULE, "flags": flags}]
        return (await simulated(world, rules=draft))["in_force"] is None

    await eventually(known)


async def test_a_rule_is_simulated_before_it_fires_and_replays_by_its_version(world: World) -> None:
    await world.import_students("NORTH", students := [f"R{n:03d}" for n in range(6)])
    # The rule in force asks for two courses: the flags are there, and nothing was made of them.
    past = flags_of(students, start=datetime.fromisoformat("2026-09-01T09:00:00+00:00"), courses=1)
    assert (await world.upload("ada", "/flags/imports?source=lms", past))["referrals_made"] == 0

    tried = await simulated(world, rules=[RULE])
    assert (tried["tried"]["referrals"], tried["in_force"]["referrals"]) == (6, 0)
    assert [(week["campus"], week["referrals"]) for week in tried["tried"]["weeks"]] == [("NORTH", 6)]
    assert len(tried["examples"]) == 6
    assert await world.listing("sam", "intake", "/rules/firings?campus=NORTH") == []

    # Proposed by one, in force only when another agrees.
    await world.pass_time(minutes=1)
    one = edition("2026-1", world.clock.now(), RULE)
    proposal = await propose(world, one)
    alone = await world.call("ada", "POST", "program", f"/proposals/{proposal}/approve", json={})
    assert alone.status_code == 403
    await agree(world, proposal)
    await in_force(world, 3)

    # It looks at flags from then on, and makes of the same what was foretold.
    await world.pass_time(days=10)
    new = flags_of(students, start=world.clock.now() - timedelta(days=4), mark="new-", courses=1)
    assert (await world.upload("ada", "/flags/imports?source=lms", new))["referrals_made"] == 6
    fired = await world.listing("sam", "intake", "/rules/firings?campus=NORTH")
    assert {(each["policy_edition"], each["rule"], each["made"]) for each in fired} == {
        ("2026-1", "threshold", "referral")
    }

    # A stricter edition later gives another answer; the earlier one, asked for, the earlier.
    two = edition("2026-2", world.clock.now() + timedelta(minutes=1), {**RULE, "flags": 9})
    await agree(world, await propose(world, one, two))
    await world.pass_time(minutes=2)
    await in_force(world, 9)
    span = {"since": (world.clock.now() - timedelta(days=9)).isoformat(), "until": world.clock.now().isoformat()}
    replayed = await simulated(world, edition="2026-1", **span)
    assert (replayed["tried"]["referrals"], replayed["in_force"]["referrals"]) == (6, 0)
    assert {each["fired_at"] for each in replayed["examples"]} == {each["fired_at"] for each in fired}
    assert {each["student_id"] for each in replayed["examples"]} == {each["student_id"] for each in fired}

    # And back, at once, by one person.
    back = {"campus": "NORTH", "name": "threshold", "edition": "2026-1"}
    await world.post("ada", "program", "/policies:roll-back", back)
    await in_force(world, 3)


async def test_a_flag_storm_becomes_an_outreach_list_and_personal_concerns_pass(world: World) -> None:
    await world.import_students("NORTH", students := [f"S{n:03d}" for n in range(12)])
    await world.pass_time(minutes=1)
    now = world.clock.now()
    capacity = {
        "campus": "NORTH", "name": "capacity",
        "editions": [{"edition": "few", "effective_from": now.isoformat(),
                      "values": {"referrals_per_week": 4, "refer_after_days": 5}}],
    }  # fmt: skip
    shipped = {"campus": "NORTH", "name": "threshold", "edition": "shipped"}
    await world.post("ada", "program", "/policies:roll-back", shipped)
    await world.post("ada", "program", "/program:apply", {"document": {"policies": [capacity]}})

    async def known() -> bool:
        said = await simulated(world)
        rules = {each["name"] for each in said["tried"]["rules"]}
        return said["capacities"][0]["referrals_per_week"] == 4 and "personal_concern" in rules

    await eventually(known)
    await world.pass_time(days=7)
    storm = flags_of(students[:10], start=world.clock.now() - timedelta(days=3), mark="storm-")
    worried = flags_of(students[10:], reason="PERSONAL_CONCERN", start=world.clock.now(), each=1, mark="worry-")
    assert (await world.upload("ada", "/flags/imports?source=storm", storm))["referrals_made"] == 4
    assert (await world.upload("ada", "/flags/imports?source=worried", worried))["referrals_made"] == 2

    (listed,) = await world.listing("ana", "intake", "/outreach?campus=NORTH&open=true")
    assert (listed["course"], listed["term"], listed["students"], listed["waiting"]) == ("BIO101", "2026F", 6, 6)
    entries = (await world.get("ana", "intake", f"/outreach/{listed['list_id']}"))["entries"]
    ids = [each["referral_id"] for each in entries]
    here = f"/outreach/{listed['list_id']}"
    written = await world.post("ana", "intake", f"{here}/messages", {"entries": ids, "template": "check_in"})
    assert written["changed"] == ids
    for index in range(6):
        mail = await world.mail_to(f"s{index + 4:03d}@students.example.edu")
        assert "BIO101" not in mail.as_string()

    answered = {"entries": ids[:3], "outcome_code": "student_responded"}
    await world.post("ana", "intake", f"{here}/outcomes", answered)
    await world.post("ana", "intake", f"{here}/outcomes", {"entries": ids[3:4], "outcome_code": "unable_to_reach"})
    referred = await world.case_of("sam", {"referral_id": ids[3]})
    assert referred["family"] == "academic"

    # Nobody is lost: whoever has no outcome in time is referred.
    await world.pass_time(days=6)

    async def ended() -> bool:
        found = (await world.get("ana", "intake", here))["entries"]
        return all(each["state"] != "waiting" for each in found)

    await eventually(ended)
    after = (await world.get("ana", "intake", here))["entries"]
    assert sorted(each["state"] for each in after) == ["ended"] * 3 + ["referred"] * 3
    assert {each["outcome_code"] for each in after if each["state"] == "referred"} == {
        "unable_to_reach", "no_outcome_in_time",
    }  # fmt: skip
    assert await world.listing("ana", "intake", "/outreach?campus=NORTH&open=true") == []
