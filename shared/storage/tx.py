"""The unit of work: one connection in one transaction, who acts, what time it is, and what will be published."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.access.actors import Actor
from shared.events import Event


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
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    def publish(self, *events: Event) -> None:
        """Say that these facts hold once this transaction commits."""
        self.outgoing.extend(events)
