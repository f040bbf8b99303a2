"""Who is on a team besides the owner. A grant that came before its case waits here for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.teams import Member

DUTY = "duty"


@dataclass(frozen=True, slots=True)
class Grant:
    """Somebody who took a page: let in on the matter of a referral or a case until `until`. Its id is the page's."""

    page_id: UUID
    campus: str
    sensitivity: str
    referral_id: UUID | None
    case_id: UUID | None
    staff_id: str
    since: datetime
    until: datetime

    @property
    def member(self) -> Member:
        """The same, as a member of a team."""
        return Member(staff_id=self.staff_id, capacity=DUTY, since=self.since, until=self.until)


_ADD = text(
    """
    INSERT INTO team_members (member_id, campus, sensitivity, case_id, referral_id, staff_id, capacity, since, until)
    SELECT member_id, campus, sensitivity, case_id, referral_id, staff_id, 'duty', since, until
    FROM unnest(CAST(:pages AS uuid[]), CAST(:campuses AS text[]), CAST(:sensitivities AS text[]),
                CAST(:cases AS uuid[]), CAST(:referrals AS uuid[]), CAST(:staff AS text[]),
                CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
         AS row(member_id, campus, sensitivity, case_id, referral_id, staff_id, since, until)
    ORDER BY member_id
    ON CONFLICT DO NOTHING
    RETURNING member_id
    """
)
_WAITING = text(
    "SELECT referral_id FROM team_members WHERE referral_id = ANY (CAST(:referrals AS uuid[])) AND case_id IS NULL"
)
_PLACE = text(
    """
    UPDATE team_members AS m SET case_id = row.case_id, campus = row.campus, sensitivity = row.sensitivity
    FROM unnest(CAST(:referrals AS uuid[]), CAST(:cases AS uuid[]), CAST(:campuses AS text[]),
                CAST(:sensitivities AS text[])) AS row(referral_id, case_id, campus, sensitivity)
    WHERE m.referral_id = row.referral_id AND m.case_id IS NULL
    RETURNING m.case_id, m.staff_id, m.capacity, m.since, m.until
    """
)
_MOVE = text("UPDATE team_members SET case_id = :kept WHERE case_id = :gone")


async def add(connection: AsyncConnection, grants: Sequence[Grant]) -> set[UUID]:
    """Store grants and return the pages that were not known yet: each lets somebody in once."""
    found = await connection.execute(
        _ADD,
        {
            "pages": [grant.page_id for grant in grants],
            "campuses": [grant.campus for grant in grants],
            "sensitivities": [grant.sensitivity for grant in grants],
            "cases": [grant.case_id for grant in grants],
            "referrals": [grant.referral_id for grant in grants],
            "staff": [grant.staff_id for grant in grants],
            "since": [grant.since for grant in grants],
            "until": [grant.until for grant in grants],
        },
    )
    return set(found.scalars())


async def place(connection: AsyncConnection, placed: Mapping[UUID, tuple[UUID, str, str]]) -> list[tuple[UUID, Member]]:
    """Give grants that waited for these referrals their case (id, campus, sensitivity); return who was let in where."""
    waiting = set((await connection.execute(_WAITING, {"referrals": list(placed)})).scalars())
    if not waiting:
        return []
    values = [placed[referral_id] for referral_id in waiting]
    found = await connection.execute(
        _PLACE,
        {
            "referrals": list(waiting),
            "cases": [case_id for case_id, _, _ in values],
            "campuses": [campus for _, campus, _ in values],
            "sensitivities": [sensitivity for _, _, sensitivity in values],
        },
    )
    return [
        (row.case_id, Member(staff_id=row.staff_id, capacity=row.capacity, since=row.since, until=row.until))
        for row in found
    ]


async def move(connection: AsyncConnection, *, gone: UUID, kept: UUID) -> None:
    """Let the members of one case belong to another."""
    await connection.execute(_MOVE, {"gone": gone, "kept": kept})
