"""A student's inspection copy of what was said about them: without the referrer, where the referrer asked for that.

34 CFR 99.10 lets a student inspect what is kept about them; 99.12 keeps what is another student's out of it. What can
be known to name somebody is taken out here. What only a person can see, such as who "my sister" is, is pointed out and
never decided.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

WITHHELD = "[withheld]"
_FIRST_PERSON = re.compile(
    r"\b(i|i'm|i've|me|my|mine|myself|we|us|our|ours|yo|m[ií]|mis|m[ií]o|nosotros|nosotras|nuestr[oa]s?)\b",
    re.IGNORECASE,
)
_END = re.compile(r"(?<=[.!?])\s+|\n+")
_EMAIL = re.compile(r"[^\s@<>(),;:\"]+@[^\s@<>(),;:\"]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"\+?\d[\d\s().-]{5,}\d")
# Shorter names are words of the language too often; a person looks at those.
_SHORTEST = 3
_BETWEEN = r"[\s,.'-]+"
_UNSEEN = frozenset({"Mn", "Me", "Cf"})  # marks on other signs, and signs that do not show
_APOSTROPHES = frozenset("\u2018\u2019\u02bc\u0060\u00b4\u2032")


@dataclass(frozen=True, slots=True)
class Whose:
    """The referrer, as far as known, and whether the student may know of them."""

    name: str = ""
    email: str = ""
    phone: str = ""
    shielded: bool = True


@dataclass(frozen=True, slots=True)
class Passage:
    """One text as the student may see it, and the places in it that a person has to look at first."""

    text: str
    review: tuple[tuple[int, int], ...]


def passage(text: str, whose: Whose) -> Passage:
    """Return a text without whom it must not name, however the name is written there."""
    if not whose.shielded:
        return Passage(text, ())
    plain, places = _plainly(text)
    # Whoever else is named by an address or a number is somebody else's matter too.
    patterns = (*_names(whose), _EMAIL, _PHONE)
    shown = _without(text, sorted(place.span() for each in patterns for place in each.finditer(plain)), places)
    return Passage(shown, tuple(_to_review(shown)))


def _names(whose: Whose) -> list[re.Pattern[str]]:
    words = re.split(_BETWEEN, _plainly(whose.name)[0])
    email = _plainly(whose.email)[0]
    local = email.partition("@")[0]
    found = [_plainly(whose.name)[0], email, *words, local, *re.split(r"[._+-]", local), _plainly(whose.phone)[0]]
    names = {each.strip() for each in found if len(each.strip()) >= _SHORTEST}
    return [re.compile(rf"(?<!\w){re.escape(name)}(?!\w)") for name in sorted(names)]


def _plainly(text: str) -> tuple[str, list[int]]:
    """Return a text as names are compared, and where each of its signs, and the end, stands in the text itself.

    Without case, marks and signs that do not show, and with one dash and one apostrophe: Zoe is whoever is called
    Zoë, whichever way that is typed.
    """
    plain: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        for part in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", sign).casefold()):
            kind = unicodedata.category(part)
            if kind not in _UNSEEN:
                plain.append("-" if kind == "Pd" else "'" if part in _APOSTROPHES else part)
                places.append(place)
    return "".join(plain), [*places, len(text)]


def _without(text: str, spans: Sequence[tuple[int, int]], places: Sequence[int]) -> str:
    shown, at = list[str](), 0
    for start, end in ((places[start], places[end]) for start, end in spans):
        if start >= at:
            shown += (text[at:start], WITHHELD)
        at = max(at, end)
    return "".join((*shown, text[at:]))


def _to_review(text: str) -> list[tuple[int, int]]:
    """Return the sentences in which somebody speaks of themselves, or in which something was taken out."""
    found, start = [], 0
    for end in [*(each.start() for each in _END.finditer(text)), len(text)]:
        sentence = text[start:end]
        if _FIRST_PERSON.search(sentence) or WITHHELD in sentence:
            found.append((start, end))
        rest = _END.match(text, end)
        start = rest.end() if rest else end
    return found
