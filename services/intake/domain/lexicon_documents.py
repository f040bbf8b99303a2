"""What an edition of a lexicon may say: the parts people edit, checked term by term before anything is made of them."""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.refusal import Refused

# Levels, concerns and urgencies are not words: they stay as the first edition of the language says them.
LISTS = ("negators", "bridges", "unless_before", "doubts", "joiners")

_LONGEST_TERM = 1_500
_MOST_TERMS = 3_000
_MOST_PARTS = 14
# Each gap may be up to four words: more of them find nearly anything, and slowly.
_MOST_GAPS = 4
_PART = re.compile(r"(\((?P<group>[^()<>]*(?:<\w+>[^()<>]*)*)\)|<(?P<list>\w+)>|(?P<word>[^\s()<>|?]+))(?P<maybe>\?)?$")
_NAMED = re.compile(r"<(\w+)>")
_GAP = "_"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A term that cannot be read: where it stands (`categories.danger.terms`), which it is (from 0), and why."""

    place: str
    index: int
    why: str


def edited(base: Document, changes: Document) -> dict[str, Any]:
    """Return a document with the lists of `changes` in place of its own. What `changes` leaves out stays.

    Raises Refused for a category or list the base does not have: those are not words.
    """
    made: dict[str, Any] = copy.deepcopy(dict(base))
    for name, terms in changes.get("categories", {}).items():
        if name not in made["categories"]:
            raise Refused("unknown_category", "There is no such category.", status=422, pointer="/body/categories")
        entry = made["categories"][name]
        entry["terms"] = _clean(terms.get("terms", entry["terms"]))
        if "concern_others" in entry and terms.get("terms_about_others") is not None:
            entry["terms_about_others"] = _clean(terms["terms_about_others"])
    for name, words in changes.get("words", {}).items():
        made["words"][name] = _clean(words)
    if changes.get("idioms") is not None:
        made["idioms"] = {"terms": _clean(changes["idioms"])}
    for name, words in changes.get("negation", {}).items():
        if name not in LISTS:
            raise Refused("unknown_list", "There is no such list.", status=422, pointer="/body/negation")
        made["negation"][name] = _clean(words)
    return made


def wrongs(document: Document) -> list[Wrong]:
    """Return what cannot be read in a document, in its order; nothing means that it can be compiled."""
    found: list[Wrong] = []
    for place, terms in _term_lists(document):
        if len(terms) > _MOST_TERMS:
            found.append(Wrong(place, _MOST_TERMS, f"More than {_MOST_TERMS:,} terms."))
        found += [
            Wrong(place, index, why) for index, term in enumerate(terms) if (why := wrong_with(term, document["words"]))
        ]
    return found


def wrong_with(term: str, words: Mapping[str, Sequence[str]]) -> str:
    """Return what is wrong with a term, as a sentence; empty when it can be read."""
    if len(term) > _LONGEST_TERM:
        return f"Longer than {_LONGEST_TERM:,} signs."
    parts = _parts(term)
    if not parts:
        return "It is empty."
    matches = [_PART.match(part) for part in parts]
    if any(found is None for found in matches):
        return "A bracket or a sign stands where it cannot: write words, (one|another), <list>, _ and ? only."
    found = [each for each in matches if each is not None]
    return _wrong_order(found) or next(
        (f"There is no list <{name}>." for part in parts for name in _NAMED.findall(part) if name not in words), ""
    )


def _wrong_order(parts: Sequence[re.Match[str]]) -> str:
    gaps = sum(part["word"] == _GAP for part in parts)
    if parts[0]["maybe"] or parts[0]["word"] == _GAP:
        return "The first word must be one that is always there."
    if parts[-1]["word"] == _GAP:
        return "A gap at the end finds nothing more."
    if len(parts) > _MOST_PARTS or gaps > _MOST_GAPS:
        return f"More than {_MOST_PARTS} parts or {_MOST_GAPS} gaps."
    if any(not choice.strip() for part in parts if part["group"] is not None for choice in part["group"].split("|")):
        return "A bracket has an empty choice."
    return ""


def _parts(term: str) -> list[str]:
    """Split a term at the spaces that stand outside brackets; a bracket without its other half is a part of its own."""
    return re.findall(r"(?:\([^()]*\)|[^\s()])+|[()]", term)


def _term_lists(document: Document) -> Iterator[tuple[str, Sequence[str]]]:
    for name, entry in document["categories"].items():
        yield f"categories.{name}.terms", entry["terms"]
        yield f"categories.{name}.terms_about_others", entry.get("terms_about_others", ())
    yield "idioms.terms", document["idioms"]["terms"]


def _clean(lines: Sequence[str]) -> list[str]:
    """Return lines without blanks around them, none empty and none twice, in order."""
    return list(dict.fromkeys(" ".join(line.lower().split()) for line in lines if line.strip()))
