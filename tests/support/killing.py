"""Kills a service at a named point, starts it again, and hands it over running: the test then counts what is left."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from shared.settings import Settings
from tests.support.processes import Served, several, start


@contextlib.asynccontextmanager
async def killed_at(
    point: str, victim: Sequence[str], settings: Settings, folder: Path, *, others: Sequence[Sequence[str]] = ()
) -> AsyncIterator[list[Served]]:
    """Start `others`, then `victim` armed with a crash point; wait for its death there, and start it again unarmed.

    Commands are what follows `python -m`. The work that leads to the point must be waiting already, or be brought by
    the others. A victim that lives on, or dies elsewhere, fails the test.
    """
    async with several([start(command, settings, folder) for command in others]) as served:
        armed = start(victim, settings, folder, crash_at=point)
        served.append(armed)
        await armed.died()
        assert armed.crashed_at == [point], f"it died elsewhere: {armed.log.read_text()[-2000:]}"
        served.append(start(victim, settings, folder))
        yield served
