"""What machines send: two feeds with one alert, a format that changes overnight, a token that is exchanged."""

import asyncio
from typing import Any

from tests.journeys.machines import add_feed, drop
from tests.journeys.world import World

PARTNER: dict[str, Any] = {
    "mapping": "partner",
    "brings": "flags",
    "reads": "json",
    "fields": {
        "alert_id": "id",
        "student_id": "student",
        "course_code": "course",
        "reason_code": {"path": "reason", "values": {"absent": "ABSENCE", "late": "LATE_WORK"}},
        "raised_at": "at",
    },
}
SHEET: dict[str, Any] = {
    "mapping": "registrar",
    "brings": "flags",
    "reads": "csv",
    "fields": {
        "alert_id": "Alert",
        "student_id": "Student ID",
        "course_code": "Course",
        "reason_code": {"column": "Reason", "values": {"Absences": "ABSENCE", "Late work": "LATE_WORK"}},
        "raised_at": {"column": "Date", "format": "%m/%d/%Y"},
    },
}


def alert(id_: str, student: str, **more: Any) -> dict[str, Any]:
    """Return an alert as the partner writes it."""
    said = {"id": id_, "student": student, "course": "BIO101", "reason": "absent", "at": "2026-09-10T15:00:00Z"}
    return said | more


async def test_the_same_alert_from_two_feeds_is_one_flag(world: World) -> None:
    (student,) = await world.students("NORTH", 1)
    partner = await add_feed(world, "attendance-app", PARTNER)
    await add_feed(world, "registrar-sheet", SHEET, kind="file_drop")

    assert await partner.deliver(alert("A-1", student), alert("A-2", student, course="CHEM2")) == ["accepted"] * 2
    sheet = f"Alert,Student ID,Course,Reason,Date\nR-77,{student},BIO101,Absences,09/10/2026\n"
    sheet += f"R-78,{student},BIO101,Late work,09/10/2026\n"
    assert await drop(world, "registrar-sheet", "monday.csv", sheet) == "processed"

    flags = (await world.get("ana", "intake", "/flags?campus=NORTH"))["items"]
    about = sorted((flag["course"], flag["reason_code"], flag["source"], flag["sources"]) for flag in flags)
    assert about == [
        ("BIO101", "ABSENCE", "attendance-app", ["attendance-app", "registrar-sheet"]),
        ("BIO101", "LATE_WORK", "registrar-sheet", ["registrar-sheet"]),
        ("CHEM2", "ABSENCE", "attendance-app", ["attendance-app"]),
    ]
    # Whichever of them sends it again, and another day is another alert.
    assert await partner.deliver(alert("A-1", student)) == ["unchanged"]
    assert await partner.deliver(alert("A-3", student, at="2026-09-11T15:00:00Z")) == ["accepted"]
    assert await drop(world, "registrar-sheet", "tuesday.csv", sheet.replace("R-78", "R-79")) == "processed"
    assert len((await world.get("ana", "intake", "/flags?campus=NORTH"))["items"]) == 5


async def test_a_changed_file_format_is_quarantined_mended_and_replayed(world: World) -> None:
    students = await world.students("NORTH", 4)
    feed = await add_feed(world, "nightly", SHEET, kind="file_drop")
    path = f"/feeds/{feed.feed_id}"

    # Overnight the registrar renames a column, and there is a new value; one row was typed badly by hand.
    rows = [f"N-{place},{number},CS10,Absences,09/11/2026" for place, number in enumerate(students[:2])]
    rows += [f"N-2,{students[2]},CS10,Work not in,09/11/2026", f"N-3,{students[3]},CS10,Absences,yesterday"]
    changed = "\n".join(["Alert,SIS Number,Course,Reason,Date", *rows, ""])
    assert await drop(world, "nightly", "friday.csv", changed) == "processed"
    (group,) = (await world.get("ben", "intake", f"{path}/quarantine"))["items"]
    assert (group["items"], group["column"], group["reason"]) == (4, "Student ID", "the column is not in the file")

    # The owner mends the mapping, sees on one of the rows that it reads, and puts it in use.
    items = (await world.get("ben", "intake", f"{path}/quarantine/items"))["items"]
    shown = await world.get("ben", "intake", f"{path}/quarantine/items/{items[0]['item_id']}")
    assert shown["raw"].splitlines()[1] == rows[0]
    mended = {**SHEET, "fields": {**SHEET["fields"], "student_id": {"column": ["Student ID", "SIS Number"]}}}
    tried = await world.post(
        "ben", "intake", f"{path}/mappings/try", {"document": mended, "sample": changed, "dry_run": True}
    )
    assert (tried["counts"]["accepted"], tried["counts"]["quarantined"]) == (2, 2)
    version = (await world.post("ada", "intake", f"{path}/mappings", {"document": mended}))["version"]
    await world.post("ada", "intake", f"{path}/mappings/{version}/activate", {})

    # What can be read now is taken in; the others wait for what is wrong with them alone.
    done = await world.post("ben", "intake", f"{path}/quarantine/replay", {})
    assert (done["done"], done["still"]) == (2, 2)
    groups = {group["column"]: group for group in (await world.get("ben", "intake", f"{path}/quarantine"))["items"]}
    assert set(groups) == {"Reason", "Date"}
    by_place = {item["place"]: item for item in items}
    bad = by_place["line 5"]["item_id"]
    await world.post(
        "ben", "intake", f"{path}/quarantine/items/{bad}/mend",
        {"raw": f"Alert,SIS Number,Course,Reason,Date\nN-3,{students[3]},CS10,Absences,09/11/2026\n"},
    )  # fmt: skip
    done = await world.post("ben", "intake", f"{path}/quarantine/replay", {"item_ids": [bad]})
    assert (done["done"], done["still"]) == (1, 0)
    group = groups["Reason"]
    why = {"code": group["code"], "column": group["column"], "reason": "The registrar took the value back."}
    assert (await world.post("ben", "intake", f"{path}/quarantine/discard", why))["done"] == 1

    assert (await world.get("ben", "intake", f"{path}/quarantine"))["items"] == []
    nightly = [
        flag for flag in (await world.listing("ana", "intake", "/flags?campus=NORTH")) if flag["source"] == "nightly"
    ]
    assert len(nightly) == 3
    # The same file again, read by the new mapping, changes nothing that is there.
    assert await drop(world, "nightly", "again.csv", changed) == "processed"
    newest = (await world.get("ben", "intake", f"{path}/deliveries"))["items"][0]
    assert (newest["mapping_version"], newest["accepted"], newest["unchanged"]) == (version, 0, 2)


async def test_a_rotated_token_loses_no_delivery(world: World) -> None:
    (student,) = await world.students("NORTH", 1)
    machine = await add_feed(world, "rotating", PARTNER)
    path = f"/feeds/{machine.feed_id}"
    sent, old = 0, machine.secret

    async def send_some() -> None:
        nonlocal sent
        for _ in range(3):
            at = f"2026-09-{1 + sent:02d}T12:00:00Z"
            assert await machine.deliver(alert(f"T-{sent}", student, at=at)) == ["accepted"]
            sent += 1
            await asyncio.sleep(0)

    async def rotate() -> dict[str, Any]:
        return dict(await world.post("ada", "intake", f"{path}/tokens", {"overlap_hours": 2}))

    # The sender goes on with the old token while a new one is made, and changes over when it gets round to it.
    _, new = await asyncio.gather(send_some(), rotate())
    await send_some()
    refused = await world.call("ada", "POST", "intake", f"{path}/tokens", json={"overlap_hours": 2})
    assert refused.json()["type"].endswith("two_tokens")
    machine.secret = new["secret"]
    await send_some()
    machine.secret = old
    await send_some()

    await world.pass_time(hours=2, minutes=1)
    machine.secret = old
    answer = await machine.send(alert("T-late", student))
    assert answer.status_code == 401
    assert answer.json()["type"].endswith("wrong_signature")
    machine.secret = new["secret"]
    await send_some()
    found = [
        flag for flag in await world.listing("ana", "intake", "/flags?campus=NORTH") if flag["source"] == "rotating"
    ]
    assert len(found) == sent == 15
