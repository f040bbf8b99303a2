"""Terms of a word list, compiled: which of them a text may hold at all, and where they stand in it.

A text is looked at once for all terms: only those all of whose words stand somewhere in it are tried, and only at the
words they can begin with. So the time grows with the text and hardly with the number of terms, whatever common words
they begin with. How a term is written is explained in `services/intake/lexicons/en.toml`.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

# A category and the concern its terms mean.
Kind = tuple[str, str]

TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
NOT_WORDS = frozenset({"not", "never", "cannot", "cant", "dont", "doesnt", "didnt", "isnt", "wasnt", "wont"})
NOT_WORDS |= {"hasnt", "havent"}
_NEGATED, _SHORT = frozenset({"not"}), "n't"

_ITEM = re.compile(r"(\([^)]*\)|<\w+>|[^\s()<>]+?)(\?)?(?:\s+|$)")
# What no word of a term can be cut within: wherever a term stands in a text, the pieces of its words are the text's.
_PIECE = re.compile(r"[^\W_]+")
# What stands before a place that is within a token. (`$` would take the end of a line for it, too.)
_WITHIN = re.compile(r"[^\W_]'?\Z")
# The same for a text of ASCII alone: what is neither letter nor digit becomes a space.
_SPACED = {code: " " for code in range(128) if not chr(code).isalnum()}
_BETWEEN = r"[\s\-\u2013\u2014]+"
_GAP = rf"(?:{_BETWEEN}[\w']+){{0,4}}"
_NOT = r"(?:not|never|cannot|cant|dont|doesnt|didnt|isnt|wasnt|wont|hasnt|havent|\w+n't)"

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


class Plain:
    """A text made ready once for all word lists: small letters, no accents, one kind of apostrophe."""

    def __init__(self, text: str) -> None:
        self.text, self._kept = _plain(text)

    @cached_property
    def pieces(self) -> frozenset[str]:
        """The runs of letters and digits in it; and `not`, where anything that stands for it does."""
        found = self.text.translate(_SPACED).split() if self.text.isascii() else _PIECE.findall(self.text)
        pieces = frozenset(found)
        return pieces | _NEGATED if _SHORT in self.text or not NOT_WORDS.isdisjoint(pieces) else pieces

    def starts(self, words: Collection[str]) -> Iterator[tuple[str, int]]:
        """Yield where words begin in it, each with the word: under `not` also where its short forms do."""
        text = self.text
        if "not" in words and _SHORT in text:
            yield from self._all_starts(frozenset(words))
            return
        for word in words:
            start = text.find(word)
            while start >= 0:
                # It may stand within another word: then what begins here is no word of the text, or a longer one.
                found = TOKEN.match(text, start)
                if found and found[0] == word and not _WITHIN.search(text, max(0, start - 2), start):
                    yield word, start
                start = text.find(word, start + 1)

    def _all_starts(self, words: frozenset[str]) -> Iterator[tuple[str, int]]:
        for token in TOKEN.finditer(self.text):
            if token[0] in words:
                yield token[0], token.start()
            if token[0].endswith(_SHORT):
                yield "not", token.start()

    def place(self, place: int) -> int:
        """Return where a place in `text` is in the text as written."""
        return place if self._kept is None else self._kept[place]


# What one place of a term asks of a text: all pieces of one of these alternatives.
_Need = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class _Term:
    """One term, the words that it can begin with, and what a text must hold for it to stand there.

    `keys` has, for each place that must not be empty, one piece of each alternative: where a text has none of those of
    one place, that one look is enough. `needs` are the places of which one piece does not say all.
    """

    kind: Kind
    pattern: re.Pattern[str]
    begins: frozenset[str]
    keys: tuple[frozenset[str], ...]
    needs: tuple[_Need, ...]

    def may_stand_in(self, pieces: frozenset[str]) -> bool:
        return all(any(each <= pieces for each in need) for need in self.needs)


@dataclass(frozen=True, slots=True)
class Terms:
    """Compiled terms, by the pieces of that place of each that is the least likely to be in a text.

    `always` are those that ask nothing of a text.
    """

    terms: tuple[_Term, ...]
    by_piece: Mapping[str, tuple[int, ...]]
    known: frozenset[str]
    always: tuple[int, ...]

    def find(self, plain: Plain) -> Iterator[tuple[Kind, int, int]]:
        """Yield each place where a term stands: in the order of the text, and at one place in that of the terms."""
        possible = self._possible(plain.pieces)
        for start, place in self._tried(plain, possible) if possible else ():
            term = self.terms[place]
            found = term.pattern.match(plain.text, start)
            if found is not None:
                yield term.kind, start, found.end()

    def _possible(self, pieces: frozenset[str]) -> list[int]:
        """Return which terms have all of their words in a text of these pieces."""
        places = {place for piece in self.known & pieces for place in self.by_piece[piece]}
        terms, none_of = self.terms, pieces.isdisjoint
        return [
            place
            for place in (*places, *self.always)
            if not any(map(none_of, terms[place].keys)) and terms[place].may_stand_in(pieces)
        ]

    def _tried(self, plain: Plain, possible: Sequence[int]) -> list[tuple[int, int]]:
        """Return where in the text which of these terms may begin, in order."""
        by_word: dict[str, list[int]] = {}
        for place in possible:
            for word in self.terms[place].begins:
                by_word.setdefault(word, []).append(place)
        return sorted({(start, place) for word, start in plain.starts(by_word) for place in by_word[word]})


def compiled(terms: Sequence[tuple[Kind, str]], words: Mapping[str, Sequence[str]]) -> Terms:
    """Return terms made ready to be looked for. `words` are the lists that terms may name."""
    made = [_term(kind, term, words) for kind, term in terms]
    by_piece: dict[str, list[int]] = defaultdict(list)
    for place, term in enumerate(made):
        for piece in min(term.keys, key=_likely, default=()):
            by_piece[piece].append(place)
    always = tuple(place for place, term in enumerate(made) if not term.keys)
    found = {piece: tuple(places) for piece, places in by_piece.items()}
    return Terms(tuple(made), found, frozenset(found), always)


def _likely(pieces: frozenset[str]) -> float:
    """Return a figure that is higher the likelier one of these is in a text: short words are common ones."""
    return sum(0.5 ** len(piece) for piece in pieces)


def _term(kind: Kind, term: str, words: Mapping[str, Sequence[str]]) -> _Term:
    items = [_Item(found[1], found[2] == "?", words) for found in _ITEM.finditer(term)]
    pattern = re.compile("".join(item.pattern(first=item is items[0]) for item in items))
    needs = tuple(need for item in items if (need := item.need()) is not None)
    keys = tuple(frozenset(max(each, key=lambda piece: (len(piece), piece)) for each in need) for need in needs)
    more = tuple(need for need in needs if any(len(each) > 1 for each in need))
    return _Term(kind, pattern, frozenset(items[0].first_words()), keys, more)


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
        return words | NOT_WORDS if "not" in words else words

    def need(self) -> _Need | None:
        """Return what a text must hold for this; None where it may be missing, or be anything."""
        if self.optional or self.source == "_":
            return None
        found = tuple(frozenset(_PIECE.findall(alternative)) for alternative in self.alternatives())
        return found if all(found) else None

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


def _plain(text: str) -> tuple[str, list[int] | None]:
    """Return the text to search, and where each of its signs is in the text as written, unless that is the same."""
    lower = text.lower()
    # A letter may grow when it is made small (İ); then places would shift, and its capital stays.
    text = (lower if len(lower) == len(text) else _ASCII.sub(_small, text)).translate(_APOSTROPHES).translate(_ACCENTS)
    if _UNSEEN.search(text) is None:
        return text, None
    kept = [place for place, sign in enumerate(text) if _UNSEEN.match(sign) is None]
    return "".join(text[place] for place in kept), kept


def _small(capital: re.Match[str]) -> str:
    return capital.group().lower()
