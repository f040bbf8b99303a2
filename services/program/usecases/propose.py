"""One person proposes a change of a policy that decides about people, another agrees; and the way back."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.program.domain import approvals
from services.program.domain.approvals import REPLACED, Proposal
from services.program.domain.changes import Change, plan
from services.program.storage import programs, proposals
from shared.events.program import PolicySnapshot
from shared.ids import new_id
from shared.refusal import Refused
from shared.storage.tx import Tx


async def propose(tx: Tx, changes: Sequence[Change]) -> dict[str, UUID]:
    """Store changes for a second person to agree to; return the proposals by key.

    One that waits already is left alone where it says the same, and replaced where it says something else.
    """
    if not changes:
        return {}
    waiting = await proposals.waiting(tx.connection, [change.key for change in changes])
    made: dict[str, UUID] = {}
    for change in changes:
        there = waiting.get(change.key)
        if there is not None and there.says(change):
            made[change.key] = there.proposal_id
            continue
        if there is not None:
            gone = replace(there, state=REPLACED, decided_by=tx.actor.id, decided_at=tx.now)
            await proposals.save(tx.connection, gone)
        new = _proposal(tx, change)
        await proposals.store(tx.connection, new)
        made[change.key] = new.proposal_id
    return made


async def approve(tx: Tx, proposal_id: UUID) -> Proposal:
    """Agree to a proposal: it is carried out, and in force from its date, at the earliest from now.

    Raises Refused to who proposed it, and DocumentInvalid where it cannot be any more.
    """
    await programs.lock(tx.connection)
    stored = await programs.load(tx.connection)
    proposal = await locked(tx, proposal_id)
    agreed = approvals.approve(proposal, stored.get(proposal.key), tx.actor.id, tx.now)
    await programs.save(tx, plan(stored, [proposal.entry(tx.now)], tx.now))
    await proposals.save(tx.connection, agreed)
    return agreed


async def reject(tx: Tx, proposal_id: UUID, reason_code: str) -> Proposal:
    """Refuse a proposal, or take back one's own."""
    refused = approvals.reject(await locked(tx, proposal_id), reason_code, tx.actor.id, tx.now)
    await proposals.save(tx.connection, refused)
    return refused


async def plan_back(tx: Tx, key: str, edition: str) -> Sequence[Change]:
    """Return what going back to an edition that was in force changes. Carry it out with `programs.save`."""
    await programs.lock(tx.connection)
    stored = await programs.load(tx.connection)
    before = stored.get(key)
    policy = before if isinstance(before, PolicySnapshot) else None
    return plan(stored, [approvals.rolled_back(policy, edition, key, tx.actor.id, tx.now)], tx.now)


async def locked(tx: Tx, proposal_id: UUID) -> Proposal:
    """Return a proposal, held until the transaction ends."""
    found = await proposals.lock(tx.connection, proposal_id)
    if found is None:
        raise Refused("not_found", "There is no such proposal.", status=404)
    return found


def _proposal(tx: Tx, change: Change) -> Proposal:
    before, after = change.before, change.after
    if not isinstance(after, PolicySnapshot) or not isinstance(before, PolicySnapshot | None):
        raise TypeError(change.key)
    return Proposal(
        proposal_id=new_id(),
        key=change.key,
        campus=after.campus,
        change=change.change,
        base=before.sequence if before is not None else 0,
        before=before,
        after=after,
        proposed_by=tx.actor.id,
        proposed_at=tx.now,
    )
