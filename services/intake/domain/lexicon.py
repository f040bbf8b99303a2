"""Finds the words of a dated lexicon in a text: whole words, with their place, negation and idioms told apart.

How terms are looked for is in `terms.py`. The format of the file is explained at its top
(`services/intake/lexicons/en.toml`).
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.domain.terms import NOT_WORDS, TOKEN, Kind, Plain, Terms, compiled
from shared.events.codes import Level

# Between a negator and what it negates stand words only: any other sign ends the clause.
_SIGN = re.compile(r"[^\w \t'\-\u2013\u2014]")
_REACH = 160
_MOST_BRIDGES = 8
# How many words before a negator can make a doubt of it, and how many of those hold the word of doubt.
_NEAR, _CLOSE = 5, 3


@dataclass(frozen=True, slots=True)
class Hit:
    """A term found at `text[start:end]`. A negated one is kept for the reader and raises nothing.

    `concern` is what it says in the codes of concerns, `edition` the word list that found it.
    """

    category: str
    start: int
    end: int
    concern: str = ""
    negated: bool = False
    edition: str = ""


@dataclass(frozen=True, eq=False)
class Lexicon:
    """One edition of the lexicon of one language. Two are the same only where they are one: it is compiled once."""

    language: str
    edition: str
    effective_from: datetime
    levels: Mapping[str, Level]
    concerns: Mapping[str, str]
    urgencies: Mapping[str, Level]
    _terms: Terms
    _idioms: Terms
    _negators: frozenset[str]
    _bridges: frozenset[str]
    _unless_before: frozenset[str]
    _doubts: frozenset[str]
    _joiners: frozenset[str]

    @classmethod
    def read(cls, document: str) -> "Lexicon":
        """Read an edition from its TOML. Raises on one that is not well formed: it is checked by the tests."""
        return cls.of(tomllib.loads(document))

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Lexicon":
        """Make an edition of its document, which `lexicon_documents.wrongs` has found nothing wrong with."""
        words, categories = data["words"], data["categories"]
        return cls(
            language=data["language"],
            edition=data["edition"],
            effective_from=data["effective_from"],
            levels={name: Level(entry["level"]) for name, entry in categories.items()},
            concerns=data["concerns"],
            urgencies={urgency: Level(level) for urgency, level in data["urgencies"].items()},
            _terms=compiled([each for name, entry in categories.items() for each in _terms_of(name, entry)], words),
            _idioms=compiled([(("idiom", ""), term) for term in data["idioms"]["terms"]], words),
            _negators=frozenset(data["negation"]["negators"]),
            _bridges=frozenset(data["negation"]["bridges"]),
            _unless_before=frozenset(data["negation"]["unless_before"]),
            _doubts=frozenset(data["negation"].get("doubts", ())),
            _joiners=frozenset(data["negation"].get("joiners", ())),
        )

    def find(self, text: str | Plain) -> tuple[Hit, ...]:
        """Return every hit in the order of the text; the longest where several of a category begin at one place."""
        plain = Plain(text) if isinstance(text, str) else text
        longest: dict[tuple[Kind, int], int] = {}
        for kind, start, end in self._terms.find(plain):
            longest[kind, start] = max(end, longest.get((kind, start), 0))
        if not longest:
            return ()
        idioms = [(start, end) for _, start, end in self._idioms.find(plain)]
        hits = [
            Hit(
                category,
                plain.place(start),
                plain.place(end - 1) + 1,
                concern,
                self._negated(plain.text, start),
                self.edition,
            )
            for ((category, concern), start), end in longest.items()
            if not any(start < idiom_end and idiom_start < end for idiom_start, idiom_end in idioms)
        ]
        return tuple(sorted(hits, key=lambda hit: (hit.start, hit.end, hit.category)))

    def _negated(self, text: str, start: int) -> bool:
        """Whether a negator stands before `start` with nothing but bridging words between."""
        clause = _SIGN.split(text[max(0, start - _REACH) : start])[-1]
        words = TOKEN.findall(clause)
        for place in range(len(words) - 1, max(-1, len(words) - 2 - _MOST_BRIDGES), -1):
            word = words[place]
            if word in self._negators or _is_not(word):
                return not self._doubtful(words[max(0, place - _NEAR) : place])
            if word not in self._bridges:
                return False
        return False

    def _doubtful(self, before: Sequence[str]) -> bool:
        """Whether what stands before a negator takes its assurance away: `promise I won't`, `can't say he isn't`.

        Two negators are one assurance only where they are joined as equals: `no plan and no intent`.
        """
        if before and before[-1] in self._unless_before:
            return True
        if self._doubts.intersection(before[-_CLOSE:]):
            return True
        if not self._joiners or self._joiners.intersection(before):
            return False
        return any(_is_not(word) for word in before)


@dataclass(frozen=True, slots=True)
class Edition:
    """A word list and since when it holds. What people put in force goes before what was shipped, whenever that was."""

    lexicon: Lexicon
    since: datetime
    by_people: bool = False


def in_force(editions: Sequence[Edition], at: datetime) -> tuple[Lexicon, ...]:
    """Return the one edition of each language in force at `at`, by language.

    Before the first of a language, the first, because nothing goes unscreened. What people made never holds before
    its time.
    """
    found: dict[str, Edition] = {}
    for edition in sorted(editions, key=lambda each: (each.by_people, each.since)):
        language = edition.lexicon.language
        if edition.since <= at or (language not in found and not edition.by_people):
            found[language] = edition
    return tuple(found[language].lexicon for language in sorted(found))


def _is_not(word: str) -> bool:
    return word in NOT_WORDS or word.endswith("n't")


def _terms_of(category: str, entry: Mapping[str, Any]) -> Iterator[tuple[Kind, str]]:
    for term in entry["terms"]:
        yield (category, entry["concern"]), term
    for term in entry.get("terms_about_others", ()):
        yield (category, entry["concern_others"]), term
