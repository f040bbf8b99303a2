"""What learning systems and registrars send in formats of their own, and what happens when they send nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from services.intake.storage.shipped import document_of
from tests.journeys.machines import Machine, add_feed, drop
from tests.journeys.world import World
from tests.support.eventually import eventually
from tests.unit.intake.decoders.events import Signer, caliper_event, canvas_event, envelope, login_event
from tests.unit.intake.decoders.roster_zip import CAMPUS, delta, enrollment, roster_zip

SHEET = document_of("plain-flags")
WORKDAYS = {"days": [0, 1, 2, 3, 4], "by": "06:30"}


async def test_a_silent_feed_is_told_before_anyone_asks(world: World) -> None:
    feed = await add_feed(world, "nightly-alerts", SHEET, kind="file_drop", expected=WORKDAYS)
    assert await drop(world, "nightly-alerts", "monday.csv", _sheet(1)) == "processed"
    await _until(world, feed, "well")

    # Tuesday's file does not come. Nobody looks at any page; at half past six the feed is late and its owner is told.
    await _clock(world, 15, "06:29")
    await _looked(world, feed)
    assert _mails(world) == []
    await _clock(world, 15, "06:31")
    await _until(world, feed, "late")
    await _told(world, 1, "Feed nightly-alerts is late")

    # Nor does Wednesday's: it is silent, and that is told once, whatever evenings and weekends pass.
    await _clock(world, 16, "06:31")
    await _until(world, feed, "silent")
    await _told(world, 2, "Feed nightly-alerts is silent")
    for day, at in ((17, "12:00"), (19, "12:00"), (21, "05:00")):
        await _clock(world, day, at)
        await _looked(world, feed)
    assert len(_mails(world)) == 2

    # It comes, and that is all it takes.
    assert await drop(world, "nightly-alerts", "at-last.csv", _sheet(2)) == "processed"
    await _until(world, feed, "well")
    health = await world.get("ben", "intake", f"/feeds/{feed.feed_id}/health")
    assert [(each["signal"], each["resolved_at"] is None) for each in health["history"]] == [
        ("silent", False), ("late", False),
    ]  # fmt: skip
    came = {day["day"]: (day["expected"], day["items"]) for day in health["days"]}
    assert len(came) == 30
    assert came["2026-09-14"] == (True, 1)
    assert came["2026-09-16"] == (True, 0)
    assert came["2026-09-19"] == (False, 0)
    listed = (await world.get("ben", "intake", "/feed-health"))["items"]
    assert [each["state"] for each in listed if each["code"] == "nightly-alerts"] == ["well"]
    assert len(_mails(world)) == 2


async def test_canvas_caliper_and_oneroster_arrive_as_flags_and_roster(world: World) -> None:
    # The registrar's zip file brings the students and their classes.
    orgs = [CAMPUS["orgs"][0] | {"identifier": "NORTH"}]
    await add_feed(world, "registrar", document_of("oneroster"), kind="oneroster")
    assert await drop(world, "registrar", "bulk.zip", roster_zip(CAMPUS | {"orgs": orgs})) == "processed"
    sora = await _student(world, "Sora Example")

    # Canvas signs a low grade; Caliper says another, in a course that Canvas does not have.
    signer = Signer()
    canvas = await add_feed(
        world, "canvas", document_of("canvas"), kind="canvas",
        settings={"accounts": ["madeUpAccount"], "jwks": signer.published()},
    )  # fmt: skip
    graded = {"student_sis_id": "N-1", "student_id": "48", "submission_id": "1", "score": 30, "points_possible": 100}
    assert await _outcomes(world, canvas, signer.sign(_at(world, canvas_event(body=graded)))) == ["accepted"]
    assert await _outcomes(world, canvas, signer.sign(_at(world, canvas_event("logged_in", body={})))) == ["skipped"]
    # This event names the student by Canvas's own id alone: it is understood by the one before.
    course = canvas_event("course_grade_change", body={"user_id": "48", "course_id": "565", "current_score": 31.5})
    assert await _outcomes(world, canvas, signer.sign(_at(world, course))) == ["accepted"]

    caliper = await add_feed(world, "lab-system", document_of("caliper-grades"), kind="caliper")
    event = caliper_event(
        object={"assignee": _person("N-1")}, group={"id": "urn:lab:9", "courseNumber": "CHEM-110"},
        eventTime=world.clock.now().isoformat(),
    )  # fmt: skip
    body = json.dumps(envelope(event, {"id": "urn:uuid:x"})).encode()
    assert await _outcomes(world, caliper, body, **_shown(caliper)) == ["accepted", "quarantined"]
    assert await _outcomes(world, caliper, body, **_shown(caliper)) == ["unchanged", "quarantined"]

    flags = [
        (flag["course"], flag["reason_code"], flag["source"])
        for flag in await world.listing("ana", "intake", f"/flags?campus=NORTH&student_id={sora}")
    ]
    assert sorted(flags) == [
        ("BIO-101-1", "LOW_GRADE", "canvas"), ("BIO-101-1", "LOW_SCORE", "canvas"),
        ("CHEM-110", "LOW_SCORE", "lab-system"),
    ]  # fmt: skip

    # That she was not active ends with a sign-in after it, said by either system; one before it says nothing about it.
    await add_feed(world, "quiet-students", SHEET, kind="file_drop")
    sheet = (
        f"alert_id,campus_code,student_id,course_code,reason_code,raised_at\nQ-1,NORTH,N-1,,NO_ACTIVITY,{_now(world)}\n"
    )
    assert await drop(world, "quiet-students", "quiet.csv", sheet) == "processed"
    logins = await add_feed(world, "lab-logins", document_of("caliper-logins"), kind="caliper")
    early = login_event(_person("N-1"), (world.clock.now() - timedelta(days=1)).isoformat(), id="urn:uuid:early")
    world.clock.move(timedelta(hours=1))
    late = login_event(_person("N-1"), _now(world), id="urn:uuid:late")
    stranger = login_event(_person("N-404"), _now(world), id="urn:uuid:stranger")
    nobody = login_event({"id": "urn:lab:user:5", "type": "Person"}, _now(world), id="urn:uuid:nobody")
    body = json.dumps(envelope(early, late, event, stranger, nobody)).encode()
    outcomes = await _outcomes(world, logins, body, **_shown(logins))
    assert outcomes == ["unchanged", "accepted", "skipped", "unchanged", "quarantined"]
    assert await _outcomes(world, logins, body, **_shown(logins)) == [
        "unchanged", "unchanged", "skipped", "unchanged", "quarantined",
    ]  # fmt: skip
    listed = await world.listing("ana", "intake", f"/flags?campus=NORTH&student_id={sora}")
    ended = {flag["reason_code"]: (flag["state"], flag["cleared_reason"]) for flag in listed}
    assert ended == {"LOW_GRADE": ("open", ""), "LOW_SCORE": ("open", ""), "NO_ACTIVITY": ("cleared", "active")}

    # A delta takes one of the two out of the roster; the flags of the other stay hers.
    changes = {
        "users": [delta(CAMPUS["users"][1], "tobedeleted")],
        "enrollments": [delta(enrollment("e-3", "k-bio", "u-2"), "tobedeleted")],
    }
    assert await drop(world, "registrar", "delta.zip", roster_zip(changes, "delta")) == "processed"
    assert len(await world.listing("ana", "intake", f"/flags?campus=NORTH&student_id={sora}")) == 4


def _sheet(number: int) -> str:
    header = "alert_id,campus_code,student_id,course_code,reason_code,raised_at"
    return f"{header}\nA-{number},NORTH,N-77,BIO101,ABSENCE,2026-09-1{number}T09:00:00Z\n"


async def _clock(world: World, day: int, at: str) -> None:
    """Let time pass until the clock of North Campus shows this, on a day of September."""
    hours, minutes = map(int, at.split(":"))
    wanted = datetime(2026, 9, day, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes)
    world.clock.move(wanted - world.clock.now())


async def _until(world: World, feed: Machine, state: str) -> None:
    async def there() -> bool:
        await world.pass_time(seconds=1)
        health = await world.get("ben", "intake", f"/feeds/{feed.feed_id}/health")
        return bool(health["state"] == state and health["looked_at"])

    await eventually(there, within=30)


async def _looked(world: World, feed: Machine) -> None:
    """Wait until the feed was looked at by the clock as it is now."""
    since = world.clock.now()

    async def there() -> bool:
        await world.pass_time(seconds=1)
        health = await world.get("ben", "intake", f"/feeds/{feed.feed_id}/health")
        return datetime.fromisoformat(health["looked_at"]) >= since

    await eventually(there, within=30)


def _mails(world: World) -> list[str]:
    return [str(mail["Subject"]) for mail in world.mails_to("ben", "nightly-alerts")]


async def _told(world: World, count: int, subject: str) -> None:
    async def there() -> bool:
        await world.pass_time(seconds=5)
        return len(_mails(world)) == count

    await eventually(there, within=30)
    assert _mails(world)[-1] == subject


async def _outcomes(world: World, machine: Machine, body: bytes, **headers: str) -> list[str]:
    answer = await world.call(
        None, "POST", "intake", f"/feeds/{machine.feed_id}/deliveries", content=body, headers=headers
    )
    assert answer.is_success, answer.text
    return [each["outcome"] for each in answer.json()["results"]]


def _shown(machine: Machine) -> dict[str, str]:
    return {"Authorization": f"Bearer {machine.secret}"}


def _now(world: World) -> str:
    return world.clock.now().isoformat()


def _at(world: World, event: dict[str, Any]) -> dict[str, Any]:
    event["metadata"]["event_time"] = world.clock.now().isoformat()
    return event


def _person(number: str) -> dict[str, Any]:
    known = {"type": "SystemIdentifier", "identifierType": "SisSourcedId", "identifier": number}
    return {"id": "urn:lab:user:1", "type": "Person", "otherIdentifiers": [known]}


async def _student(world: World, name: str) -> str:
    found = await world.post("sam", "intake", "/people:find", {"q": name, "campus": "NORTH"})
    return str(found["people"][0]["student_id"])
