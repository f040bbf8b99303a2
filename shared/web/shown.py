"""Parts of a listing for whom not every row is: what is left out shows neither by a short part nor by its end."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Row = TypeVar("Row")
# Where a row stands in the listing: its id, or a position in another order.
At = TypeVar("At")
_MOST_AT_ONCE = 2_000


async def look_past(
    page: Callable[[At | None, int], Awaitable[Sequence[Row]]],
    shown: Callable[[Sequence[Row]], Awaitable[Sequence[Row]]],
    *,
    id_of: Callable[[Row], At],
    after: At | None,
    count: int,
) -> tuple[list[Row], At | None]:
    """Return the next `count` rows that the reader may see, and after which of them the rest begins; None: no rest.

    `page` returns rows after one of them, so many at most; `shown` leaves out what the reader may not see. Rows are
    looked at until the part is full or there are no more, some thousands at a time, so that nothing said of the part
    depends on what lies between.
    """
    seen: list[Row] = []
    rows = count + 1
    while True:
        found = await page(after, rows)
        seen += await shown(found)
        if len(seen) > count:
            return seen[:count], id_of(seen[count - 1])
        if len(found) < rows:
            return seen, None
        after = id_of(found[-1])
        rows = min(rows * 4, max(_MOST_AT_ONCE, count + 1))
