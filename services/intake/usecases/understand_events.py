"""Understand whom events mean: those that say a student's campus number explain those that say another id only."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.intake.domain.decoders.parts import Item, Part, mapping, text
from services.intake.domain.feeds import Feed
from services.intake.storage import lms_ids
from shared.storage.tx import Tx

LONGEST = 64


async def understand(tx: Tx, feed: Feed, items: Sequence[Item]) -> list[Item]:
    """Return the items with the campus number of each student that is known by now. Two statements at most."""
    if feed.kind not in ("canvas", "caliper", "topic"):
        return list(items)
    said = [_student(item) for item in items]
    pairs = {
        each["lms_id"]: each["sis_id"]
        for each in said
        if 0 < len(each["lms_id"]) <= LONGEST and 0 < len(each["sis_id"]) <= LONGEST
    }
    await lms_ids.learn(tx, feed, pairs)
    asked = {each["lms_id"] for each in said if each["lms_id"] and not each["sis_id"]} - pairs.keys()
    known = pairs | await lms_ids.known(tx, feed, asked)
    return [_filled(item, each, known) for item, each in zip(items, said, strict=True)]


def _student(item: Item) -> dict[str, str]:
    student = mapping(item.value.get("student")) if isinstance(item, Part) else {}
    return {name: text(student.get(name)) for name in ("lms_id", "sis_id")}


def _filled(item: Item, said: Mapping[str, str], known: Mapping[str, str]) -> Item:
    number = known.get(said["lms_id"])
    if not isinstance(item, Part) or said["sis_id"] or number is None:
        return item
    student: dict[str, Any] = {**item.value["student"], "sis_id": number}
    return replace(item, value={**item.value, "student": student})
