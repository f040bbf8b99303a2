"""What every route of one service shares, and how a route asks for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from fastapi import Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.access.roles import Administrators
from shared.access.tokens import Verifier
from shared.refusal import Refused
from shared.settings import Settings
from shared.storage.engines import Database

_KNOWN = text("SELECT key FROM program_snapshots WHERE key = ANY (CAST(:keys AS text[]))")

Ready = Callable[[AsyncConnection], Awaitable[bool]]
T = TypeVar("T")


@dataclass
class Site:
    """One service's side of HTTP. `parts` are the objects its routes ask for by type: keys, limiters and the like."""

    service: str
    settings: Settings
    database: Database
    verifier: Verifier
    administrators: Administrators
    ready: Ready | None = None
    parts: Mapping[type, object] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    _was_ready: bool = False

    async def is_ready(self, connection: AsyncConnection) -> bool:
        """Return whether the replicas have been filled. Once true it stays true, and costs no statement."""
        if not self._was_ready:
            self._was_ready = self.ready is None or await self.ready(connection)
        return self._was_ready

    async def unknown(self, connection: AsyncConnection, words: set[str]) -> set[str]:
        """Return which of these are no campus and nobody's id. Costs a statement only for words not met before."""
        new = words - self.known
        if new:
            keys = [f"{kind}:{word}" for word in new for kind in ("campus", "staff")]
            found = (await connection.execute(_KNOWN, {"keys": keys})).scalars()
            self.known |= {key.partition(":")[2] for key in found}
        return new - self.known

    async def require_ready(self, connection: AsyncConnection) -> None:
        """Raise unless the replicas have been filled: an answer from an empty replica would be a wrong one."""
        if not await self.is_ready(connection):
            raise Refused(
                "replica_not_ready",
                "This service is still reading what it needs to know. Try again shortly.",
                status=503,
                retry_after=1,
            )


def site_of(request: Request) -> Site:
    """Return the site a request came to."""
    return cast("Site", request.app.state.site)


def part(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """Return a dependency that hands a route the object of that type from `create_app(parts=[...])`."""

    async def find(request: Request) -> T:  # not to be sent through a thread, which a plain function is
        return cast("T", site_of(request).parts[kind])

    return find
