"""What every route of the console shares."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from starlette.requests import HTTPConnection

from services.console.cookies import Cookies
from services.console.counts import Counts
from services.console.live import Hub
from services.console.oidc import Provider
from services.console.owners import Owners
from services.console.programs import Programs
from shared.access.actors import Actor, service_actor
from shared.clock import Clock
from shared.privacy.keys import KeyRing
from shared.settings import Settings
from shared.storage.engines import Database

ITSELF: Actor = service_actor("console")


@dataclass
class Console:
    """One process's side of it. `paths` are those of all pages, so that the menu names none that is not there."""

    settings: Settings
    database: Database
    clock: Clock
    owners: Owners
    programs: Programs
    provider: Provider
    keys: KeyRing
    cookies: Cookies
    hub: Hub
    counts: Counts
    paths: Collection[str] = field(default_factory=frozenset)

    @property
    def idle(self) -> timedelta:
        """How long a session may be left alone."""
        return timedelta(minutes=self.settings.session_idle_minutes)

    @property
    def longest(self) -> timedelta:
        """How long a session lasts at most."""
        return timedelta(hours=self.settings.session_hours)


def console_of(request: HTTPConnection) -> Console:
    """Return the console a request came to."""
    return cast("Console", request.app.state.console)
