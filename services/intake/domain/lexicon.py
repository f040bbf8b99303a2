"""Finds the words of a dated lexicon in a text: whole words, with their place, negation and idioms told apart.

Terms are tried only at the words they can begin with, so the time grows with the text and hardly with the lexicon.
The format of the file is explained at its top (`services/intake/lexicons/en.toml`).
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.events.codes import Level

_ITEM = re.compile(r"(\([^)]*\)|<\w+>|[^\s()<>]+?)(\?)?(?:\s+|$)")
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_BETWEEN = r"[\s\-\u2013\u2014]+"
_GAP = r"(?:[\w']+[\s\-\u2013\u2014]+){0,4}"
_NOT = r"(?:not|never|cannot|cant|dont|doesnt|didnt|isnt|wasnt|wont|hasnt|havent|\w+n't)"
_NOT_WORDS = frozenset({"not", "never", "cannot", "cant", "dont", "doesnt", "didnt", "isnt", "wasnt", "wont"})
_NOT_WORDS |= {"hasnt", "havent"}
# Between a negator and what it negates stand words only: any other sign ends the clause.
_SIGN = re.compile(r"[^\w \t'\-\u2013\u2014]")
_REACH = 160
_MOST_BRIDGES = 8
# Typed apostrophes come in several shapes; the place of a word must not change when they are made one.
_APOSTROPHES = str.maketrans("\u2019\u2018\u02bc\u0060\u00b4", "'''''")
_ASCII = re.compile("[A-Z]+")
# Signs nobody sees, which copied text brings along, and which would split a word in two.
_UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")


@dataclass(frozen=True, slots=True)
class Hit:
    """A term found at `text[start:end]`. A negated one is kept for the reader and raises nothing.

    `concern` is what it says in the codes of concerns.
    """

    category: str
    start: int
    end: int
    concern: str = ""
    negated: bool = False


# A category and the concern its terms mean.
Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Terms:
    """Compiled terms, by the word they begin with."""

    by_word: Mapping[str, tuple[tuple[Kind, re.Pattern[str]], ...]]

    def find(self, text: str) -> Iterator[tuple[Kind, int, int]]:
        for word in _TOKEN.finditer(text):
            patterns = self.by_word.get(word.group()) or self._negator(word.group())
            for kind, pattern in patterns:
                found = pattern.match(text, word.start())
                if found is not None:
                    yield kind, word.start(), found.end()

    def _negator(self, word: str) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
        return self.by_word.get("not", ()) if word.endswith("n't") else ()


@dataclass(frozen=True)
class Lexicon:
    """One edition of the lexicon of one language."""

    language: str
    edition: str
    effective_from: datetime
    levels: Mapping[str, Level]
    concerns: Mapping[str, str]
    urgencies: Mapping[str, Level]
    _terms: _Terms
    _idioms: _Terms
    _negators: frozenset[str]
    _bridges: frozenset[str]
    _unless_before: frozenset[str]

    @classmethod
    def read(cls, document: str) -> "Lexicon":
        """Read an edition from its TOML. Raises on one that is not well formed: it is checked by the tests."""
        data = tomllib.loads(document)
        words, categories = data["words"], data["categories"]
        return cls(
            language=data["language"],
            edition=data["edition"],
            effective_from=data["effective_from"],
            levels={name: Level(entry["level"]) for name, entry in categories.items()},
            concerns=data["concerns"],
            urgencies={urgency: Level(level) for urgency, level in data["urgencies"].items()},
            _terms=_compiled([each for name, entry in categories.items() for each in _terms_of(name, entry)], words),
            _idioms=_compiled([(("idiom", ""), term) for term in data["idioms"]["terms"]], words),
            _negators=frozenset(data["negation"]["negators"]),
            _bridges=frozenset(data["negation"]["bridges"]),
            _unless_before=frozenset(data["negation"]["unless_before"]),
        )

    def find(self, text: str) -> tuple[Hit, ...]:
        """Return every hit in the order of the text; the longest where several of a category begin at one place."""
        plain, places = _plain(text)
        longest: dict[tuple[Kind, int], int] = {}
        for kind, start, end in self._terms.find(plain):
            longest[kind, start] = max(end, longest.get((kind, start), 0))
        if not longest:
            return ()
        idioms = [(start, end) for _, start, end in self._idioms.find(plain)]
        hits = [
            Hit(category, places(start), places(end - 1) + 1, concern, self._negated(plain, start))
            for ((category, concern), start), end in longest.items()
            if not any(start < idiom_end and idiom_start < end for idiom_start, idiom_end in idioms)
        ]
        return tuple(sorted(hits, key=lambda hit: (hit.start, hit.end, hit.category)))

    def _negated(self, text: str, start: int) -> bool:
        """Whether a negator stands before `start` with nothing but bridging words between."""
        clause = _SIGN.split(text[max(0, start - _REACH) : start])[-1]
        words = _TOKEN.findall(clause)
        for place in range(len(words) - 1, max(-1, len(words) - 2 - _MOST_BRIDGES), -1):
            word = words[place]
            if word in self._negators or _is_not(word):
                return not (place and words[place - 1] in self._unless_before)
            if word not in self._bridges:
                return False
        return False


def edition_at(editions: Sequence[Lexicon], at: datetime) -> Lexicon:
    """Return the edition in force at `at`; before the first, the first, because nothing goes unscreened."""
    begun = [lexicon for lexicon in editions if lexicon.effective_from <= at]
    return max(begun or editions[:1], key=lambda lexicon: lexicon.effective_from)


def _plain(text: str) -> tuple[str, "_Places"]:
    lower = text.lower()
    # A letter may grow when it is made small (İ); then places would shift, and its capital stays.
    text = (lower if len(lower) == len(text) else _ASCII.sub(_small, text)).translate(_APOSTROPHES)
    if _UNSEEN.search(text) is None:
        return text, _Places(None)
    kept = [place for place, sign in enumerate(text) if _UNSEEN.match(sign) is None]
    return "".join(text[place] for place in kept), _Places(kept)


@dataclass(frozen=True, slots=True)
class _Places:
    """From a place in the text that was searched to the same place in the text as written."""

    kept: list[int] | None

    def __call__(self, place: int) -> int:
        return place if self.kept is None else self.kept[place]


def _small(capital: re.Match[str]) -> str:
    return capital.group().lower()


def _is_not(word: str) -> bool:
    return word in _NOT_WORDS or word.endswith("n't")


def _terms_of(category: str, entry: Mapping[str, Any]) -> Iterator[tuple[Kind, str]]:
    for term in entry["terms"]:
        yield (category, entry["concern"]), term
    for term in entry.get("terms_about_others", ()):
        yield (category, entry["concern_others"]), term


def _compiled(terms: Sequence[tuple[Kind, str]], words: Mapping[str, Sequence[str]]) -> _Terms:
    by_word: dict[str, list[tuple[Kind, re.Pattern[str]]]] = defaultdict(list)
    for kind, term in terms:
        items = [_Item(found[1], found[2] == "?", words) for found in _ITEM.finditer(term)]
        pattern = re.compile("".join(item.pattern(last=item is items[-1]) for item in items) + r"(?!\w)")
        for word in items[0].first_words():
            by_word[word].append((kind, pattern))
    return _Terms({word: tuple(found) for word, found in by_word.items()})


@dataclass(frozen=True, slots=True)
class _Item:
    """One place in a term: what may stand there, and whether it may be missing."""

    source: str
    optional: bool
    words: Mapping[str, Sequence[str]]

    def alternatives(self) -> list[str]:
        inside = self.source[1:-1].split("|") if self.source.startswith("(") else [self.source]
        return [word for part in inside for word in self._resolved(part)]

    def _resolved(self, part: str) -> Sequence[str]:
        named = re.search(r"<(\w+)>", part)
        return [part.replace(named[0], word) for word in self.words[named[1]]] if named else [part]

    def first_words(self) -> set[str]:
        words = {alternative.split()[0] for alternative in self.alternatives()}
        return words | _NOT_WORDS if "not" in words else words

    def pattern(self, *, last: bool) -> str:
        if self.source == "_":
            return _GAP
        between = "" if last else _BETWEEN
        # Longest first: of `them` and `them all` the longer is meant where it stands.
        ordered = sorted(self.alternatives(), key=len, reverse=True)
        inside = "|".join(_BETWEEN.join(_word(word) for word in each.split()) for each in ordered)
        return f"(?:(?:{inside})(?!\\w){between}){'?' if self.optional else ''}"


def _word(word: str) -> str:
    return _NOT if word == "not" else re.escape(word)
