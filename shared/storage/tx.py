"""The unit of work: one connection in one transaction, who acts, what time it is, and what will be published."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.access.actors import Actor
from shared.events import Event
from shared.ids import new_ids

T = TypeVar("T")
# Events as the outbox stores them, column by column; and what makes them of events and as many ids.
Encoded = Mapping[str, Any]
Encode = Callable[[Sequence[Event], Sequence[UUID]], Encoded]


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a service act: an event or a timer. `republished` marks a snapshot sent again for bootstrapping."""

    id: UUID
    kind: str
    republished: bool = False


@dataclass
class Tx:
    """A unit of work. The door that opened it commits it; a use case never does.

    Events given to `publish` are stored in the outbox within the same transaction, in the order given.
    """

    connection: AsyncConnection
    actor: Actor
    now: datetime
    service: str
    cause: Cause | None = None
    outgoing: list[Event] = field(default_factory=list)
    # Those given to `publish_beside`, and what encodes them; without it they wait with the others.
    encoded: list[Encoded] = field(default_factory=list)
    encode: Encode | None = None
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    def publish(self, *events: Event) -> None:
        """Say that these facts hold once this transaction commits."""
        self.outgoing.extend(events)

    async def publish_beside(self, work: Awaitable[T], events: Sequence[Event]) -> T:
        """Publish many events after those given so far, made ready in a thread while the database does `work`."""
        self.publish(*events)
        if self.encode is None or not events:
            return await work
        these = list(self.outgoing)
        self.outgoing.clear()
        # A task of its own begins when this one waits: the statement is on its way by then.
        encoding = asyncio.create_task(asyncio.to_thread(self.encode, these, new_ids(len(these))))
        done = await work
        self.encoded.append(await encoding)
        return done
