"""One person can read only so much: beyond a number of pages a minute they are gathered into one message."""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from services.notifications.storage.deliveries import Claimed

_WINDOW = timedelta(minutes=1)


class PersonalLimit:
    """Messages about pages to one address: up to `most` a minute each on its own, then together every `every`.

    Kept in memory: after a restart a person may get a few more, which is better than a few less.
    """

    def __init__(self, most: int = 20, every: timedelta = timedelta(seconds=5)) -> None:
        self.most, self.every = most, every
        self._sent: dict[str, deque[datetime]] = {}

    def sort(self, claimed: Sequence[Claimed], now: datetime) -> tuple[list[list[Claimed]], list[Claimed]]:
        """Return what to send now, as bundles of one or more for one person, and what is to wait for `every`."""
        self._forget(now)
        alone = [[each] for each in claimed if each.kind != "page"]
        bundles, waiting = [], []
        for theirs in _by_address(each for each in claimed if each.kind == "page"):
            sent = self._sent.setdefault(theirs[0].address, deque())
            free = max(0, self.most - len(sent))
            bundles += [[each] for each in theirs[:free]]
            sent.extend(now for _ in theirs[:free])
            rest = theirs[free:]
            if not rest:
                continue
            if now - sent[-1] >= self.every or free:
                bundles.append(rest)
                sent.append(now)
            else:
                waiting += rest
        # In the order in which they were claimed: the most urgent first.
        places = {each.id: place for place, each in enumerate(claimed)}
        return sorted([*bundles, *alone], key=lambda bundle: places[bundle[0].id]), waiting

    def _forget(self, now: datetime) -> None:
        for address in list(self._sent):
            sent = self._sent[address]
            while sent and now - sent[0] >= _WINDOW:
                sent.popleft()
            if not sent:
                del self._sent[address]


def _by_address(claimed: Iterable[Claimed]) -> list[list[Claimed]]:
    groups: dict[str, list[Claimed]] = {}
    for each in claimed:
        groups.setdefault(each.address, []).append(each)
    return list(groups.values())
