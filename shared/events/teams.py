"""Topic `teams` (compacted): who may read the matter of a case. Key `case:<id>`. Every holder of text keeps it."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from shared.events.base import Snapshot, Topic, catalogue


class Member(msgspec.Struct, frozen=True):
    """Somebody on a care team. `capacity` is owner, cover, member, guest or duty; `until` is exclusive."""

    staff_id: str
    capacity: str
    since: datetime
    until: datetime | None = None


@catalogue.add
class TeamSnapshot(Snapshot, frozen=True, kw_only=True):
    """The team of a case, the referrals that belong to it, and who must not see it whatever else they are."""

    TYPE: ClassVar[str] = "caselight.team.snapshot.v1"
    TOPIC: ClassVar[Topic] = "teams"

    case_id: UUID
    student_id: UUID | None
    family: str
    owner_id: str | None
    members: tuple[Member, ...]
    referrals: tuple[UUID, ...]
    recused: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`case:<id>`."""
        return f"case:{self.case_id}"
