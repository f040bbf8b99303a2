"""Screens of the console that are open while something is measured."""

import secrets
from datetime import timedelta

from services.console.cookies import SESSION
from services.console.site import ITSELF
from services.console.storage import sessions
from shared.clock import SystemClock
from shared.storage.engines import connect
from tests.bench.installation import Installation


async def cookie_of(installation: Installation, *people: str) -> list[str]:
    """Return a session cookie for each person, as if each had signed in just now."""
    clock = SystemClock()
    database = connect(installation.settings, "console", "api", clock, pool=1)
    tokens = [secrets.token_urlsafe(32) for _ in people]
    async with database.transaction(ITSELF) as tx:
        for person, token in zip(people, tokens, strict=True):
            ends = tx.now + timedelta(hours=8)
            await sessions.begin(tx, token, (person, person), authenticated_at=tx.now, ends_at=ends)
    await database.close()
    return [f"{SESSION}={token}" for token in tokens]
