"""From the rows of a flag file to flags. No model per row: a file has hundreds of thousands."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple

from services.intake.domain import cells as read
from services.intake.domain.columns import ABSENT, Columns, Shape
from services.intake.domain.delimited import Record
from services.intake.domain.rejects import Reject
from services.intake.domain.rows import read_rows

LONGEST_COMMENT = 10_000

SHAPE = Shape(
    required=("campus_code", "student_id", "course_code", "reason_code", "raised_at"),
    optional=("alert_id", "student_email", "term_code", "section", "severity", "comment", "cleared_at"),
    also={
        "id": "alert_id",
        "flag_id": "alert_id",
        "source_id": "alert_id",
        "campus": "campus_code",
        "student": "student_id",
        "student_number": "student_id",
        "sis_id": "student_id",
        "email": "student_email",
        "term": "term_code",
        "course": "course_code",
        "reason": "reason_code",
        "alert_reason": "reason_code",
        "comments": "comment",
        "note": "comment",
        "created_at": "raised_at",
        "date": "raised_at",
        "raised_on": "raised_at",
    },
    keeps_more=True,
)

_SEVERITIES = {"1": "1", "2": "2", "3": "3", "low": "1", "medium": "2", "high": "3"}
_SEVERITY = {"": 1, "1": 1, "2": 2, "3": 3}


class FlagRow(NamedTuple):
    """A flag as a file says it. `source_key` is the source's id, or the hash of the row where it gives none."""

    row: int
    source_key: str
    content: bytes
    campus: str
    term: str
    course: str
    section: str
    reason_code: str
    severity: int
    student_number: str
    student_email: str
    comment: str
    raised_at: datetime
    cleared_at: datetime | None


# Codes repeat down a file; each is read once. Bounded, because a file may hold anything.
_MOST_REMEMBERED = 20_000


class FlagReader:
    """Reads the rows of one file. `zones` are the campuses the importer may write for, each with its time zone."""

    def __init__(self, columns: Columns, zones: Mapping[str, tzinfo], now: datetime) -> None:
        self._width = columns.width
        # A column the file does not have is read from an empty cell put behind the last.
        places = [columns[name] if columns[name] != ABSENT else columns.width for name in _READ]
        self._cells: Callable[[list[str]], tuple[str, ...]] = itemgetter(*places)
        self._zones = zones
        self._now = now
        self._codes: dict[tuple[str, ...], tuple[str, str, str, str, str, int]] = {}

    def read(self, records: Iterable[Record]) -> tuple[list[FlagRow], list[Reject]]:
        """Return the good rows and the rejected ones."""
        return read_rows(records, self._width, self._flag)

    def _flag(self, row: int, line: list[str]) -> FlagRow:
        campus, term, course, section, reason, severity, number, address, comment, raised, cleared, alert = self._cells(
            [*line, ""]
        )
        codes = self._codes.get((campus, term, course, section, reason, severity))
        if codes is None:
            codes = self._read_codes(campus, term, course, section, reason, severity)
        number = read.identifier(number, "student_id")
        address = "" if number else read.required(read.email(address, "student_email"), "student_id", _WHO)
        comment = read.words(comment, "comment", LONGEST_COMMENT) if comment else ""
        zone = self._zones[codes[0]]
        at = read.instant(raised, "raised_at", zone, self._now)
        gone = read.instant(cleared, "cleared_at", zone, self._now) if cleared else None
        said = "\x1f".join((*codes[:5], severity, number, address, comment, raised))
        content = blake2b(said.encode(), digest_size=16)
        key = read.identifier(alert, "alert_id") or content.hexdigest()
        return FlagRow(row, key, content.digest(), *codes, number, address, comment, at, gone)

    def _read_codes(self, *cells: str) -> tuple[str, str, str, str, str, int]:
        campus, term, course, section, reason, severity = cells
        codes = (
            read.campus(campus, "campus_code", self._zones),
            read.code(term, "term_code"),
            read.code(course, "course_code"),
            read.code(section, "section"),
            read.required(read.code(reason, "reason_code"), "reason_code", "a code such as LATE_WORK"),
            _SEVERITY[read.choice(severity, "severity", _SEVERITIES)],
        )
        if len(self._codes) < _MOST_REMEMBERED:
            self._codes[cells] = codes
        return codes


_WHO = "a student's id, or an address in student_email"
_READ = (
    "campus_code", "term_code", "course_code", "section", "reason_code", "severity",
    "student_id", "student_email", "comment", "raised_at", "cleared_at", "alert_id",
)  # fmt: skip
