"""`/dead-letters`: what a service could not handle, for operators to look at, try again, or give up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.decision import Resource
from shared.messaging import dead_letters
from shared.messaging.dead_letters import State
from shared.web.gate import SignedIn
from shared.web.listing import Listing

router = APIRouter(prefix="/dead-letters", tags=["operation"])

_KIND = "dead_letter"
_MOST = 500


class Letter(BaseModel):
    """One dead letter, without its contents."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    consumer: str
    topic: str
    partition: int
    offset: int
    key: str
    event_type: str
    event_id: str
    error_class: str
    error_place: str
    attempts: int
    waiting_behind: UUID | None
    state: str
    state_reason: str
    retry_asked: bool
    recorded_at: datetime
    decided_at: datetime | None
    decided_by: str | None


class Opened(BaseModel):
    """A dead letter with its headers and value as they arrived."""

    letter: Letter
    headers: dict[str, str]
    payload: str


class Retry(BaseModel, extra="forbid"):
    """Which to try again."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=_MOST)]


class Discard(BaseModel, extra="forbid"):
    """Which to give up for good, and why, as a code."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=_MOST)]
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Done(BaseModel):
    """How many were changed."""

    changed: int


@router.get("")
async def list_(
    gate: SignedIn,
    consumer: Annotated[str, Query(max_length=100)] = "",
    state: Annotated[list[State] | None, Query()] = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
) -> Listing[Letter]:
    """List dead letters, those that wait for somebody unless `state` says otherwise."""
    async with gate.begin() as door:
        await door.allow(Action.DEAD_LETTERS_LIST, Resource(_KIND, campus=EVERYWHERE), filter=f"consumer={consumer}")
        states: list[State] = state or ["dead", "waiting"]
        found = await dead_letters.list_(door, consumer=consumer, states=states, after=after, limit=limit)
        letters = [Letter.model_validate(letter) for letter in found]
        return Listing(items=letters, after=letters[-1].id if len(letters) == limit else None)


@router.get("/{letter_id}")
async def show(gate: SignedIn, letter_id: UUID) -> Opened:
    """Show one with its headers and value: ids and codes, since no text travels."""
    async with gate.begin() as door:
        await door.allow(Action.DEAD_LETTERS_SHOW, _some([letter_id]))
        found = await dead_letters.show(door, letter_id)
        if found is None:
            await door.absent(Action.DEAD_LETTERS_SHOW, _KIND, str(letter_id))
        return Opened(letter=Letter.model_validate(found.letter), headers=found.headers, payload=found.payload)


@router.post(":retry")
async def retry(gate: SignedIn, wanted: Retry) -> Done:
    """Ask the worker to try these again, and then what waits behind them. Asking twice is asking once."""
    async with gate.begin() as door:
        await door.allow(Action.DEAD_LETTERS_RETRY, _some(wanted.ids), ids=[str(id_) for id_ in wanted.ids])
        return Done(changed=await dead_letters.retry(door, wanted.ids))


@router.post(":discard")
async def discard(gate: SignedIn, unwanted: Discard) -> Done:
    """Give these up for good; what waits behind them goes on."""
    async with gate.begin() as door:
        await door.allow(
            Action.DEAD_LETTERS_DISCARD,
            _some(unwanted.ids),
            ids=[str(id_) for id_ in unwanted.ids],
            filter=f"reason={unwanted.reason}",
        )
        return Done(changed=await dead_letters.discard(door, unwanted.ids, unwanted.reason))


def _some(ids: Sequence[UUID]) -> Resource:
    return Resource(_KIND, id=str(ids[0]) if len(ids) == 1 else "", campus=EVERYWHERE)
