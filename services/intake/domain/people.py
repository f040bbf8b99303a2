"""What the roster may say of a student beyond who they are, and how names are written so that they can be compared."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import NamedTuple

EMERGENCY, MISSING_PERSON = "emergency", "missing_person"
# Kinds of other names. Those from `email` on are compared whole, never by likeness.
NAME, IN_USE, FORMER, ALIAS, EMAIL, NUMBER = "name", "in_use", "former", "alias", "email", "number"
ADULT = 18

# Letters that no decomposition takes apart.
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "\u0131": "i", "ħ": "h"}
)
_BETWEEN = re.compile(r"[^\w]+|_", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a student. Empty, or None, where nobody has said it."""

    name_in_use: str = ""
    pronouns: str = ""
    birth_date: date | None = None
    study_program: str = ""
    level: str = ""
    residence: str = ""
    athlete: bool | None = None
    veteran: bool | None = None
    minor: bool | None = None
    directory_opt_out: bool = False

    def is_minor(self, today: date) -> bool | None:
        """Return whether the student is under age: by the birth date where it is known, else as the roster says."""
        if self.birth_date is None:
            return self.minor
        born = self.birth_date
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day)) < ADULT


NOTHING_KNOWN = Profile()


class Section(NamedTuple):
    """A class that a student is in. `instructor_id` is the staff id of who teaches it, as sign-in knows them."""

    term: str
    course: str
    section: str
    instructor_id: str


class Contact(NamedTuple):
    """Whom to call for a student. Emergency and missing-person contacts are two lists that never mix."""

    name: str
    relationship: str = ""
    phone: str = ""
    email: str = ""


class Beside(NamedTuple):
    """Lists that a file may bring with a student; None where the file has no such column, and the list stays."""

    aliases: tuple[str, ...] | None = None
    sections: tuple[Section, ...] | None = None
    emergency: tuple[Contact, ...] | None = None
    missing_person: tuple[Contact, ...] | None = None

    @property
    def marks(self) -> dict[str, str]:
        """Return a mark of each list that is there: what has the same mark as before need not be written again."""
        return {name: _mark(value) for name, value in self._asdict().items() if value is not None}


def _mark(value: Iterable[object]) -> str:
    return blake2b(repr(tuple(value)).encode(), digest_size=12).hexdigest()


def shown_name(name: str, in_use: str) -> str:
    """Return the name to show: the one in use. A given name alone is completed with the last word of the other."""
    if not in_use or " " in in_use or " " not in name:
        return in_use or name
    return f"{in_use} {name.rsplit(' ', 1)[1]}"


def comparable(name: str) -> str:
    """Return a name without case, accents and punctuation, in the order of its writing; `Last, First` is turned."""
    last, comma, first = name.partition(",")
    turned = f"{first} {last}" if comma and first.strip() else name
    plain = unicodedata.normalize("NFKD", turned.casefold().translate(_LETTERS))
    # Once more: some signs, such as a raised A, are capitals only when they are taken apart.
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()
    return " ".join(part for part in _BETWEEN.split(letters.replace("'", "").replace("\u2019", "")) if part)
