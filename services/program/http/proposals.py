"""Routes for what takes two: the proposals that wait, agreeing, refusing, and going back."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import Field

from services.program.domain.approvals import Proposal
from services.program.domain.changes import campuses_touched
from services.program.domain.document import SYSTEM, DocumentInvalid, campuses_of_all
from services.program.http.models import ChangeOut, Model, PolicyOut, Where, Word
from services.program.storage import programs, proposals
from services.program.usecases import propose
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.events import Snapshot
from shared.web.gate import Door, SignedIn
from shared.web.listing import Listing

router = APIRouter(tags=["program"])

_PAGE = 100
_KIND = "proposal"


class RejectIn(Model):
    """Why a proposal is refused or taken back, in a code."""

    reason_code: Word


class BackIn(Model):
    """Which edition a policy goes back to: one that was in force, or `shipped`."""

    campus: Where
    name: Literal["threshold"]
    edition: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class ProposalOut(Model):
    """A change that waits for a second person, or did: the policy as it was thought of, and as it would be."""

    proposal_id: UUID
    campus: str
    name: str
    change: Literal["add", "change", "remove"]
    before: PolicyOut | None
    after: PolicyOut | None
    proposed_by: str
    proposed_at: datetime
    state: Literal["waiting", "approved", "rejected", "withdrawn", "replaced"]
    decided_by: str
    decided_at: datetime | None
    reason_code: str


@router.get("/proposals")
async def list_proposals(
    gate: SignedIn,
    campus: Annotated[Where | None, Query()] = None,
    state: Literal["waiting", "approved", "rejected", "withdrawn", "replaced"] | None = None,
    after: UUID | None = None,
) -> Listing[ProposalOut]:
    """Show changes that took or take two people, the newest first."""
    async with gate.begin() as door:
        await door.allow(Action.PROGRAM_READ, Resource("program", campus=campus or SYSTEM), filter=f"state={state}")
        found = await proposals.page(door.connection, campus=campus, state=state, after=after, count=_PAGE)
    items = [_shown(each) for each in found]
    return Listing(items=items, after=found[-1].proposal_id if len(found) == _PAGE else None)


@router.post("/proposals/{proposal_id}/approve")
async def approve(proposal_id: UUID, gate: SignedIn) -> ProposalOut:
    """Agree to what somebody else proposed: it is in force from its date, at the earliest from now."""
    async with gate.begin() as door:
        await _allow(door, proposal_id)
        try:
            agreed = await propose.approve(door, proposal_id)
        except DocumentInvalid as invalid:
            raise _invalid(invalid) from invalid
    return _shown(agreed)


@router.post("/proposals/{proposal_id}/reject")
async def reject(proposal_id: UUID, body: RejectIn, gate: SignedIn) -> ProposalOut:
    """Refuse a proposal; who made it takes it back so."""
    async with gate.begin() as door:
        await _allow(door, proposal_id)
        return _shown(await propose.reject(door, proposal_id, body.reason_code))


@router.post("/policies:roll-back")
async def roll_back(body: BackIn, gate: SignedIn) -> ChangeOut:
    """Put an edition that was in force before in force again, at once. One person may: two have agreed to it once."""
    key = f"policy:{body.campus}:{body.name}"
    async with gate.begin() as door:
        await door.allow(Action.PROGRAM_CHANGE, Resource("program", campus=body.campus), ids=[key])
        try:
            changes = await propose.plan_back(door, key, body.edition)
        except DocumentInvalid as invalid:
            raise _invalid(invalid) from invalid
        for campus in sorted(campuses_touched(changes) - {body.campus}):
            await door.allow(Action.PROGRAM_CHANGE, Resource("program", campus=campus), ids=[key])
        await programs.save(door, changes)
    (change,) = changes
    return ChangeOut(key=change.key, kind="policy", change=change.change, fields=list(change.fields))


async def _allow(door: Door, proposal_id: UUID) -> None:
    # Not held here: whoever changes the program holds all of it first, and a proposal after that.
    proposal = await proposals.find(door.connection, proposal_id)
    if proposal is None:
        await door.absent(Action.PROGRAM_APPROVE, _KIND, str(proposal_id))
    for campus in sorted(campuses_of_all([proposal.before, proposal.after])):
        await door.allow(Action.PROGRAM_APPROVE, Resource("program", campus=campus), ids=[str(proposal_id)])


def _shown(proposal: Proposal) -> ProposalOut:
    return ProposalOut(
        proposal_id=proposal.proposal_id,
        campus=proposal.campus,
        name=proposal.after.name,
        change=proposal.change,
        before=_policy(proposal.before),
        after=_policy(proposal.after) if proposal.change != "remove" else None,
        proposed_by=proposal.proposed_by,
        proposed_at=proposal.proposed_at,
        state=proposal.state,
        decided_by=proposal.decided_by,
        decided_at=proposal.decided_at,
        reason_code=proposal.reason_code,
    )


def _policy(snapshot: Snapshot | None) -> PolicyOut | None:
    if snapshot is None or snapshot.removed:
        return None
    said: dict[str, Any] = msgspec.to_builtins(snapshot)
    known = {field: value for field, value in said.items() if field in PolicyOut.model_fields}
    return PolicyOut.model_validate({**known, "version": snapshot.sequence})


def _invalid(invalid: DocumentInvalid) -> RequestValidationError:
    return RequestValidationError(
        [{"type": "document", "loc": ("body", *fault.place), "msg": fault.detail} for fault in invalid.faults]
    )
