"""Every operation about who is who, asked once by somebody who may."""

from typing import Any

from tests.journeys.world import World

WORRY = "He has been crying in class."


async def ask_everything(world: World) -> None:
    """Propose, match, take back, merge, undo, find; names and contacts of a student."""
    one, two = [await _student(world, number) for number in await world.students("NORTH", 2)]
    first, second = [
        await world.refer("stu", WORRY, about={"name": f"Student {place}", "course": "BIO 101"}) for place in range(2)
    ]
    await world.get("ana", "intake", "/match-desk?campus=NORTH")
    here, there = f"/referrals/{first['referral_id']}", f"/referrals/{second['referral_id']}"
    await world.get("ana", "intake", f"{here}/candidates")
    await world.post("ana", "intake", f"{here}/candidates:reject", {"student_ids": [two]})
    await world.post("ana", "intake", f"{here}/match:leave", {"reason_code": "ask_referrer"})
    await world.post("ana", "intake", f"{here}/match", {"student_id": one})
    await world.post("ana", "intake", f"{here}/unmatch", {"student_id": one, "reason_code": "wrong_person"})
    await world.post("ana", "intake", f"{there}/match:none", {})
    student = f"/students/{one}"
    for path in (student, f"{student}/referrals", f"{student}/emergency-contacts"):
        await world.get("sam", "intake", path)
    names = await world.post("sam", "intake", f"{student}/names", {"kind": "alias", "value": "Somebody"})
    added = next(each for each in names if each["source"] == "person")
    await _ask(world, "DELETE", f"{student}/names/{added['name_id']}")
    for kind in ("emergency", "missing-person"):
        await _ask(world, "PUT", f"{student}/{kind}-contacts", json={"contacts": [{"name": "Ada"}]})
    await world.get("uma", "intake", f"{student}/missing-person-contacts?reason=welfare_check")
    merged = await world.post("sam", "intake", f"/students/{two}/merges", {"same_as": one, "reason_code": "other"})
    await world.post("sam", "intake", f"/merges/{merged['merge_id']}/undo", {"reason_code": "two_people"})


async def _student(world: World, number: str) -> str:
    found = await world.post("sam", "intake", "/people:find", {"q": number})
    return str(found["people"][0]["student_id"])


async def _ask(world: World, method: str, path: str, **more: Any) -> None:
    answer = await world.call("sam", method, "intake", path, **more)
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
