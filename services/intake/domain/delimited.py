"""Reads delimited text as it arrives: pieces of bytes in, records out, never more than one record kept back.

Quotes may span lines. A stray quote costs its own line and no other: where a record of several lines does not come
out right, its first line is rejected and reading goes on with the second.
"""

import csv
from collections.abc import Iterator
from io import StringIO

from services.intake.domain.rejects import Reject, storable
from shared.refusal import Refused

LONGEST_RECORD = 64 * 1024
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")

# The line a record begins on, and its cells.
Record = tuple[int, list[str]]


class _MoreToComeError(Exception):
    """The lines at hand end before the record does."""


class _StrayQuoteError(Exception):
    """A record of several lines has a wrong number of cells."""


class Records:
    """The records of one file. `feed` the bytes as they come, then `finish`; `header` is there after the first line.

    What cannot be read as a record collects in `rejects`; take them from there.
    """

    def __init__(self) -> None:
        self.header: list[str] = []
        self.rejects: list[Reject] = []
        self._rest = b""
        self._lines: list[str] = []
        self._line = 1
        self._begun = False
        self._skipping = False
        self._carriage_returns = False
        self._delimiter = ","
        self._suspect = False  # lines at hand may hold what is no text
        self._done = 0  # lines at hand that are done with

    def feed(self, data: bytes) -> list[Record]:
        """Return the records that are complete with these bytes."""
        self._rest += data
        if not self._begun and not self._begin():
            return []
        if self._carriage_returns:
            self._rest = self._rest.replace(b"\r", b"\n")
        end = self._rest.rfind(b"\n") + 1
        block, self._rest = self._rest[:end], self._rest[end:]
        records = self._read(block, final=False)
        self._keep_short()
        return records

    def finish(self) -> list[Record]:
        """Return the last records, with or without an end of line behind them."""
        if not self._begun:
            self._begin(all_there=True)
        block, self._rest = self._rest, b""
        if self._carriage_returns:
            block = block.replace(b"\r", b"\n")
        return self._read(block, final=True)

    def _begin(self, *, all_there: bool = False) -> bool:
        """Look at the first bytes: their encoding, and how lines end. Waits until a line is there."""
        if self._rest.startswith(_UTF16_BOMS):
            raise Refused(
                "wrong_encoding", "The file is UTF-16. Save it as CSV UTF-8.", status=422, pointer="/body/encoding"
            )
        if b"\n" not in self._rest and len(self._rest) < LONGEST_RECORD and not all_there:
            return False
        self._rest = self._rest.removeprefix(_UTF8_BOM)
        self._carriage_returns = b"\n" not in self._rest and b"\r" in self._rest
        self._begun = True
        return True

    def _keep_short(self) -> None:
        """Give up on a line that does not end: what is kept in memory must not grow with the file."""
        if len(self._rest) > LONGEST_RECORD:
            if not self._skipping:
                self._reject(self._line + len(self._lines), "the line is too long", "", _decoded(self._rest[:4096])[0])
            self._skipping, self._rest = True, b""

    def _read(self, block: bytes, *, final: bool) -> list[Record]:
        text, clean = _decoded(block)
        lines = list(StringIO(text, newline="\n"))
        if self._skipping and lines:
            # The rest of a line that was given up on.
            self._skipping = False
            lines[0] = "\n"
        self._lines += lines
        suspect = self._suspect or not clean or "\x00" in text
        records = self._parse(final=final)
        # Lines that wait for the rest of their record stay suspect until it is there.
        self._suspect = suspect and bool(self._lines)
        return [record for record in records if self._readable(record)] if suspect else records

    def _parse(self, *, final: bool) -> list[Record]:
        lines, records, start = self._lines, list[Record](), 0
        while start < len(lines):
            try:
                start = self._parse_from(start, records, final=final)
                break
            except (csv.Error, _StrayQuoteError):
                start = self._done
                self._reject(
                    self._line + start,
                    "a quote is out of place here, or does not close",
                    'cells with quotes inside written as "he said ""yes"""',
                    lines[start],
                )
                start += 1
        self._line += start
        del lines[:start]
        return records

    def _parse_from(self, start: int, records: list[Record], *, final: bool) -> int:
        """Append the records from line `start` on; return how many lines of all are done with."""
        if not self.header:
            self._delimiter = max(",;\t", key=self._lines[start].count)
        reader = csv.reader(self._supply(start, final=final), strict=True, delimiter=self._delimiter)
        first, done, width = self._line + start, 0, len(self.header)
        self._done = start
        try:
            for cells in reader:
                through = reader.line_num
                if through - done > 1 and width and len(cells) != width:
                    raise _StrayQuoteError
                if cells:
                    if width:
                        records.append((first + done, cells))
                    else:
                        self.header, width = cells, len(cells)
                done = through
                self._done = start + done
        except _MoreToComeError:
            if sum(map(len, self._lines[self._done :])) > LONGEST_RECORD:
                raise _StrayQuoteError from None
        return self._done

    def _supply(self, start: int, *, final: bool) -> Iterator[str]:
        if not start:
            yield from self._lines
        else:
            # By place: a copy of the rest for each stray quote would cost a file full of them its square.
            for place in range(start, len(self._lines)):
                yield self._lines[place]
        if not final:
            raise _MoreToComeError

    def _readable(self, record: Record) -> bool:
        """Whether the record is text; rejects it if not."""
        row, cells = record
        for place, cell in enumerate(cells):
            reason = _unreadable(cell)
            if reason:
                column = self.header[place] if place < len(self.header) else str(place + 1)
                self.rejects.append(Reject(row, column, reason, "text saved as UTF-8", storable(",".join(cells))))
                return False
        return True

    def _reject(self, row: int, reason: str, accepted: str, raw: str) -> None:
        self.rejects.append(Reject(row, "", reason, accepted, storable(raw.rstrip("\r\n"))))


def _decoded(block: bytes) -> tuple[str, bool]:
    """Decode, keeping bytes that are no UTF-8 as signs that `_unreadable` finds."""
    try:
        return block.decode(), True
    except UnicodeDecodeError:
        return block.decode("utf-8", "surrogateescape"), False


def _unreadable(cell: str) -> str:
    if "\x00" in cell:
        return "there is a NUL byte in the cell"
    try:
        cell.encode()
    except UnicodeEncodeError:
        return "the cell is not UTF-8"
    return ""
