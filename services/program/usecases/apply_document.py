"""Apply a document: first what it would change, then, if the door allows that, the change itself, or its proposal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.program.domain.approvals import parted
from services.program.domain.changes import Change, plan
from services.program.domain.document import Entry, State, kind_of
from services.program.storage import programs
from services.program.usecases import propose
from shared.refusal import Refused
from shared.storage.tx import Tx


@dataclass(frozen=True, slots=True)
class Plan:
    """What a document changes: what it changes now, and what a second person has to agree to."""

    changes: Sequence[Change]
    now: Sequence[Change]
    proposed: Sequence[Change]


async def plan_document(tx: Tx, entries: Sequence[Entry], versions: Mapping[str, int] | None = None) -> Plan:
    """Return what the document changes; nobody else changes the program until the transaction ends.

    Raises DocumentInvalid with every fault, and Refused where one of `versions` (by key, 0 for what is new) is no
    longer the present one: the document was written before somebody else's change. A fixed number of statements,
    whatever the document's length.
    """
    await programs.lock(tx.connection)
    stored = await programs.load(tx.connection)
    _refuse_late_bootstrap(tx, stored)
    _refuse_overtaken(stored, versions or {})
    changes = plan(stored, entries, tx.now)
    now, proposed = parted(changes, first=not _staffed(stored))
    return Plan(changes, now, proposed)


async def carry_out(tx: Tx, planned: Plan) -> dict[str, UUID]:
    """Store, publish and note the changes, and propose the others; return the proposals by key.

    No changes: nothing is published. What waits already in the same words is not proposed again.
    """
    await programs.save(tx, planned.now)
    return await propose.propose(tx, planned.proposed)


def _staffed(stored: State) -> bool:
    return any(kind_of(key) == "staff" for key in stored)


def _refuse_overtaken(stored: State, versions: Mapping[str, int]) -> None:
    for key, version in versions.items():
        there = stored.get(key)
        if (0 if there is None or there.removed else there.sequence) != version:
            raise Refused("changed_meanwhile", "Somebody else has changed this in the meantime. Look at it again.")


def _refuse_late_bootstrap(tx: Tx, stored: State) -> None:
    """Refuse the administrator of the settings once there is staff, also if it came while they waited for the lock."""
    if _staffed(stored) and f"staff:{tx.actor.id}" not in stored:
        raise Refused("forbidden", "The program has staff now; one of its administrators may change it.", status=403)
