"""Topic `access`: every decision about a student's record. Key: the audit row's id. The audit store chains these."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.events.base import Event, Topic, catalogue


@catalogue.add
class AccessDecided(Event, frozen=True, kw_only=True):
    """Somebody asked for something and was allowed or denied. A list is one row: its filter and the ids returned."""

    TYPE: ClassVar[str] = "caselight.access.decided.v1"
    TOPIC: ClassVar[Topic] = "access"

    audit_id: UUID
    service: str
    actor_kind: str
    actor_id: str
    action: str
    resource_kind: str
    resource_ids: tuple[str, ...]
    allowed: bool
    basis: str
    filter: str = ""
    decided_at: datetime

    @property
    def key(self) -> str:
        """The audit row's id."""
        return str(self.audit_id)
