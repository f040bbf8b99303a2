"""What the readers of all files share: a row is read, or rejected for the first cell that is wrong."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from services.intake.domain.delimited import Record
from services.intake.domain.rejects import BadCell, Reject

R = TypeVar("R")


def read_rows(
    records: Iterable[Record], width: int, read: Callable[[int, list[str]], R]
) -> tuple[list[R], list[Reject]]:
    """Return the good rows and the rejected ones. `read` gets a row's number and cells and may raise BadCell."""
    rows, rejects = list[R](), list[Reject]()
    for row, cells in records:
        if len(cells) != width:
            wrong = BadCell("", f"{len(cells)} cells, not {width}", f"{width} cells")
            rejects.append(Reject.of(row, cells, wrong))
            continue
        try:
            rows.append(read(row, cells))
        except BadCell as bad:
            rejects.append(Reject.of(row, cells, bad))
    return rows, rejects
