"""Who acts: a person, a service on the cause of an event or timer, or the bearer of a link."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

EVERYWHERE = "*"
# How the subject of a service begins; no person's may.
SERVICE = "service:"


@dataclass(frozen=True, slots=True)
class Role:
    """A role held on one campus, or on the whole system when `campus` is `*`, between two instants."""

    name: str
    campus: str
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Return whether the role is in force at `at`; the end is exclusive."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever a transaction is done for. `id` is an immutable subject id, never a name or an address."""

    kind: Literal["person", "service", "link"]
    id: str
    roles: tuple[Role, ...] = ()
    authenticated_at: datetime | None = None
    clinical: bool = False

    @property
    def campuses(self) -> frozenset[str]:
        """Campuses on which any role is held. Roles are filtered by date when the actor is made."""
        return frozenset(role.campus for role in self.roles)

    def has(self, name: str, campus: str) -> bool:
        """Return whether the actor holds a role on that campus or on the whole system."""
        return any(role.name == name and role.campus in (campus, EVERYWHERE) for role in self.roles)


def service_actor(name: str) -> Actor:
    """Return the actor for work a service does on an event or a timer."""
    return Actor(kind="service", id=f"{SERVICE}{name}")
