"""The numbers beside the menu: how much waits. A page never waits for them longer than a moment.

Pages that nobody has accepted are counted for whoever's job they are; other numbers are what their list last showed
this person (`visit.count("/triage", 23)`), so that a number never says more than the list does.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping

from services.console.owners import Asker, Owners
from shared.web.gate import LIVE, USE_HEADER

PAGES = "/pages"
WAITS = ("notifying", "unreached_owned")
KEPT_S = 600.0
FRESH_S = 10.0
PATIENCE_S = 0.15
_MOST = 5000


class Counts:
    """What was last counted, by person and campus. One for the process."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self._known: OrderedDict[tuple[str, str, str], tuple[float, int]] = OrderedDict()
        self._counting: dict[tuple[str, str], asyncio.Task[None]] = {}

    def known(self, person_id: str, campus: str) -> dict[str, int]:
        """Return the numbers last counted for somebody, by the path they stand beside."""
        since = time.monotonic() - KEPT_S
        return {
            path: number
            for (person, where, path), (at, number) in self._known.items()
            if person == person_id and where == campus and at > since
        }

    def keep(self, person_id: str, campus: str, numbers: Mapping[str, int]) -> None:
        """Remember numbers; the oldest of too many are forgotten."""
        for path, number in numbers.items():
            self._known[person_id, campus, path] = (time.monotonic(), number)
            self._known.move_to_end((person_id, campus, path))
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def forget(self, person_id: str, campus: str, path: str) -> None:
        """Count anew for the next page: what was counted has just been changed by this person."""
        self._known.pop((person_id, campus, path), None)

    async def refresh(self, asker: Asker, campus: str, *, now: bool) -> None:
        """Count pages anew, unless that was done a moment ago (`now`: all the same). Return soon, counted or not."""
        at, _ = self._known.get((asker.subject, campus, PAGES), (float("-inf"), 0))
        if not now and time.monotonic() < at + FRESH_S:
            return
        who = (asker.subject, campus)
        task = self._counting.get(who)
        if task is None:
            task = self._counting[who] = asyncio.create_task(self._count(asker, campus))
            task.add_done_callback(lambda _: self._counting.pop(who, None))
        await asyncio.wait({task}, timeout=PATIENCE_S)

    async def _count(self, asker: Asker, campus: str) -> None:
        where = None if campus == "*" else campus
        answers = await asyncio.gather(
            *(
                self._owners.ask(
                    asker, "notifications", "/pages", {"state": state, "campus": where}, {USE_HEADER: LIVE}
                )
                for state in WAITS
            )
        )
        if all(answer.ok for answer in answers):
            self.keep(asker.subject, campus, {PAGES: sum(len(answer.items()) for answer in answers)})
