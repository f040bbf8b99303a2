"""From an identity to an actor: the roles somebody holds now, out of the service's replica of the program."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.access.actors import EVERYWHERE, Actor, Role
from shared.events.program import StaffSnapshot

# One row by its key, whatever the size of the program, and always the present one: a role taken away is gone at once.
_STAFF = text("SELECT body FROM program_snapshots WHERE key = :key AND status <> 'removed'")
_NO_STAFF = text("SELECT NOT EXISTS (SELECT 1 FROM program_snapshots WHERE key LIKE 'staff:%')")

_decoder = msgspec.json.Decoder(StaffSnapshot)


@dataclass(frozen=True, slots=True)
class Administrators:
    """Subjects that may set up the program while it has no staff (`settings.administrators`)."""

    subjects: frozenset[str]

    @classmethod
    def named(cls, setting: str) -> "Administrators":
        """Read the setting: subject ids with commas or spaces between them."""
        return cls(frozenset(setting.replace(",", " ").split()))


async def actor_of(
    connection: AsyncConnection,
    subject: str,
    now: datetime,
    *,
    kind: Literal["person", "link"] = "person",
    authenticated_at: datetime | None = None,
    administrators: Administrators | None = None,
) -> Actor:
    """Return the actor for a subject id with the roles in force at `now`. One statement; two for an administrator.

    Somebody the program does not know is still a person, and may do what anybody signed in may.
    """
    body = (await connection.execute(_STAFF, {"key": f"staff:{subject}"})).scalar_one_or_none()
    if body is None:
        roles = await _first_roles(connection, subject, administrators)
        return Actor(kind=kind, id=subject, roles=roles, authenticated_at=authenticated_at)
    staff = _decoder.decode(body)
    held = (Role(role.name, role.campus, role.since, role.until) for role in staff.roles)
    return Actor(
        kind=kind,
        id=subject,
        roles=tuple(role for role in held if role.holds(now)),
        authenticated_at=authenticated_at,
        clinical=staff.clinical,
    )


async def _first_roles(
    connection: AsyncConnection, subject: str, administrators: Administrators | None
) -> tuple[Role, ...]:
    if administrators is None or subject not in administrators.subjects:
        return ()
    empty = (await connection.execute(_NO_STAFF)).scalar_one()
    return (Role("administrator", EVERYWHERE),) if empty else ()
