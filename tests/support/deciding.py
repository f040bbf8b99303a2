"""A campus where people decide about everything, danger too, so that it waits on the triage desk."""

from typing import Any

from sqlalchemy import text

from shared.access.actors import service_actor
from shared.storage.engines import connect
from tests.journeys.world import World
from tests.support.eventually import eventually

_NO_RULES: dict[str, Any] = {
    "policies": [
        {
            "campus": "NORTH",
            "name": "triage",
            "editions": [
                {"edition": "people-decide", "effective_from": "2026-01-01T00:00:00Z", "values": {"rules": []}},
            ],
        }
    ]
}


_HEARD = text(
    "SELECT EXISTS (SELECT 1 FROM program_snapshots WHERE position(convert_to('people-decide', 'UTF8') IN body) > 0)"
)


async def people_decide(world: World) -> None:
    """Take the rules of NORTH away, and wait until intake has heard of it. Once for a world."""
    if getattr(world, "people_decide", False):
        return
    await world.post("ada", "program", "/program:apply", {"document": _NO_RULES})

    database = connect(world.settings, "intake", "worker", world.clock, pool=1)

    async def heard() -> bool:
        async with database.transaction(service_actor("intake")) as tx:
            return bool((await tx.connection.execute(_HEARD)).scalar_one())

    await eventually(heard)
    await database.close()
    world.people_decide = True  # type: ignore[attr-defined]


async def waiting(world: World, words: str, **more: Any) -> dict[str, Any]:
    """Return a referral about a known student, undecided."""
    (student,) = await world.students("NORTH", 1)
    given = {"about": {"student_id": student}, "concerns": ["mood"], "source_kind": "peer"} | more
    return await world.refer("fay", words, **given)
