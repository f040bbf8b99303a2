"""Reads single cells. Each function returns the value or raises BadCell with words that help and quote nothing."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches

from services.intake.domain.rejects import BadCell

_FORMULA = frozenset("=@\t\r")
_NUMBER = re.compile(r"[+-](?:\s|\d[\d., ]*$)")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_CODE = re.compile(r"[A-Za-z0-9][\w .:/&+()-]{0,63}", re.ASCII)
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,189}")
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_ID_ACCEPTED = "letters, digits and . _ / -, at most 64"
_TIME_ACCEPTED = "ISO 8601, such as 2026-09-14T10:30:00+00:00, between 1990 and tomorrow"


def identifier(cell: str, column: str) -> str:
    """Read an id as another system writes it; empty if it is."""
    cell = cell.strip()
    if (cell.isalnum() and cell.isascii() and len(cell) <= 64) or not cell or _ID.fullmatch(cell):  # noqa: PLR2004
        return cell
    raise BadCell(column, _formula(cell) or "not an id", _ID_ACCEPTED)


def required(value: str, column: str, accepted: str) -> str:
    """Demand that a value is there."""
    if not value:
        raise BadCell(column, "the cell is empty", accepted)
    return value


def code(cell: str, column: str) -> str:
    """Read a short code such as a course or a reason; empty if it is."""
    cell = cell.strip()
    if not cell or _CODE.fullmatch(cell):
        return cell
    raise BadCell(column, _formula(cell) or "not a code", "letters, digits, spaces and . : / & + ( ) _ -, at most 64")


def email(cell: str, column: str) -> str:
    """Read an address in lower case; empty if it is."""
    cell = cell.strip().lower()
    if not cell or _EMAIL.fullmatch(cell):
        return cell
    raise BadCell(column, _formula(cell) or "not an e-mail address", "name@example.edu")


def words(cell: str, column: str, longest: int) -> str:
    """Read text somebody wrote. A spreadsheet would run what looks like a formula, so such a cell is rejected."""
    cell = cell.strip()
    formula = _formula(cell)
    if formula:
        raise BadCell(column, formula, "text that does not begin with = + - or @")
    if len(cell) > longest:
        raise BadCell(column, "the text is too long", f"at most {longest} characters")
    return cell


def choice(cell: str, column: str, choices: Mapping[str, str], default: str = "") -> str:
    """Read one of a few codes, in any case; the default if empty."""
    cell = cell.strip().lower()
    found = choices.get(cell) if cell else default
    if found is None:
        raise BadCell(column, "not one of the codes", ", ".join(sorted(set(choices.values()))))
    return found


def campus(cell: str, column: str, known: Mapping[str, object]) -> str:
    """Read a campus code that the program knows and the importer may write for."""
    cell = cell.strip()
    if cell in known:
        return cell
    near = get_close_matches(cell, known, n=1, cutoff=0.6)
    nearest = f"; nearest: {near[0]}" if near else ""
    raise BadCell(
        column, "unknown campus, or not one you import for", ", ".join(sorted(known)[:20]) + nearest if known else ""
    )


def instant(cell: str, column: str, zone: tzinfo, now: datetime) -> datetime:
    """Read a time; without an offset it is the campus's own time, a date alone is its midnight."""
    try:
        at = datetime.fromisoformat(cell.strip())
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone)
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell(column, _formula(cell) or "not a time that exists", _TIME_ACCEPTED) from None
    if EARLIEST <= at <= now + _AHEAD:
        return at
    raise BadCell(column, "a time that cannot be", _TIME_ACCEPTED)


def _formula(cell: str) -> str:
    begin = cell[:1]
    if begin in _FORMULA or (begin in ("+", "-") and not _NUMBER.match(cell)):
        return "the cell begins like a formula"
    return ""
