"""Read the program as it is."""

from msgspec.structs import replace

from services.program.storage import programs
from shared.access.actions import Action
from shared.access.decision import Resource, decide
from shared.events import Snapshot
from shared.events.program import StaffSnapshot
from shared.storage.tx import Tx


async def read_program(tx: Tx, kind: str, key: str = "") -> list[Snapshot]:
    """Return the snapshots of a kind (all for an empty one) or of one key, in key order, as the actor may see them.

    Which students somebody must not work with is told to that person and to whoever may change it.
    """
    found = await programs.one(tx.connection, key) if key else await programs.read(tx.connection, kind)
    return [_shown(snapshot, tx) for snapshot in found]


def _shown(snapshot: Snapshot, tx: Tx) -> Snapshot:
    if not isinstance(snapshot, StaffSnapshot) or not snapshot.conflicts or snapshot.staff_id == tx.actor.id:
        return snapshot
    may_change = decide(tx.actor, Action.PROGRAM_CHANGE, Resource("program", campus=snapshot.campus), tx.now)
    return snapshot if may_change.allow else replace(snapshot, conflicts=())
