"""The numbers beside the menu: how much waits. Never in a page's way: a page shows what was counted last."""

import time
from collections import OrderedDict

_KEPT_S = 60.0
_MOST = 5000

_known: OrderedDict[tuple[str, str], tuple[float, dict[str, int]]] = OrderedDict()


def known(person_id: str, campus: str) -> dict[str, int]:
    """Return the numbers last counted for somebody, unless that was long ago."""
    at, numbers = _known.get((person_id, campus), (float("-inf"), {}))
    return numbers if time.monotonic() < at + _KEPT_S else {}


def keep(person_id: str, campus: str, numbers: dict[str, int]) -> None:
    """Remember numbers; the oldest of too many are forgotten."""
    _known[person_id, campus] = (time.monotonic(), numbers)
    _known.move_to_end((person_id, campus))
    while len(_known) > _MOST:
        _known.popitem(last=False)
