"""The program as the console knows it: asked for in its own name, kept ten seconds, longer while program is away."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from services.console.owners import Asker, Owners
from shared.events import Snapshot
from shared.events.program import CampusSnapshot, PolicySnapshot, RotaSnapshot, StaffSnapshot
from shared.program import Program
from shared.telemetry import counters, logger

_log = logger("programs")

KEPT_S = 10.0
ITSELF = Asker("service:console")
_KINDS: dict[str, type[Snapshot]] = {
    "campuses": CampusSnapshot,
    "staff": StaffSnapshot,
    "rotas": RotaSnapshot,
    "policies": PolicySnapshot,
}


class Programs:
    """One copy for the process. Nobody's conflicts are in it: the console asks as somebody who has none."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self._known = Program()
        self._watchers: frozenset[str] = frozenset()
        self._until = float("-inf")
        self._one = asyncio.Lock()

    def forget(self) -> None:
        """Ask anew at the next look: somebody changed it here."""
        self._until = float("-inf")

    async def get(self) -> Program:
        """Return the program, at most ten seconds old unless its service is away."""
        if time.monotonic() < self._until:
            return self._known
        async with self._one:
            if time.monotonic() >= self._until:
                await self._look()
        return self._known

    async def watchers(self) -> frozenset[str]:
        """Return whom pages may call wherever they work: everybody on a rota, and who covers for somebody."""
        await self.get()
        return self._watchers

    async def _look(self) -> None:
        answer = await self._owners.ask(ITSELF, "program", "/program")
        if answer.ok:
            self._known = Program(_snapshots(answer.json))
            self._watchers = frozenset(_called(answer.json))
        else:
            counters["programs_stale"] += 1
            _log.warning("the program could not be read, the last one known is used")
        self._until = time.monotonic() + (KEPT_S if answer.ok else KEPT_S / 10)


def _called(said: Mapping[str, Any]) -> Iterator[str]:
    for rota in said.get("rotas", ()):
        yield from (shift["staff_id"] for shift in (*rota["weekly"], *rota["overrides"]))
    for person in said.get("staff", ()):
        yield from (absence["cover_id"] for absence in person["absences"] if absence["cover_id"])


def _snapshots(said: Mapping[str, Any]) -> Iterator[Snapshot]:
    for section, kind in _KINDS.items():
        for thing in said.get(section, ()):
            yield msgspec.convert(_as_said(thing), kind, strict=False)


def _as_said(thing: Mapping[str, Any]) -> dict[str, Any]:
    """Return a thing as its snapshot has it: an edition that nobody had to approve says nothing of approval."""
    editions = [
        {name: value for name, value in each.items() if name != "approved_at" or value is not None}
        for each in thing.get("editions", ())
    ]
    return {**thing, "editions": editions} if editions else dict(thing)
