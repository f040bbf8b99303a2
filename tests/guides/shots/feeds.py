"""Feeds and what they set aside, for their owners."""

from typing import Any

from tests.guides.registry import Shot
from tests.journeys.machines import Machine, add_feed
from tests.journeys.world import World

MAPPING: dict[str, Any] = {
    "mapping": "midterm-grades",
    "brings": "flags",
    "reads": "json",
    "fields": {
        "alert_id": "id",
        "student_id": "student",
        "course_code": "course",
        "reason_code": {"path": "status", "values": {"FAIL": "FAILING", "WARN": "LOW_GRADE"}},
        "raised_at": "at",
    },
}
_made: dict[int, Machine] = {}


async def _feeds(world: World) -> None:
    """Bring in two feeds, one of which has a value that its mapping does not know."""
    if id(world) in _made:
        return
    grades = await add_feed(world, "midterm-grades", MAPPING, name="Midterm grades", owner_id="sam")
    _made[id(world)] = grades
    rows = [
        {
            "id": f"G-{place}",
            "student": "N100002",
            "course": f"CRS{place}",
            "status": status,
            "at": "2026-09-11T15:00:00Z",
        }
        for place, status in enumerate(("FAIL", "WARN", "PROV", "PROV", "PROV"))
    ]
    await grades.deliver(*rows, rows[0] | {"id": "G-9", "at": "yesterday"})
    await add_feed(world, "residence-badges", MAPPING, name="Residence badge entry", owner_id="ben")


async def _aside(world: World) -> str:
    await _feeds(world)
    return f"/feeds/{_made[id(world)].feed_id}/aside?code=a_value_the_mapping_has_no_meaning_for&column=status"


SHOTS = [
    Shot("feeds", "/feeds", "ada", arrange=_feeds, height=900),
    Shot("feed-aside", person="sam", arrange=_aside, height=700),
]
