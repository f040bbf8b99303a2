"""Rules over flags on the tables: tried on the past, watching, by edition, and within what a campus can take."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.intake.storage.rule_trials import forget_trials
from services.intake.trials import Trials
from services.intake.usecases.end_outreach import pass_time
from services.intake.usecases.list_outreach import TIMER
from services.intake.usecases.triage_referral import locked
from services.intake.usecases.turn_referral import reopen
from shared.access.actors import service_actor
from shared.events.outreach import OutreachEnded, OutreachListed, OutreachMessageAsked
from shared.events.program import Conflict, PolicyEdition, PolicySnapshot
from shared.events.referrals import ReferralReceived
from shared.ids import new_id
from shared.messaging.timers import Timers
from shared.privacy.keys import KeyRing
from tests.integration.intake.conftest import NOW, Intake, flag, flag_file, kinds, person, policy

FLAGS = "/flags/imports?source=lms"
SINCE, UNTIL = "2026-01-01T00:00:00Z", "2026-09-14T00:00:00Z"
TWO = {"name": "threshold", "family": "academic", "level": "mild", "flags": 2, "days": 7.0}
PERSONAL = {
    "name": "personal_concern", "family": "other", "level": "moderate", "at_once": True,
    "reasons": ["PERSONAL_CONCERN"],
}  # fmt: skip


def ruled(*editions: tuple[str, str, list[dict[str, Any]]], version: int = 1) -> PolicySnapshot:
    """Return the rules of NORTH: (edition, day, rules) each."""
    made = tuple(
        PolicyEdition(name, datetime.fromisoformat(f"{day}T00:00:00+00:00"), {"rules": rules})
        for name, day, rules in editions
    )
    return PolicySnapshot(campus="NORTH", name="threshold", editions=made, sequence=version)


async def roster(intake: Intake, count: int) -> list[str]:
    numbers = [f"M{n:03d}" for n in range(count)]
    rows = "\n".join(f"{number},NORTH,Student {number},{number}@x.example" for number in numbers)
    await intake.send_file("/roster/imports", f"student_id,campus_code,name,email\n{rows}\n")
    await intake.forget_outbox()
    return numbers


def term_of(numbers: list[str]) -> list[str]:
    """Return flags of a term: some students have one, some many, some a personal concern."""
    return [
        flag(
            f"{number}-{turn}",
            number,
            ("BIO", "CHE", "ENG")[(place + turn) % 3],
            (turn * (3 + place % 5) + place) % 80,
            reason="PERSONAL_CONCERN" if (place + turn) % 17 == 0 else "LATE_WORK",
            severity=1 + turn % 3,
        )
        for place, number in enumerate(numbers)
        for turn in range(place % 9)
    ]


async def simulated(intake: Intake, who: str = "sam", **body: Any) -> dict[str, Any]:
    asked = {"campuses": ["NORTH"], "since": SINCE, "until": UNTIL} | body
    return dict(await intake.post(who, "/rules:simulate", **asked))


async def test_a_trial_is_asked_for_and_looked_at_until_it_is_done(intake: Intake) -> None:
    await storm(intake)
    asked = {"campuses": ["NORTH"], "since": SINCE, "until": UNTIL, "rules": [TWO], "salt": 0}
    begun = await intake.call("sam", "POST", "/rules/trials", json=asked | {"kept": {"source": "the senate"}})
    assert begun.status_code == 202, begun.text
    here = f"/rules/trials/{begun.json()['trial_id']}"
    assert (await intake.get("sam", here))["state"] == "waiting"
    trials = Trials(intake.worker)
    assert await trials.look()
    assert not await trials.look()
    done = await intake.get("sam", here)
    assert (done["state"], done["looked_at"] > 0, done["kept"]) == ("done", True, {"source": "the senate"})
    assert done["result"] == await simulated(intake, rules=[TWO])
    # It is its asker's alone, and whose an example is shows to whom it may.
    assert (await intake.call("ana", "GET", here)).status_code == 404
    own = await intake.post("dee", "/rules/trials", **asked)
    await trials.look()
    examples = (await intake.get("dee", f"/rules/trials/{own['trial_id']}"))["result"]["examples"]
    assert {each["student_id"] for each in examples} == {None}
    assert (await intake.call("fay", "POST", "/rules/trials", json=asked)).status_code == 403
    wrong = await intake.call("sam", "POST", "/rules/trials", json=asked | {"rules": [{"name": "x", "flags": 0}]})
    assert wrong.status_code == 422
    # One whose worker has gone is begun anew; after a day nothing is left of it.
    await intake.rows("UPDATE rule_trials SET state = 'running', beat_at = asked_at")
    assert not await trials.look()
    intake.clock.move(timedelta(minutes=1))
    assert await trials.look()
    # One whose worker goes each time fails, and holds up no other.
    await intake.rows("UPDATE rule_trials SET state = 'running', beat_at = asked_at, tries = 3")
    assert not await trials.look()
    assert (await intake.get("sam", here))["state"] == "failed"
    await forget_trials(intake.worker)
    assert await intake.rows("SELECT 1 FROM rule_trials") != []
    intake.clock.move(timedelta(days=2))
    await forget_trials(intake.worker)
    assert await intake.rows("SELECT 1 FROM rule_trials") == []


async def made_by_week(intake: Intake) -> Counter[str]:
    """Count what rules made, by the Monday of the week in which they fired, on the campus's calendar."""
    rows = await intake.rows(
        "SELECT date_trunc('week', fired_at AT TIME ZONE 'America/New_York')::date AS monday FROM threshold_firings"
        " WHERE made <> 'watch'"
    )
    return Counter(row.monday.isoformat() for row in rows)


@pytest.mark.parametrize("rules", [[PERSONAL, TWO], [{**TWO, "flags": 4, "days": 21.0, "courses": 2}], [PERSONAL]])
async def test_what_is_simulated_is_what_counting_then_makes(intake: Intake, rules: list[dict[str, Any]]) -> None:
    numbers = await roster(intake, 40)
    nothing = [{**TWO, "flags": 900}]
    await intake.know(ruled(("none", "2020-01-01", nothing)))
    rows = term_of(numbers)
    await intake.send_file(FLAGS, flag_file(*rows))
    said = await simulated(intake, rules=rules)
    assert (await simulated(intake))["tried"]["referrals"] == 0

    await intake.rows("DELETE FROM flags")
    await intake.know(ruled(("tried", "2020-01-01", rules), version=2))
    answer = await intake.send_file(FLAGS, flag_file(*rows))
    assert answer["referrals_made"] == said["tried"]["referrals"] > 0
    weeks = {week["week_of"]: week["referrals"] for week in said["tried"]["weeks"]}
    assert weeks == await made_by_week(intake)
    firings = (await intake.get("sam", "/rules/firings?campus=NORTH&edition=tried"))["items"]
    by_rule = {each["name"]: each["firings"] for each in said["tried"]["rules"]}
    assert by_rule == Counter(each["rule"] for each in firings)
    assert len(said["examples"]) == min(20, said["tried"]["referrals"])


async def test_what_a_rule_made_behind_the_wall_is_in_no_list_of_what_rules_made(intake: Intake) -> None:
    numbers = await roster(intake, 2)
    await intake.know(ruled(("one", "2020-01-01", [PERSONAL])))
    said = "She told me that she was raped at a party last weekend."
    rows = [flag("A1", numbers[0], "BIO", 1, reason="PERSONAL_CONCERN", comment=said),
            flag("A2", numbers[1], "BIO", 1, reason="PERSONAL_CONCERN", comment="Seems sad.")]  # fmt: skip
    assert (await intake.send_file(FLAGS, flag_file(*rows)))["referrals_made"] == 2
    (walled,) = await intake.rows("SELECT referral_id FROM referrals WHERE sensitivity = 'titleix'")
    firings = (await intake.get("sam", "/rules/firings?campus=NORTH"))["items"]
    assert len(firings) == 1
    assert firings[0]["firing_id"] != str(walled.referral_id)
    assert [each["firings"] for each in (await intake.get("sam", "/rules/tally?campus=NORTH"))["items"]] == [1]
    examples = (await simulated(intake, rules=[PERSONAL]))["examples"]
    assert len(examples) == 2
    assert [each["student_id"] for each in examples if each["student_id"]] == [firings[0]["student_id"]]


async def test_an_earlier_edition_gives_the_earlier_answer(intake: Intake) -> None:
    numbers = await roster(intake, 30)
    one, two = ("one", "2020-01-01", [TWO]), ("two", "2026-09-01", [{**TWO, "flags": 5}])
    await intake.know(ruled(one))
    await intake.send_file(FLAGS, flag_file(*term_of(numbers)))
    made = (await intake.get("sam", "/rules/firings?campus=NORTH&edition=one"))["items"]

    await intake.know(ruled(one, two, version=2))
    replayed = await simulated(intake, edition="one")
    assert replayed["tried"]["referrals"] == len(made) > (await simulated(intake))["tried"]["referrals"]
    assert {(week["week_of"], week["referrals"]) for week in replayed["tried"]["weeks"]} == set(
        (await made_by_week(intake)).items()
    )
    assert {each["fired_at"] for each in replayed["examples"]} <= {each["fired_at"] for each in made}
    assert replayed["in_force"]["referrals"] == (await simulated(intake))["tried"]["referrals"]
    unknown = await intake.call(
        "sam", "POST", "/rules:simulate",
        json={"campuses": ["NORTH"], "since": SINCE, "until": UNTIL, "edition": "three"},
    )  # fmt: skip
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/body/edition")


async def test_a_rule_that_watches_counts_what_others_counted_and_makes_nothing(intake: Intake) -> None:
    quiet = {**TWO, "name": "quiet", "mode": "watch", "flags": 3}
    await intake.know(ruled(("one", "2020-01-01", [TWO, quiet])))
    rows = [flag(f"A{day}", "N1", "BIO", day) for day in range(3)]
    for row in rows:
        await intake.send_file(FLAGS, flag_file(row))
    assert kinds(await intake.published("received")) == ["ReferralReceived"]
    watched = (await intake.get("dee", "/rules/firings?campus=NORTH&made=watch"))["items"]
    assert [(each["rule"], each["flags"], each["student_id"]) for each in watched] == [("quiet", 3, None)]
    tally = (await intake.get("dee", "/rules/tally?campus=NORTH"))["items"]
    assert {(each["rule"], each["made"], each["firings"]) for each in tally} == {
        ("threshold", "referral", 1),
        ("quiet", "watch", 1),
    }
    # Flags it has watched it does not watch again.
    await intake.send_file(FLAGS, flag_file(*(flag(f"B{day}", "N1", "BIO", day) for day in range(10, 12))))
    assert len((await intake.get("sam", "/rules/firings?campus=NORTH&made=watch"))["items"]) == 1
    said = await simulated(intake)
    assert {each["name"]: each["firings"] for each in said["tried"]["rules"]} == {"threshold": 2, "quiet": 1}


async def test_a_simulation_shows_whose_flags_they_are_only_to_whom_it_may(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(*(flag(f"A{day}", "N1", "BIO", day) for day in range(2))))
    await intake.refer("Has stopped coming.", about={"student_id": "N1"}, happened_at="2026-03-11T12:00:00Z")
    seen = await simulated(intake, rules=[TWO])
    (example,) = seen["examples"]
    assert (example["student_id"], example["courses"]) == (str(await intake.student("N1")), ["BIO"])
    assert (seen["tried"]["later_referred"], seen["tried"]["later_median_days"], example["later_days"]) == (1, 9.0, 9.0)
    assert (await simulated(intake, who="dee", rules=[TWO]))["examples"][0]["student_id"] is None
    refused = await intake.call(
        "fay", "POST", "/rules:simulate", json={"campuses": ["NORTH"], "since": SINCE, "until": UNTIL}
    )
    assert refused.status_code == 403
    wrong = await intake.call(
        "sam", "POST", "/rules:simulate",
        json={"campuses": ["NORTH"], "since": SINCE, "until": UNTIL, "rules": [{"name": "x"}]},
    )  # fmt: skip
    assert wrong.status_code == 422


# ------------------------------------------------------------------------------------------------------- storms


async def storm(intake: Intake, students: int = 6, *, capacity: int = 2, **more: Any) -> list[str]:
    """Let a rule find so many students in one file, of whom the campus can take `capacity` this week."""
    numbers = await roster(intake, students)
    await intake.know(
        ruled(("one", "2020-01-01", [PERSONAL, TWO])),
        policy("capacity", {"referrals_per_week": capacity, "refer_after_days": 7} | more, campus="NORTH"),
    )
    rows = [flag(f"{number}-{day}", number, "BIO", day, severity=1) for number in numbers for day in range(2)]
    await intake.send_file(FLAGS, flag_file(*rows))
    return numbers


async def lists(intake: Intake, who: str = "ana") -> list[dict[str, Any]]:
    return list((await intake.get(who, "/outreach?campus=NORTH"))["items"])


async def on_list(intake: Intake, who: str = "ana") -> tuple[str, list[dict[str, Any]]]:
    (one,) = await lists(intake, who)
    return one["list_id"], (await intake.get(who, f"/outreach/{one['list_id']}"))["entries"]


async def test_what_a_campus_cannot_take_this_week_becomes_a_list_and_the_next_week_has_room_again(
    intake: Intake,
) -> None:
    await storm(intake)
    found = await intake.published()
    assert sum(isinstance(each, ReferralReceived) for each in found) == 2
    listed = [each for each in found if isinstance(each, OutreachListed)]
    assert len(listed) == 4
    assert {(each.rule, each.policy_edition, each.refer_at) for each in listed} == {
        ("threshold", "one", NOW + timedelta(days=7))
    }
    (one,) = await lists(intake)
    assert (one["course"], one["section"], one["term"], one["students"], one["waiting"]) == ("BIO", "", "2026S", 4, 4)
    flags = (await intake.get("ana", "/flags?campus=NORTH"))["items"]
    assert sum(each["outreach_id"] is not None for each in flags) == 8
    assert sum(each["referral_id"] is not None for each in flags) == 4

    intake.clock.move(timedelta(days=7))
    await intake.send_file(FLAGS, flag_file(*(flag(f"N1-{day}", "N1", "BIO", day) for day in range(2))))
    assert len(await intake.rows("SELECT 1 FROM referrals")) == 3


async def test_personal_concerns_and_the_gravest_pass(intake: Intake) -> None:
    numbers = await storm(intake, capacity=0)
    grave = {**TWO, "name": "grave", "level": "elevated", "min_severity": 3, "flags": 1}
    await intake.know(ruled(("one", "2020-01-01", [PERSONAL, grave, TWO]), version=2))
    await intake.forget_outbox()
    await intake.send_file(
        FLAGS,
        flag_file(
            flag("P1", numbers[0], "CHE", 3, reason="PERSONAL_CONCERN"), flag("G1", numbers[1], "CHE", 3, severity=3)
        ),
    )
    levels = {each.level for each in await intake.published("received") if isinstance(each, ReferralReceived)}
    assert levels == {"moderate", "elevated"}


async def test_the_graver_and_the_more_are_taken_first(intake: Intake) -> None:
    numbers = await roster(intake, 3)
    await intake.know(
        ruled(("one", "2020-01-01", [TWO])), policy("capacity", {"referrals_per_week": 1}, campus="NORTH")
    )
    rows = [flag(f"{n}-{day}", n, "BIO", day, severity=1 + (n == numbers[2])) for n in numbers for day in range(2)]
    await intake.send_file(FLAGS, flag_file(*rows))
    (received,) = await intake.published("received")
    assert isinstance(received, ReferralReceived)
    assert received.student_id == await intake.student(numbers[2])


async def test_outcomes_end_entries_or_make_referrals_and_none_is_decided_twice(intake: Intake) -> None:
    await storm(intake)
    list_id, entries = await on_list(intake)
    ids = [each["referral_id"] for each in entries]
    await intake.forget_outbox()

    async def say(outcome: str, *these: str) -> Any:
        return await intake.call(
            "ana", "POST", f"/outreach/{list_id}/outcomes", json={"entries": list(these), "outcome_code": outcome}
        )

    assert (await say("letter_sent", *ids)).json() == {"changed": ids, "referred": 0}
    assert (await say("student_responded", ids[0], ids[1])).status_code == 200
    assert (await say("unable_to_reach", ids[2])).json()["referred"] == 1
    assert (await say("student_responded", ids[0])).status_code == 409
    assert (await say("gone_fishing", ids[3])).status_code == 422
    assert (await say("student_responded", str(new_id()))).status_code == 422

    found = await intake.published()
    ended = [each for each in found if isinstance(each, OutreachEnded)]
    assert [(each.outcome_code, each.referred) for each in ended] == [
        ("student_responded", False), ("student_responded", False), ("unable_to_reach", True),
    ]  # fmt: skip
    (received,) = [each for each in found if isinstance(each, ReferralReceived)]
    assert str(received.referral_id) == ids[2]
    shown = await intake.get("sam", f"/referrals/{ids[2]}")
    assert [each["course"] for each in shown["flags"]] == ["BIO", "BIO"]
    (one,) = await lists(intake)
    assert (one["waiting"], one["ended"], one["referred"]) == (1, 2, 1)


async def test_nobody_on_a_list_is_forgotten(intake: Intake) -> None:
    await storm(intake)
    list_id, entries = await on_list(intake)
    await intake.call(
        "ana", "POST", f"/outreach/{list_id}/outcomes",
        json={"entries": [entries[0]["referral_id"]], "outcome_code": "assistance_declined"},
    )  # fmt: skip
    await intake.forget_outbox()
    keys = KeyRing(intake.settings)
    timers = Timers(intake.worker, intake.settings, {TIMER: lambda tx, due: pass_time(tx, keys, due)})
    assert await timers.run_due() == 0
    intake.clock.move(timedelta(days=7))
    assert await timers.run_due() == 4  # of whom one has an outcome
    assert len(await intake.published("referral.received")) == 3
    _, after = await on_list(intake)
    assert Counter((each["state"], each["outcome_code"]) for each in after) == {
        ("ended", "assistance_declined"): 1, ("referred", "no_outcome_in_time"): 3,
    }  # fmt: skip


async def test_whom_the_desk_sends_to_outreach_stands_on_the_list_of_their_cohort_and_comes_back(
    intake: Intake,
) -> None:
    numbers = await storm(intake, 7, capacity=3)
    await intake.know(policy("triage", {"rules": []}))
    list_id, entries = await on_list(intake)
    listed = {each["student_id"] for each in entries}
    by_rule = [number for number in numbers if str(await intake.student(number)) in listed]
    first, second, third = (number for number in numbers if number not in by_rule)

    async def send(about: dict[str, str], narrative: str = "Seems tired.", status: int = 200) -> str:
        referral = await intake.refer(narrative, about=about)
        body = {"decision": "watch_no_case", "reason_code": "outreach"}
        path = f"/referrals/{referral['referral_id']}"
        answer = await intake.call("sam", "POST", f"{path}/triage", json=body)
        assert answer.status_code == status, answer.text
        return str(referral["referral_id"])

    async def state(referral_id: str) -> str:
        return str((await intake.get("sam", f"/referrals/{referral_id}"))["state"])

    # Who waits on a list stands there once. Danger, and whom nobody knows, wait on none.
    await send({"student_id": by_rule[0]})
    await send({"student_id": first}, "She wants to die.", 409)
    await send({"name": "Somebody"}, status=409)
    assert len((await on_list(intake))[1]) == 4

    asked, slow, mistaken = [await send({"student_id": number}) for number in (first, second, third)]
    same, entries = await on_list(intake)
    assert same == list_id
    (entry,) = [each for each in entries if each["referral_id"] == asked]
    assert (entry["rule"], entry["policy_edition"], entry["flags"]) == ("triage_desk", "", 0)
    await intake.forget_outbox()
    body = {"entries": [asked, slow], "template": "check_in", "language": "en"}
    await intake.call("ana", "POST", f"/outreach/{list_id}/messages", json=body)
    assert len(await intake.published("outreach.message_asked")) == 2

    # Somebody who could not be reached is back at the desk: no second referral is made of them.
    body = {"entries": [asked], "outcome_code": "unable_to_reach"}
    answer = await intake.call("ana", "POST", f"/outreach/{list_id}/outcomes", json=body)
    assert answer.json()["referred"] == 1
    assert (await state(asked), await state(slow)) == ("triage_due", "triaged")
    assert await intake.published("referral.received") == []
    # So is who has no outcome in time, and whoever a person looks at again is not asked any more.
    keys = KeyRing(intake.settings)
    timers = Timers(intake.worker, intake.settings, {TIMER: lambda tx, due: pass_time(tx, keys, due)})
    await intake.post("sam", f"/referrals/{mistaken}/reopen", reason_code="new_information")
    intake.clock.move(timedelta(days=7))
    await timers.run_due()
    assert (await state(slow), await state(mistaken)) == ("triage_due", "triage_due")
    found = await intake.published("outreach.ended")
    assert {str(each.referral_id): each.outcome_code for each in found if isinstance(each, OutreachEnded)}.items() >= {
        asked: "unable_to_reach", slow: "no_outcome_in_time", mistaken: "back_at_the_desk",
    }.items()  # fmt: skip
    again = await intake.call(
        "sam", "POST", f"/referrals/{asked}/triage", json={"decision": "watch_no_case", "reason_code": "outreach"}
    )
    assert again.json()["type"].endswith("was_on_outreach")


async def to_outreach(intake: Intake, number: str) -> str:
    """Return a referral that somebody at the desk has sent to outreach."""
    referral = (await intake.refer("Seems tired.", about={"student_id": number}))["referral_id"]
    await intake.post("sam", f"/referrals/{referral}/triage", decision="watch_no_case", reason_code="outreach")
    return str(referral)


async def test_a_student_is_asked_as_long_as_one_of_their_referrals_is_at_outreach(intake: Intake) -> None:
    await intake.know(policy("triage", {"rules": []}))
    student = str(await intake.student("N1"))
    first, second, third, fourth = [await to_outreach(intake, "N1") for _ in range(4)]
    list_id, (begun,) = await on_list(intake)
    assert begun["referral_id"] == first
    body = {"entries": [first], "template": "check_in", "language": "en"}
    await intake.call("ana", "POST", f"/outreach/{list_id}/messages", json=body)
    intake.clock.move(timedelta(days=1))

    async def waiting() -> list[dict[str, Any]]:
        same, entries = await on_list(intake)
        assert same == list_id
        return [each for each in entries if each["state"] == "waiting"]

    for referral, act, said, then in (
        (first, "reopen", {"reason_code": "new_information"}, second),
        (second, "retract", {"reason_code": "mistake"}, third),
        (third, "unmatch", {"student_id": student, "reason_code": "wrong_person"}, fourth),
    ):
        await intake.post("sam", f"/referrals/{referral}/{act}", **said)
        (now,) = await waiting()
        assert (now["referral_id"], now["student_id"], now["refer_at"]) == (then, student, begun["refer_at"])
        assert now["messaged_by"] == "ana"
    listed = [each for each in await intake.published("outreach.listed") if isinstance(each, OutreachListed)]
    assert [str(each.referral_id) for each in listed] == [first, second, third, fourth]

    # Of whom there was an answer, nobody is asked again for what was sent before it.
    assert await to_outreach(intake, "N1")
    body = {"entries": [fourth], "outcome_code": "student_responded"}
    await intake.call("ana", "POST", f"/outreach/{list_id}/outcomes", json=body)
    intake.clock.move(timedelta(hours=1))
    last = await to_outreach(intake, "N1")
    await intake.post("sam", f"/referrals/{last}/reopen", reason_code="new_information")
    assert await waiting() == []


async def test_who_ends_outreach_and_who_goes_on_with_the_referral_do_not_wait_for_each_other(intake: Intake) -> None:
    await intake.know(policy("triage", {"rules": []}))
    keys = KeyRing(intake.settings)
    timers = Timers(intake.worker, intake.settings, {TIMER: lambda tx, due: pass_time(tx, keys, due)})
    waits = text("SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")

    async def unreached(referral: str) -> None:
        list_id, _ = await on_list(intake)
        body = {"entries": [referral], "outcome_code": "unable_to_reach"}
        answer = await intake.call("ana", "POST", f"/outreach/{list_id}/outcomes", json=body)
        assert answer.json()["type"].endswith("already_decided")

    async def late(_referral: str) -> None:
        await timers.run_due()

    for act in (unreached, late):
        referral = await to_outreach(intake, "N1")
        intake.clock.move(timedelta(days=7 * (act is late)))
        async with intake.worker.transaction(service_actor("intake")) as tx, asyncio.timeout(20):
            await locked(tx, UUID(referral))
            ending = asyncio.create_task(act(referral))
            while not (await tx.connection.execute(waits)).all():
                await asyncio.sleep(0.01)
            await reopen(tx, UUID(referral), "new_information")
        await ending
    ended = [each.outcome_code for each in await intake.published("outreach.ended") if isinstance(each, OutreachEnded)]
    assert ended == ["back_at_the_desk"] * 2


async def test_a_list_is_written_to_once_and_only_those_who_wait(intake: Intake) -> None:
    await storm(intake)
    list_id, entries = await on_list(intake)
    ids = [each["referral_id"] for each in entries]
    await intake.call(
        "ana", "POST", f"/outreach/{list_id}/outcomes",
        json={"entries": ids[:1], "outcome_code": "problem_addressed"},
    )  # fmt: skip
    await intake.forget_outbox()
    body = {"entries": ids, "template": "check_in", "language": "es"}
    headers = {"Idempotency-Key": "once"}
    for _ in range(2):
        answer = await intake.call("ana", "POST", f"/outreach/{list_id}/messages", json=body, headers=headers)
        assert answer.json()["changed"] == ids[1:]
    asked = [each for each in await intake.published() if isinstance(each, OutreachMessageAsked)]
    assert [(str(each.referral_id), each.template, each.language) for each in asked] == [
        (id_, "check_in", "es") for id_ in ids[1:]
    ]
    (one,) = await lists(intake)
    assert one["messaged"] == 3


async def test_lists_are_for_those_who_work_there_and_not_about_whom_they_must_keep_away_from(intake: Intake) -> None:
    numbers = await storm(intake)
    list_id, entries = await on_list(intake)
    for who, status in (("fay", 404), ("stu", 404), ("dee", 404)):
        assert (await intake.call(who, "GET", f"/outreach/{list_id}")).status_code == status
    assert (await intake.call("fay", "GET", "/outreach?campus=NORTH")).status_code == 403
    absent = await intake.call("ana", "GET", f"/outreach/{new_id()}")
    assert absent.status_code == 404

    kept = entries[0]
    assert kept["student_id"] in {str(await intake.student(number)) for number in numbers}
    await intake.know(person("ben", "case_manager", conflicts=(Conflict(kept["student_id"]),), sequence=2))
    _, seen = await on_list(intake, "ben")
    assert {each["student_id"] for each in seen} == {each["student_id"] for each in entries[1:]}
    refused = await intake.call(
        "ben", "POST", f"/outreach/{list_id}/outcomes",
        json={"entries": [kept["referral_id"]], "outcome_code": "student_responded"},
    )  # fmt: skip
    assert refused.status_code == 404


async def test_the_cohort_is_what_the_campus_asks_for(intake: Intake) -> None:
    await storm(intake, cohort="section")
    (one,) = await lists(intake)
    assert (one["course"], one["section"]) == ("BIO", "BIO-1")
