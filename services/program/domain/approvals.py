"""Changes that need a second person: they are proposed, and come into force when somebody else agrees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from services.program.domain.changes import Change
from services.program.domain.document import Entry, kind_of
from shared.events import Snapshot
from shared.events.program import PolicyEdition, PolicySnapshot
from shared.program.policies import complete
from shared.refusal import Refused

# What decides about people by itself, and so is never one person's to change.
NEEDS_TWO = frozenset({"threshold"})

WAITING, APPROVED, REJECTED, WITHDRAWN, REPLACED = "waiting", "approved", "rejected", "withdrawn", "replaced"
State = Literal["waiting", "approved", "rejected", "withdrawn", "replaced"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that waits for a second person, or did. `base` is the version it was thought of on, 0 for none."""

    proposal_id: UUID
    key: str
    campus: str
    change: Literal["add", "change", "remove"]
    base: int
    before: PolicySnapshot | None
    after: PolicySnapshot
    proposed_by: str
    proposed_at: datetime
    state: str = WAITING
    decided_by: str = ""
    decided_at: datetime | None = None
    reason_code: str = ""

    def says(self, change: Change) -> bool:
        """Whether this proposes a change, whatever the version it would get."""
        return (
            self.base == (change.before.sequence if change.before else 0)
            and self.change == change.change
            and _said(self.after) == _said(change.after)
        )

    def entry(self, now: datetime) -> Entry:
        """Return it as a document says it, with its new editions approved at an instant."""
        if self.change == "remove":
            return Entry((), self.key, None)
        known = self.before.editions if self.before is not None and not self.before.removed else ()
        editions = tuple(each if each in known else approved(each, now) for each in self.after.editions)
        return Entry((), self.key, msgspec.structs.replace(self.after, editions=editions))


def needs_two(change: Change) -> bool:
    """Whether a change takes a second person."""
    return kind_of(change.key) == "policy" and change.key.rsplit(":", 1)[1] in NEEDS_TWO


def parted(changes: Sequence[Change], *, first: bool) -> tuple[list[Change], list[Change]]:
    """Part changes into those to make now and those to propose. In a `first` program there is no second person."""
    if first:
        return list(changes), []
    return [each for each in changes if not needs_two(each)], [each for each in changes if needs_two(each)]


def approve(proposal: Proposal, stored: Snapshot | None, by: str, now: datetime) -> Proposal:
    """Return a proposal approved. Raises Refused to its proposer, and where the program went on since."""
    _still_waits(proposal)
    if by == proposal.proposed_by:
        raise Refused("second_person", "You proposed this. Another administrator has to agree.", status=403)
    if proposal.base != (stored.sequence if stored is not None else 0):
        raise Refused("changed_since", "The policy has changed since this was proposed. Propose it again.")
    return replace(proposal, state=APPROVED, decided_by=by, decided_at=now)


def reject(proposal: Proposal, reason_code: str, by: str, now: datetime) -> Proposal:
    """Return a proposal refused by somebody else, or withdrawn by who made it."""
    _still_waits(proposal)
    state = WITHDRAWN if by == proposal.proposed_by else REJECTED
    return replace(proposal, state=state, decided_by=by, decided_at=now, reason_code=reason_code)


def _still_waits(proposal: Proposal) -> None:
    if proposal.state != WAITING:
        raise Refused("already_decided", f"This was {proposal.state} by {proposal.decided_by}.")


def rolled_back(policy: PolicySnapshot | None, edition: str, key: str, by: str, now: datetime) -> Entry:
    """Return a policy with the values of an edition that was in force before, from now on.

    Two people have agreed to them once, so one may go back to them. Raises Refused for any other edition.
    """
    _, campus, name = key.split(":", 2)
    if name not in NEEDS_TWO:
        raise Refused("not_ruled", "This policy is changed by a document.", status=422, pointer="/body/name")
    editions = policy.editions if policy is not None and not policy.removed else ()
    found = next((each.values for each in editions if each.edition == edition and each.begins <= now), None)
    if edition == "shipped":
        found = complete(name, {})
    if found is None:
        raise Refused("never_in_force", "No such edition has been in force.", status=422, pointer="/body/edition")
    again = PolicyEdition(_unused(edition, editions), now, dict(found), f"back to {edition}, by {by}", now)
    sequence = policy.sequence if policy is not None else 1
    return Entry((), key, PolicySnapshot(campus=campus, name=name, editions=(*editions, again), sequence=sequence))


def _unused(edition: str, editions: Sequence[PolicyEdition]) -> str:
    taken = {each.edition for each in editions}
    stem = edition.partition("-again-")[0][:48]
    return next(name for n in range(1, len(taken) + 2) if (name := f"{stem}-again-{n}") not in taken)


def approved(edition: PolicyEdition, now: datetime) -> PolicyEdition:
    """Return an edition as somebody agreed to it."""
    return msgspec.structs.replace(edition, approved_at=now)


def _said(policy: Snapshot) -> Snapshot:
    return msgspec.structs.replace(policy, sequence=0)
