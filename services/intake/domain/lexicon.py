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
_GAP = rf"(?:{_BETWEEN}[\w']+){{0,4}}"
_NOT = r"(?:not|never|cannot|cant|dont|doesnt|didnt|isnt|wasnt|wont|hasnt|havent|\w+n't)"
_NOT_WORDS = frozenset({"not", "never", "cannot", "cant", "dont", "doesnt", "didnt", "isnt", "wasnt", "wont"})
_NOT_WORDS |= {"hasnt", "havent"}
# Between a negator and what it negates stand words only: any other sign ends the clause.
_SIGN = re.compile(r"[^\w \t'\-\u2013\u2014]")
_REACH = 160
_MOST_BRIDGES = 8
# How many words before a negator can make a doubt of it, and how many of those hold the word of doubt.
_NEAR, _CLOSE = 5, 3
# Typed apostrophes come in several shapes; the place of a word must not change when they are made one.
_APOSTROPHES = str.maketrans("\u2019\u2018\u02bc\u0060\u00b4", "'''''")
_ASCII = re.compile("[A-Z]+")
# People type without accents, and terms are found either way. One letter for one: places stay.
_ACCENTED = (
    "\u00e1\u00e0\u00e2\u00e4\u00e9\u00e8\u00ea\u00eb\u00ed\u00ec\u00ee"
    "\u00ef\u00f3\u00f2\u00f4\u00f6\u00fa\u00f9\u00fb\u00fc\u00f1\u00e7"
)
_ACCENTS = str.maketrans(_ACCENTED, "aaaaeeeeiiiioooouuuunc")
# Signs nobody sees, which copied text brings along, and which would split a word in two.
# Combining accents are letters of their own to a computer.
_UNSEEN = re.compile("[\u00ad\u0300-\u036f\u200b-\u200d\u2060\ufeff]")


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


# A category and the concern its terms mean.
Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Terms:
    """Compiled terms, by the word they begin with."""

    by_word: Mapping[str, tuple[tuple[Kind, re.Pattern[str]], ...]]

    def find(self, text: str) -> Iterator[tuple[Kind, int, int]]:
        for word in _TOKEN.finditer(text):
            for kind, pattern in (*self.by_word.get(word.group(), ()), *self._negator(word.group())):
                found = pattern.match(text, word.start())
                if found is not None:
                    yield kind, word.start(), found.end()

    def _negator(self, word: str) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
        return self.by_word.get("not", ()) if word.endswith("n't") else ()


@dataclass(frozen=True, eq=False)
class Lexicon:
    """One edition of the lexicon of one language. Two are the same only where they are one: it is compiled once."""

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
            _terms=_compiled([each for name, entry in categories.items() for each in _terms_of(name, entry)], words),
            _idioms=_compiled([(("idiom", ""), term) for term in data["idioms"]["terms"]], words),
            _negators=frozenset(data["negation"]["negators"]),
            _bridges=frozenset(data["negation"]["bridges"]),
            _unless_before=frozenset(data["negation"]["unless_before"]),
            _doubts=frozenset(data["negation"].get("doubts", ())),
            _joiners=frozenset(data["negation"].get("joiners", ())),
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
            Hit(category, places(start), places(end - 1) + 1, concern, self._negated(plain, start), self.edition)
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


def _plain(text: str) -> tuple[str, "_Places"]:
    lower = text.lower()
    # A letter may grow when it is made small (İ); then places would shift, and its capital stays.
    text = (lower if len(lower) == len(text) else _ASCII.sub(_small, text)).translate(_APOSTROPHES).translate(_ACCENTS)
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
        pattern = re.compile("".join(item.pattern(first=item is items[0]) for item in items))
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

    def pattern(self, *, first: bool) -> str:
        if self.source == "_":
            return _GAP
        between = "" if first else _BETWEEN
        # Longest first: of `them` and `them all` the longer is meant where it stands.
        ordered = sorted(self.alternatives(), key=len, reverse=True)
        inside = "|".join(_BETWEEN.join(_word(word) for word in each.split()) for each in ordered)
        return f"(?:{between}(?:{inside})(?!\\w)){'?' if self.optional else ''}"


def _word(word: str) -> str:
    return _NOT if word == "not" else re.escape(word)
