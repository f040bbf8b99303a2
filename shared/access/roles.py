"""From an identity to an actor: the roles somebody holds now, out of the service's replica of the program."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.access.actors import EVERYWHERE, Actor, Role
from shared.program import load_program

_NO_STAFF = text("SELECT NOT EXISTS (SELECT 1 FROM program_snapshots WHERE key LIKE 'staff:%')")


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
    kind: Literal["person", "service", "link"] = "person",
    authenticated_at: datetime | None = None,
    administrators: Administrators | None = None,
) -> Actor:
    """Return the actor for a subject id with the roles in force at `now`. One statement while the program is the same.

    A service holds no roles. Somebody the program does not know is still a person, and may do what anybody signed in
    may.
    """
    if kind == "service":
        return Actor(kind=kind, id=subject)
    program = await load_program(connection)  # as it is now: a role taken away is gone at once
    person = program.staff.get(subject)
    return Actor(
        kind=kind,
        id=subject,
        roles=program.roles(subject, now) if person else await _first_roles(connection, subject, administrators),
        authenticated_at=authenticated_at,
        clinical=person is not None and person.clinical,
    )


async def _first_roles(
    connection: AsyncConnection, subject: str, administrators: Administrators | None
) -> tuple[Role, ...]:
    if administrators is None or subject not in administrators.subjects:
        return ()
    empty = (await connection.execute(_NO_STAFF)).scalar_one()
    return (Role("administrator", EVERYWHERE),) if empty else ()
