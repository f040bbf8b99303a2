"""A row that does not go in, and what a person needs to mend it."""

from collections.abc import Sequence
from dataclasses import dataclass

RAW_LIMIT = 4_000


class BadCell(Exception):  # noqa: N818 - a cell is bad; the row it stands in is rejected
    """A cell that cannot be taken. `reason` and `accepted` are fixed words: they never quote the cell."""

    def __init__(self, column: str, reason: str, accepted: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason
        self.accepted = accepted


@dataclass(frozen=True, slots=True)
class Reject:
    """One rejected row: `row` is its line in the file (the header is line 1), `raw` the row as it came, cut short."""

    row: int
    column: str
    reason: str
    accepted: str
    raw: str

    @classmethod
    def of(cls, row: int, cells: Sequence[str], bad: BadCell) -> "Reject":
        """Reject a row for one of its cells."""
        return cls(row, bad.column, bad.reason, bad.accepted, raw_of(cells))


def raw_of(cells: Sequence[str]) -> str:
    """Write cells as a line again, safe to store: no NUL, nothing that is not Unicode, no longer than it may be."""
    line = ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' if _needs_quotes(cell) else cell for cell in cells)
    return storable(line)


def storable(text: str) -> str:
    """Make a text of unknown provenance safe to store, readable where it was readable."""
    cut = text[:RAW_LIMIT].replace("\x00", "\\x00")
    return cut.encode("utf-8", "backslashreplace").decode()


def _needs_quotes(cell: str) -> bool:
    return any(sign in cell for sign in ',"\n\r')
