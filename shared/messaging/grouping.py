"""Makes few calls of many events without changing what any one aggregate sees."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


def group_by_type(items: Iterable[tuple[bytes, K, T]]) -> list[tuple[K, list[T]]]:
    """Group (key, type, item) in log order into runs of one type, each for one call of a plural handler.

    Per key the order of the log is kept: an item joins the first group of its type at or after the last group that
    holds its key, else it starts a new one. Between keys the order is free.
    """
    groups: list[tuple[K, list[T]]] = []
    places: dict[K, list[int]] = {}  # where groups of a type are, ascending
    last: dict[bytes, int] = {}  # the last group that holds a key
    for key, kind, item in items:
        of_type = places.setdefault(kind, [])
        found = bisect_left(of_type, last.get(key, 0))
        if found == len(of_type):
            of_type.append(len(groups))
            groups.append((kind, []))
        place = of_type[found]
        groups[place][1].append(item)
        last[key] = place
    return groups
