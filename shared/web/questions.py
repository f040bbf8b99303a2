"""What was asked for, as an audit row may say it: in codes and ids, and never in words that somebody typed.

Audit rows travel on a topic. A caller may type a name where a campus, an owner or a date belongs.
"""

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from shared.access.actors import EVERYWHERE
from shared.events.access import AccessDecided

WITHHELD = "?"

# Ids, numbers, instants, and words of the kind that only our own code lists hold.
_CODE = re.compile(r"^(|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9][0-9T:.,+Z-]*|[a-z][a-z_]*|True|False|None|\*)$")
# Parameters that take what a caller likes; their values must be campuses or staff that the program knows.
_OPEN = frozenset({"campus", "owner", "owner_id", "staff", "staff_id", "student", "consumer", "source"})


def doubtful(audits: Sequence[AccessDecided]) -> set[str]:
    """Return the words of audit rows that may stay only if the program knows them, as a campus or a person."""
    words = {word for audit in audits for name, word in _parts(audit.filter) if _is_doubtful(name, word)}
    return words | {audit.campus for audit in audits} - {EVERYWHERE}


def in_codes(audit: AccessDecided, unknown: set[str]) -> AccessDecided:
    """Return an audit row without the words that the program does not know."""
    said = " ".join(_said(name, word, unknown) for name, word in _parts(audit.filter))
    return replace(audit, campus=EVERYWHERE if audit.campus in unknown else audit.campus, filter=said)


def _said(name: str, word: str, unknown: set[str]) -> str:
    shown = WITHHELD if _is_doubtful(name, word) and word in unknown else word
    return f"{name}={shown}" if name else shown


def _is_doubtful(name: str, word: str) -> bool:
    return bool(word) and (name in _OPEN or not _CODE.match(word)) and word != EVERYWHERE


def _parts(question: str) -> Iterator[tuple[str, str]]:
    """Take `campus=NORTH state=open` apart; a word without a name is one of the value before it, or stands alone."""
    for each in question.split():
        name, equals, word = each.partition("=")
        yield (name, word) if equals and _CODE.match(name) else ("", each)
