"""A student's inspection copy of what was said about them: without the referrer, where the referrer asked for that.

34 CFR 99.10 lets a student inspect what is kept about them; 99.12 keeps what is another student's out of it. What can
be known to name somebody is taken out here. What only a person can see, such as who "my sister" is, is pointed out and
never decided.
"""

import re
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
    """Return a text without whom it must not name."""
    if not whose.shielded:
        return Passage(text, ())
    # Whoever else is named by an address or a number is somebody else's matter too.
    shown = _PHONE.sub(WITHHELD, _EMAIL.sub(WITHHELD, _without(text, _names(whose))))
    return Passage(shown, tuple(_to_review(shown)))


def _names(whose: Whose) -> list[str]:
    words = re.split(r"[\s,.'-]+", whose.name)
    local = whose.email.partition("@")[0]
    found = [whose.name, whose.email, *words, local, *re.split(r"[._+-]", local), whose.phone]
    return sorted({each for each in found if len(each) >= _SHORTEST}, key=len, reverse=True)


def _without(text: str, names: Sequence[str]) -> str:
    if not names:
        return text
    inside = "|".join(re.escape(name) for name in names)
    return re.sub(rf"(?<!\w)(?:{inside})(?!\w)", WITHHELD, text, flags=re.IGNORECASE)


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
