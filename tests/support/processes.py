"""Services as processes of their own, so that a test can kill -9 them, and arm the points they die at by themselves."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.settings import Settings
from tests.support.eventually import eventually

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Served:
    """A running process of ours. `crash_log` gets the name of a crash point when the process dies there."""

    process: "subprocess.Popen[bytes]"
    log: Path
    crash_log: Path

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    @property
    def crashed_at(self) -> list[str]:
        """Names of the crash points it reached."""
        return self.crash_log.read_text().split() if self.crash_log.exists() else []

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    async def stop(self, *, within: float = 25.0) -> None:
        """Ask it to end, and wait; kill it when it does not."""
        if self.alive:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(AssertionError):
                await eventually(lambda: not self.alive, within=within)
        if self.alive:
            self.kill()

    async def died(self, *, within: float = 20.0) -> None:
        """Wait until it has died by itself; fails when it lives on."""
        await eventually(lambda: not self.alive, within=within, why=f"process dies (log: {self.log})")


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables by which another process gets the same settings."""
    own = {f"CASELIGHT_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()}
    return {**os.environ, **own, "PYTHONPATH": str(ROOT)}


def start(
    command: Sequence[str], settings: Settings, folder: Path, *, crash_at: str = "", more: Mapping[str, str] = {}
) -> Served:
    """Start `python -m <command>` with these settings, to die at a crash point if one is named."""
    number = len(list(folder.glob("*.log")))
    log, crash_log = folder / f"{number}-{command[-1]}.log", folder / f"{number}-{command[-1]}.crashes"
    armed = {"CASELIGHT_CRASH_AT": crash_at, "CASELIGHT_CRASH_LOG": str(crash_log)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment(settings) | armed | dict(more),
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Served(process, log, crash_log)


@contextlib.asynccontextmanager
async def several(served: Sequence[Served]) -> AsyncIterator[list[Served]]:
    """Stop whatever is in the list when the block ends; a test may add to it."""
    these = list(served)
    try:
        yield these
    finally:
        await asyncio.gather(*[each.stop() for each in these])
