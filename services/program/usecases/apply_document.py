"""Apply a document: first what it would change, then, if the door allows that, the change itself."""

from collections.abc import Sequence

from services.program.domain.changes import Change, plan
from services.program.domain.document import Entry, State, kind_of
from services.program.storage import programs
from shared.refusal import Refused
from shared.storage.tx import Tx


async def plan_document(tx: Tx, entries: Sequence[Entry]) -> list[Change]:
    """Return what the document changes; nobody else changes the program until the transaction ends.

    Raises DocumentInvalid with every fault. A fixed number of statements, whatever the document's length.
    """
    await programs.lock(tx.connection)
    stored = await programs.load(tx.connection)
    _refuse_late_bootstrap(tx, stored)
    return plan(stored, entries, tx.now)


async def carry_out(tx: Tx, changes: Sequence[Change]) -> None:
    """Store, publish and note the changes. No changes: nothing is published."""
    await programs.save(tx, changes)


def _refuse_late_bootstrap(tx: Tx, stored: State) -> None:
    """Refuse the administrator of the settings once there is staff, also if it came while they waited for the lock."""
    staffed = any(kind_of(key) == "staff" for key in stored)
    if staffed and f"staff:{tx.actor.id}" not in stored:
        raise Refused("forbidden", "The program has staff now; one of its administrators may change it.", status=403)
