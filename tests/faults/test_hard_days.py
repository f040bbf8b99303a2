"""What all services together do when servers go away, events cannot be read, news is old and databases are new."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from deploy.local import databases
from deploy.local.stack import Stack
from shared.access.actors import service_actor
from shared.events import Event
from shared.events.referrals import DangerRaised, ReferralMatched
from shared.ids import new_id
from shared.settings import Settings
from shared.storage import outbox
from shared.storage.engines import connect
from tests.faults.rows import rows
from tests.faults.works import OTHERS, WITHIN, Works, works
from tests.journeys.world import text_of
from tests.stack import TEMPLATE
from tests.support.eventually import eventually
from tests.support.figures import figure

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

WORRY = "She has been crying in class and says she feels low most days."
IN_DANGER = "He told his roommate that he is going to kill himself tonight and has the pills in his room."
MOOD = {"concerns": ["mood"], "urgency": "soon"}
SPOILT = b"\x00 nobody can read this"


@pytest.fixture(scope="module")
async def at(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Works]:
    """Every service."""
    async with works(settings, tmp_path_factory.mktemp("mail")) as made:
        yield made


# -------------------------------------------------------------------------------------------------- poison


async def test_a_poison_event_holds_back_only_its_own_key_and_never_a_danger_page(at: Works) -> None:
    (student,) = await at.students("NORTH", 1)
    poisoned = await at.refer("fay", WORRY)
    await _send(at, _matched(at, poisoned), payload=SPOILT)
    await eventually(lambda: _dead(at, "cases", poisoned), within=WITHIN)
    await eventually(lambda: _dead(at, "notifications", poisoned), within=WITHIN)
    await _triage(at, poisoned)  # waits behind the one that cannot be read

    healthy = await at.refer("fay", WORRY, about={"student_id": student}, **MOOD)
    assert (await at.case_of("sam", healthy))["owner_id"]  # everybody else's work goes on
    await at.quiet()
    assert not await _cases_of(at, poisoned)

    await _send(at, _danger(at, UUID(poisoned["referral_id"]), poisoned["reference"]))
    await at.mail_to("uma", poisoned["reference"])  # danger waits behind nothing

    unreadable = new_id()
    await _send(at, _danger(at, unreadable, "never read"), payload=SPOILT)
    page = await at.page_of("uma", {"referral_id": str(unreadable)})
    assert (page["state"], page["level"], page["campus"], page["addressees"]) == (
        "notifying",
        "critical",
        "NORTH",
        ["uma"],
    )
    mails = await eventually(lambda: [mail for mail in at.mails_to("uma") if "Reference:" not in text_of(mail)])
    assert "never read" not in "".join(map(text_of, mails))

    letters = (await at.get("ada", "cases", "/dead-letters"))["items"]
    ids = [letter["id"] for letter in letters if letter["key"] == poisoned["referral_id"] and letter["state"] == "dead"]
    await at.post("ada", "cases", "/dead-letters:discard", {"ids": ids, "reason": "not_readable"})
    await at.case_of("sam", poisoned)  # what waited behind it goes on, in its order


async def _dead(at: Works, service: str, referral: dict[str, Any]) -> bool:
    query = "SELECT FROM dead_letters WHERE key = $1 AND state = 'dead'"
    return bool(await rows(at.settings, service, query, referral["referral_id"].encode()))


async def _cases_of(at: Works, referral: dict[str, Any]) -> list[dict[str, Any]]:
    cases = await at.listing("sam", "cases", "/cases")
    return [case for case in cases if referral["referral_id"] in (case["referrals"] or [])]


async def _triage(at: Works, referral: dict[str, Any]) -> None:
    path = f"/referrals/{referral['referral_id']}/triage"
    await at.post("ana", "intake", path, {"decision": "open_case", "reason_code": "level"})


async def _send(at: Works, event: Event, payload: bytes | None = None) -> None:
    """Send an event from intake; with another value in its place, as a faulty release would."""
    await at.sent("intake")
    database = connect(at.settings, "intake", "worker", at.clock)
    async with database.transaction(service_actor("intake")) as tx:
        await outbox.write(tx.connection, [event], source="intake", now=tx.now, layout=database)
        if payload is not None:
            spoil = text("UPDATE outbox SET payload = :payload WHERE key = :key")
            await tx.connection.execute(spoil, {"payload": payload, "key": event.key.encode()})
    await database.close()


def _matched(at: Works, referral: dict[str, Any]) -> ReferralMatched:
    return ReferralMatched(
        campus="NORTH",
        referral_id=UUID(referral["referral_id"]),
        reference=referral["reference"],
        matched_at=at.clock.now(),
        basis="person",
        matched_by="ana",
    )


def _danger(at: Works, referral_id: UUID, reference: str) -> DangerRaised:
    return DangerRaised(
        campus="NORTH",
        referral_id=referral_id,
        reference=reference,
        level="critical",
        found_by="screening",
        raised_at=at.clock.now(),
        happened_at=at.clock.now(),
    )


# ------------------------------------------------------------------------------------------------------ old news


async def test_an_old_import_becomes_work_for_review_and_a_delayed_live_danger_still_pages(at: Works) -> None:
    (student,) = await at.students("NORTH", 1)
    told = len(at.mail.messages())
    since = at.clock.now() - timedelta(hours=7)
    answer = await at.upload(
        "ada",
        "/referrals/imports?source=last-night",
        "campus_code,source_event_id,source_kind,student_id,narrative,happened_at\n"
        f"NORTH,old-1,faculty,{student},{IN_DANGER},{since.isoformat()}\n",
    )
    assert (answer["accepted"], answer["rejected"]) == (1, 0)

    review = await eventually(lambda: _review(at), within=WITHIN)
    assert (review["state"], review["level"], review["function"]) == ("open", "critical", "danger")
    old = {"referral_id": review["referral_id"]}
    assert (await at.case_of("sam", old))["level"] == "critical"  # the work is there, as for any other
    await at.quiet()
    assert (await at.get("uma", "notifications", f"/pages?referral_id={old['referral_id']}"))["items"] == []
    assert not [mail for mail in at.mail.messages()[told:] if "page" in str(mail["Subject"]).lower()]
    await at.pass_time(minutes=2)  # nor do the emergency contacts hear that nobody was paged
    await at.quiet()
    assert not at.mails_to("emergency@example.edu", review["reference"])
    finished = f"/late-reviews/{review['review_id']}/finish"
    await at.post("uma", "notifications", finished, {"outcome_code": "followed_up"})

    await at.halt("notifications")
    live = await at.refer("fay", IN_DANGER)
    await at.sent("intake")
    await at.pass_time(hours=7)
    at.resume("notifications")
    mail = await at.mail_to("uma", live["reference"])
    assert "7 hours" in text_of(mail)
    assert (await at.page_of("uma", live))["state"] == "notifying"


async def _review(at: Works) -> dict[str, Any] | None:
    items: list[dict[str, Any]] = (await at.get("uma", "notifications", "/late-reviews?state=open"))["items"]
    return items[0] if items else None


# ------------------------------------------------------------------------------------------------ servers away


async def test_everything_works_without_valkey(at: Works, stack: Stack) -> None:
    (student,) = await at.students("NORTH", 1)
    await asyncio.to_thread(stack.kill, "valkey")
    try:
        await _everything_works(at, student)
        await at.halt("intake")
        at.resume("intake")  # starts without it as well
        await at.ready("intake")
        await _everything_works(at, student)
        await _greedy_are_held_back_and_danger_is_not(at)
    finally:
        await asyncio.to_thread(stack.start, "valkey")
    await _everything_works(at, student)


async def _everything_works(at: Works, student: str) -> None:
    """Go through all of it: an import, a referral to its case and figure, danger to its page and mail."""
    await at.students("NORTH", 3)
    worry = await at.refer("ben", WORRY, about={"student_id": student}, **MOOD)
    assert (await at.case_of("sam", worry))["owner_id"]
    danger = await at.refer("ben", IN_DANGER)
    await at.mail_to("uma", danger["reference"])
    page = await at.page_of("uma", danger)
    await at.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})
    await eventually(lambda: _counted(at, danger), within=WITHIN, why="it is counted")


async def _counted(at: Works, referral: dict[str, Any]) -> bool:
    counted = "SELECT FROM matters WHERE kind = 'referral' AND id = $1 AND milestones::text LIKE '%triaged%'"
    return bool(await rows(at.settings, "analytics", counted, UUID(referral["referral_id"])))


async def _greedy_are_held_back_and_danger_is_not(at: Works) -> None:
    async def answered() -> bool:
        answer = await at.call("eve", "POST", "intake", "/referrals", json=_referral(WORRY, campus="EMPTY"))
        return answer.status_code == httpx.codes.TOO_MANY_REQUESTS

    began = time.monotonic()
    await eventually(answered, within=WITHIN, every=0, why="whoever asks far too much is told to come back")
    figure(f"held back after {time.monotonic() - began:.2f} s of asking as fast as it goes")
    assert (await at.refer("eve", IN_DANGER, campus="EMPTY"))["reference"]


def _referral(narrative: str, **more: Any) -> dict[str, Any]:
    about = {"description": "a student in my section"}
    return {"campus": "NORTH", "about": about, "source_kind": "faculty", "narrative": narrative, **more}


async def test_a_restarted_database_is_waited_for(at: Works, stack: Stack) -> None:
    students = await at.students("NORTH", 3)
    made: list[dict[str, Any]] = []
    for student, break_it in zip(students, (None, _restart, _kill), strict=True):
        worry = at.insist("fay", "/referrals", _referral(WORRY, about={"student_id": student}, **MOOD))
        danger = at.insist("fay", "/referrals", _referral(IN_DANGER))
        brought = asyncio.gather(worry, danger)
        if break_it is not None:
            await asyncio.to_thread(break_it, stack)
        made += await brought

    began = time.monotonic()
    for name in OTHERS:
        await at.ready(name)  # whoever asks first after a restart may be told to try again
    for referral in made:
        await at.case_of("sam", referral)
        await eventually(lambda referral=referral: _counted(at, referral), within=WITHIN)  # type: ignore[misc]
    for referral in made[1::2]:
        await at.mail_to("uma", referral["reference"])
    figure(f"all of it done {time.monotonic() - began:.2f} s after the last restart")
    await at.quiet()
    cases = await at.listing("sam", "cases", "/cases")
    held = [referral_id for case in cases for referral_id in case["referrals"] or []]
    assert [held.count(referral["referral_id"]) for referral in made] == [1] * len(made)


def _restart(stack: Stack) -> None:
    stack.restart("postgres")


def _kill(stack: Stack) -> None:
    stack.kill("postgres")
    stack.start("postgres")


# ------------------------------------------------------------------------------------------------ a new database


async def test_a_consumer_on_an_empty_database_waits_for_its_replicas(at: Works, stack: Stack) -> None:
    await at.halt("cases")
    await databases.clone(stack.postgres_url, TEMPLATE, at.settings.database_prefix, ["cases"])
    roster = [f"E{number:05d},NORTH,Student {number},e{number}@students.example.edu,ben" for number in range(3000)]
    await at.upload("ada", "/roster/imports", "\n".join(["student_id,campus_code,name,email,advisor_id", *roster, ""]))
    referral = await at.refer("fay", WORRY, about={"student_id": "E02999"}, **MOOD)
    await at.sent("intake")

    at.resume("cases")
    early = await at.call("sam", "GET", "cases", "/cases")
    assert early.status_code == httpx.codes.SERVICE_UNAVAILABLE  # it knows nobody yet, and says so
    await at.ready("cases")
    case = await at.case_of("sam", referral)
    # Without the replicas nobody would be known to work here, nor who this student's advisor is.
    assert case["owner_id"] == "ben"
    assert "advises" in case["assignment_sentence"]
