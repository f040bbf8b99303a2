"""Cuts a narrative down to the sentences that speak of danger, for a responder whom a wall keeps from the rest."""

import re
from collections.abc import Sequence

from services.intake.domain.lexicon import Hit
from services.intake.domain.screening import MISCONDUCT

WITHHELD = "[withheld]"

# Categories that somebody was called out for; the rest of a walled narrative is not theirs to read.
DANGERS = frozenset({"danger", "danger_imminent", "missing_person", "child_abuse"})

_END = re.compile(r"(?<=[.!?])\s+|\n+")


def only_danger(narrative: str, hits: Sequence[Hit]) -> list[str]:
    """Return the sentences with a danger hit, in order, with every word of sex-based misconduct withheld."""
    return [
        _withheld(narrative, start, end, hits)
        for start, end in _sentences(narrative)
        if any(_dangerous(hit) and start <= hit.start < end for hit in hits)
    ]


def sentences_with(narrative: str, hits: Sequence[Hit]) -> str:
    """Return the sentences in which anything was found, as one text; empty when nothing was."""
    found = [(start, end) for start, end in _sentences(narrative) if any(start <= hit.start < end for hit in hits)]
    return " ".join(narrative[start:end].strip() for start, end in found)


def _dangerous(hit: Hit) -> bool:
    return hit.category in DANGERS and not hit.negated


def _sentences(text: str) -> list[tuple[int, int]]:
    ends = [(found.start(), found.end()) for found in _END.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    return [(start, end) for start, end in zip(starts, [*(start for start, _ in ends), len(text)], strict=True)]


def _withheld(text: str, start: int, end: int, hits: Sequence[Hit]) -> str:
    spans = sorted((hit.start, hit.end) for hit in hits if hit.category == MISCONDUCT and start <= hit.start < end)
    kept, place = [], start
    for first, last in spans:
        if first >= place:
            kept += [text[place:first], WITHHELD]
        place = max(place, last)
    return "".join([*kept, text[place:end]]).strip()
