"""What becomes of flags: people raise, clear and reopen them, policies let them expire; each is told and listed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from services.intake.http import flags as flags_http
from services.intake.usecases import clear_flags
from services.intake.usecases.clear_flags import expire_flags
from shared.events.access import AccessDecided
from shared.events.flags import FlagCleared, FlagExpired, FlagRaised, FlagReopened
from shared.events.program import Conflict
from shared.events.referrals import DangerRaised, ReferralReceived
from tests.integration.intake.conftest import FLAG_COLUMNS, NOW, Intake, flag, flag_file, kinds, person, policy

FLAGS = "/flags/imports?source=lms"
PERSONAL = {"campus": "NORTH", "student_number": "N1", "reason_code": "Personal Concern", "course": "BIO"}


async def raised(intake: Intake, who: str = "fay", **said: Any) -> httpx.Response:
    body = {"campus": "NORTH", "student_number": "N1", "reason_code": "ABSENCE", "course": "BIO", "term": "2026F"}
    return await intake.call(who, "POST", "/flags", json=body | said)


async def listed(intake: Intake, query: str = "", who: str = "sam") -> list[dict[str, Any]]:
    return list((await intake.get(who, f"/flags?campus=NORTH{query}"))["items"])


async def test_an_instructor_raises_a_flag_and_whoever_works_with_the_student_reads_what_was_written(
    intake: Intake,
) -> None:
    answer = await raised(intake, comment="Has not come since Monday.")
    assert (answer.status_code, set(answer.json())) == (201, {"reference"})

    (event,) = await intake.published("flag.raised")
    assert isinstance(event, FlagRaised)
    assert (event.source, event.reason_code, event.course, event.term) == ("person", "ABSENCE", "BIO", "2026F")
    student = await intake.student("N1")
    (shown,) = await listed(intake, f"&student_id={student}")
    assert (shown["comment"], shown["raised_by"], shown["state"]) == ("Has not come since Monday.", "fay", "open")
    (without,) = await listed(intake, who="fred")
    assert (without["comment"], without["raised_by"]) == (None, None)


async def test_a_number_nobody_has_is_answered_like_any_other_and_waits_for_the_roster(intake: Intake) -> None:
    known, unknown = await raised(intake), await raised(intake, student_number="N777")
    assert (known.status_code, set(known.json())) == (unknown.status_code, set(unknown.json()))
    await intake.send_file("/roster/imports", "student_id,campus_code,name,email\nN777,NORTH,Nia Late,nia@x.example\n")
    student = await intake.student("N777")
    assert len(await listed(intake, f"&student_id={student}")) == 1


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"student_number": ""}, "/body/student_number"),
        ({"student_id": str(UUID(int=7))}, "/body/student_number"),
        ({"student_id": str(UUID(int=7)), "student_number": ""}, "/body/student_id"),
        ({"raised_at": (NOW + timedelta(days=1)).isoformat()}, "/body/raised_at"),
        ({"campus": "EAST"}, "/body/campus"),
        ({"reason_code": "=cmd|x"}, "/body/reason_code"),
    ],
)
async def test_a_flag_that_cannot_be_is_refused_with_its_place(
    intake: Intake, said: dict[str, Any], pointer: str
) -> None:
    answer = await raised(intake, **said)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert await intake.published("flag") == []


async def test_a_personal_concern_is_a_referral_at_once_and_what_was_written_is_screened(intake: Intake) -> None:
    await raised(intake, **PERSONAL, comment="Says he is going to kill himself tonight.")
    found = await intake.published()
    assert kinds(found) == ["FlagRaised", "DangerRaised", "ReferralReceived", "ReferralTriaged"]
    danger = next(each for each in found if isinstance(each, DangerRaised))
    assert (danger.live, danger.student_id) == (True, await intake.student("N1"))
    narrative = await intake.get("sam", f"/referrals/{danger.referral_id}/narrative")
    assert narrative["narrative"] == "Says he is going to kill himself tonight."


async def test_two_personal_concerns_of_one_instant_are_two_referrals(intake: Intake) -> None:
    at = "2026-09-10T00:00:00Z"
    for who, said in (("fay", "He cries in every lab."), ("dee", "He sleeps in his car.")):
        assert (await raised(intake, who, **PERSONAL, comment=said, raised_at=at)).status_code == 201
    assert len(await intake.published("referral.received")) == 2


async def test_a_personal_concern_about_nobody_on_the_roster_does_not_wait_for_it(intake: Intake) -> None:
    await raised(intake, **PERSONAL | {"student_number": "N888"}, comment="She cries in every lab.")
    (received,) = await intake.published("referral.received")
    assert isinstance(received, ReferralReceived)
    assert (received.student_id, received.level) == (None, "moderate")
    narrative = await intake.get("sam", f"/referrals/{received.referral_id}/narrative")
    assert (narrative["about"]["number"], narrative["narrative"]) == ("N888", "She cries in every lab.")
    await intake.send_file("/roster/imports", "student_id,campus_code,name,email\nN888,NORTH,Nia Late,nia@x.example\n")
    assert len(await intake.published("referral.received")) == 1


async def test_what_stands_behind_the_wall_because_of_a_flag_is_not_in_a_list_of_flags(intake: Intake) -> None:
    await raised(intake, **PERSONAL, comment="She told me that she was raped at a party last weekend.")
    (received,) = await intake.published("referral.received")
    assert isinstance(received, ReferralReceived)
    assert received.sensitivity == "titleix"
    assert await listed(intake) == []
    assert (await intake.get("sam", "/flags/courses?campus=NORTH"))["items"] == []
    behind = await intake.get("tia", f"/referrals/{received.referral_id}")
    assert [each["reason_code"] for each in behind["flags"]] == ["Personal Concern"]


async def test_flags_are_cleared_with_a_reason_and_reopened_and_each_is_told_once(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "BIO", 1), flag("A2", "N1", "CHE", 2)))
    ids = [each["flag_id"] for each in await listed(intake)]
    await intake.forget_outbox()

    answer = await intake.post("ana", "/flags:clear", flag_ids=ids, reason="excused")
    assert sorted(answer["cleared"]) == sorted(ids)
    again = await intake.post("ana", "/flags:clear", flag_ids=ids, reason="mistake")
    assert again["cleared"] == []
    told = await intake.published("flag")
    assert kinds(told) == ["FlagCleared", "FlagCleared"]
    first = told[0]
    assert isinstance(first, FlagCleared)
    assert (first.cleared_reason, first.cleared_by, first.cleared_at, first.sequence) == ("excused", "ana", NOW, 2)
    assert await listed(intake, "&state=open") == []
    assert {each["cleared_reason"] for each in await listed(intake, "&state=cleared")} == {"excused"}

    assert (await intake.call("ana", "POST", f"/flags/{ids[0]}/reopen")).status_code == 204
    assert (await intake.call("ana", "POST", f"/flags/{ids[0]}/reopen")).status_code == 409
    event = (await intake.published("flag.reopened"))[-1]
    assert isinstance(event, FlagReopened)
    assert (event.sequence, event.reopened_by) == (3, "ana")
    assert [each["flag_id"] for each in await listed(intake, "&state=open")] == [ids[0]]


async def test_a_flag_that_stands_again_is_counted_with_the_others(intake: Intake) -> None:
    rows = [flag(f"A{n}", "N1", "BIO" if n else "CHE", n) for n in range(3)]
    cleared = [f"{row},2026-03-02T12:00:00Z" if n == 0 else f"{row}," for n, row in enumerate(rows)]
    file = flag_file(*cleared).replace("raised_at\n", "raised_at,cleared_at\n")
    assert (await intake.send_file(FLAGS, file))["referrals_made"] == 0
    (gone,) = await listed(intake, "&state=cleared")
    assert gone["cleared_reason"] == "source"

    await intake.call("ana", "POST", f"/flags/{gone['flag_id']}/reopen")
    assert len(await intake.published("referral.received")) == 1
    assert {each["rule"] for each in await listed(intake)} == {"threshold"}


async def test_a_source_that_clears_a_flag_later_is_told_as_well(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "BIO", 1)))
    await intake.forget_outbox()
    file = flag_file(flag("A1", "N1", "BIO", 1) + ",2026-03-05T12:00:00Z").replace(
        "raised_at\n", "raised_at,cleared_at\n"
    )
    await intake.send_file(FLAGS, file)
    (event,) = await intake.published("flag")
    assert isinstance(event, FlagCleared)
    assert (event.cleared_reason, event.cleared_by) == ("source", "")


async def test_flags_expire_by_the_campuss_policy_and_a_reopened_one_has_its_time_again(intake: Intake) -> None:
    await intake.know(policy("flags", {"expire_after_days": 30}, campus="NORTH"))
    elsewhere = flag("B1", "S1", "ART", 1, campus="SOUTH")
    await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "BIO", 1), flag("A2", "N2", "BIO", 190), elsewhere))
    await intake.forget_outbox()
    await expire_flags(intake.worker)
    (event,) = await intake.published("flag")
    assert isinstance(event, FlagExpired)
    (expired,) = await listed(intake, "&state=expired")
    assert (expired["flag_id"], expired["cleared_reason"]) == (str(event.flag_id), "expired")

    await intake.call("ana", "POST", f"/flags/{event.flag_id}/reopen")
    await expire_flags(intake.worker)
    assert await listed(intake, "&state=expired") == []
    intake.clock.move(timedelta(days=31))
    await expire_flags(intake.worker)
    assert len(await listed(intake, "&state=expired")) == 2


async def test_flags_are_found_by_course_reason_source_time_and_gravity_and_sorted(intake: Intake) -> None:
    await intake.send_file(
        FLAGS,
        flag_file(
            flag("A1", "N1", "BIO", 1, severity=3),
            flag("A2", "N2", "BIO", 2, reason="ABSENCE", severity=1),
            flag("A3", "N2", "CHE", 3),
        ),
    )

    async def found(query: str) -> list[str]:
        return [f"{each['course']}-{each['severity']}" for each in await listed(intake, query)]

    assert await found("") == ["BIO-3", "BIO-1", "CHE-2"]
    assert await found("&sort=newest") == ["CHE-2", "BIO-1", "BIO-3"]
    assert await found("&course=BIO") == ["BIO-3", "BIO-1"]
    assert await found("&course=BIO&section=BIO-1&term=2026S&reason=ABSENCE") == ["BIO-1"]
    assert await found("&severity=2") == ["BIO-3", "CHE-2"]
    assert await found("&since=2026-03-03T00:00:00Z&until=2026-03-04T00:00:00Z") == ["BIO-1"]
    assert await found("&source=other") == []
    first = (await listed(intake, "&sort=newest"))[0]["flag_id"]
    assert await found(f"&sort=newest&after={first}") == ["BIO-1", "BIO-3"]

    courses = (await intake.get("sam", "/flags/courses?campus=NORTH"))["items"]
    assert [(each["course"], each["flags"], each["open"], each["students"]) for each in courses] == [
        ("BIO", 2, 2, 2),
        ("CHE", 1, 1, 1),
    ]
    rest = (await intake.get("sam", "/flags/courses?campus=NORTH&after=2026S|BIO|BIO-1"))["items"]
    assert [each["course"] for each in rest] == ["CHE"]


async def test_a_list_of_all_flags_is_in_order_of_time_whether_they_are_open_or_over(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [flag(f"A{day}", "N1", "BIO", day) + (",2026-03-30T12:00:00Z" if day % 3 else ",") for day in range(7)]
    await intake.send_file(FLAGS, "\n".join([f"{FLAG_COLUMNS},cleared_at", *rows]) + "\n")
    monkeypatch.setattr(flags_http, "_PAGE", 3)

    async def days(query: str) -> list[int]:
        """Return the days of all pages."""
        found, after = list[int](), ""
        while True:
            page = await intake.get("sam", f"/flags?campus=NORTH{query}{after}")
            found += [datetime.fromisoformat(item["raised_at"]).day for item in page["items"]]
            if page["after"] is None:
                return found
            after = f"&after={page['after']}"

    assert await days("&state=all&sort=newest") == [7, 6, 5, 4, 3, 2, 1]
    assert await days("&state=all&sort=oldest") == [1, 2, 3, 4, 5, 6, 7]
    assert await days("&state=open&sort=oldest") == [1, 4, 7]
    assert await days("&state=cleared&sort=newest") == [6, 5, 3, 2]


async def test_only_who_works_on_the_campus_clears_flags_and_whoever_must_keep_away_does_not(intake: Intake) -> None:
    await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "BIO", 1)))
    (one,) = await listed(intake)
    for who, status in (("fay", 404), ("stu", 404), ("dee", 404), ("fred", 403)):
        answer = await intake.call(who, "POST", "/flags:clear", json={"flag_ids": [one["flag_id"]], "reason": "other"})
        assert answer.status_code == status, (who, answer.text)
    student = str(await intake.student("N1"))
    await intake.know(person("ben", "case_manager", conflicts=(Conflict(student),), sequence=2))
    kept_away = await intake.call("ben", "POST", "/flags:clear", json={"flag_ids": [one["flag_id"]], "reason": "other"})
    assert kept_away.status_code == 404
    absent = await intake.call("ana", "POST", "/flags:clear", json={"flag_ids": [str(UUID(int=3))], "reason": "other"})
    assert absent.status_code == 404
    assert len(await listed(intake, "&state=open")) == 1


async def test_many_flags_expire_some_at_a_look(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clear_flags, "_AT_ONCE", 1)
    monkeypatch.setattr(clear_flags, "_LOOK_AT_MOST", 2)
    await intake.know(policy("flags", {"expire_after_days": 30}))
    rows = [flag(f"A{n}", "N1", "BIO", n) for n in range(1, 4)]
    await intake.send_file(FLAGS, flag_file(*rows, flag("B1", "S1", "ART", 1, campus="SOUTH")))
    left = []
    for _ in range(3):
        await expire_flags(intake.worker)
        left.append(len(await intake.rows("SELECT 1 FROM flags WHERE cleared_at IS NULL")))
    assert left == [2, 0, 0]


async def test_what_a_person_writes_with_a_flag_is_kept_also_where_a_feed_has_raised_it(intake: Intake) -> None:
    day = "2026-03-02T12:00:00+00:00"
    await intake.send_file(FLAGS, flag_file(flag("A1", "N1", "BIO", 1, reason="ABSENCE")))
    assert (await raised(intake, raised_at=day, comment="She has not eaten for days.")).status_code == 201
    student = await intake.student("N1")
    said = [each["comment"] for each in (await intake.get("ana", f"/flags?campus=NORTH&student_id={student}"))["items"]]
    assert "She has not eaten for days." in said


async def test_what_a_further_source_wrote_of_an_alert_is_shown_with_the_flag_and_sealed(intake: Intake) -> None:
    await intake.send_file("/flags/imports?source=grades", flag_file(flag("A1", "N1", "BIO", 1, comment="Late again.")))
    theirs = flag("R1", "N1", "BIO", 1, comment="Her mother is ill.")
    await intake.send_file("/flags/imports?source=registrar", flag_file(theirs))
    student = await intake.student("N1")
    (shown,) = (await intake.get("ana", f"/flags?campus=NORTH&student_id={student}"))["items"]
    assert shown["sources"] == ["grades", "registrar"]
    assert shown["comment"] == "Late again.\n\nregistrar: Her mother is ill."
    (kept,) = await intake.rows("SELECT comment FROM flag_sources")
    assert b"mother" not in kept.comment


async def test_a_flag_of_two_sources_stands_until_each_has_cleared_it_or_a_person_has(intake: Intake) -> None:
    async def bring(source: str, id_: str, cleared: str = "") -> str:
        columns = f"{FLAG_COLUMNS},cleared_at"
        rows = [f"{flag(id_, 'N1', 'BIO', 1)},{cleared}", f"{flag(id_ + 'x', 'N2', 'BIO', 1)},"]
        await intake.send_file(f"/flags/imports?source={source}", "\n".join([columns, *rows, ""]))
        items = (await intake.get("ana", f"/flags?campus=NORTH&student_id={await intake.student('N1')}"))["items"]
        return " ".join([*(f"{each['state']} {each['cleared_at'] or ''}".strip() for each in items)])

    assert await bring("grades", "A1") == "open"
    assert await bring("registrar", "R1") == "open"
    assert await bring("grades", "A1", "2026-03-05T12:00:00Z") == "open"
    assert await bring("grades", "A1", "2026-03-05T12:00:00Z") == "open"
    assert await bring("registrar", "R1", "2026-03-04T12:00:00Z") == "cleared 2026-03-05T12:00:00Z"
    # A third one raises it when the others are done with it: it stands again, and rules count it once.
    await intake.forget_outbox()
    assert await bring("partner", "P1") == "open"
    assert kinds(await intake.published("flag.")) == ["FlagReopened"]
    assert await bring("partner", "P1", "2026-03-06T12:00:00Z") == "cleared 2026-03-06T12:00:00Z"

    (open_,) = (await intake.get("ana", f"/flags?campus=NORTH&student_id={await intake.student('N2')}"))["items"]
    await intake.post("sam", "/flags:clear", flag_ids=[open_["flag_id"]], reason="resolved")
    await bring("fourth", "F1", "2026-03-06T12:00:00Z")
    rows = await intake.rows("SELECT cleared_reason FROM flags ORDER BY cleared_reason")
    assert [row.cleared_reason for row in rows] == ["resolved", "source"]


async def test_a_list_of_flags_looks_past_what_is_hidden_and_its_audit_says_which_it_showed(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags_http, "_PAGE", 1)
    rows = [flag(f"A{n}", student, "BIO", n) for n, student in enumerate(["N1", "N2", "N1", "N1", "N2", "N1"], 1)]
    await intake.send_file(FLAGS, flag_file(*rows))
    await intake.know(person("ben", "case_manager", conflicts=(Conflict(str(await intake.student("N1"))),), sequence=2))
    await intake.forget_outbox()

    first = await intake.get("ben", "/flags?campus=NORTH")
    second = await intake.get("ben", f"/flags?campus=NORTH&after={first['after']}")
    shown = [*first["items"], *second["items"]]
    assert {each["student_id"] for each in shown} == {str(await intake.student("N2"))}
    assert (len(shown), first["after"], second["after"]) == (2, first["items"][0]["flag_id"], None)
    audits = [
        msgspec.json.decode(row.payload, type=AccessDecided)
        for row in await intake.rows("SELECT headers, payload FROM outbox ORDER BY id")
        if AccessDecided.TYPE in row.headers.decode()
    ]
    listed_ids = [id_ for audit in audits if audit.resource_kind == "flag" for id_ in audit.resource_ids]
    assert listed_ids == [each["flag_id"] for each in shown]
