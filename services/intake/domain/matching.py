"""Who a referral may be about: what it says, held against what the roster knows of a student, field by field.

Nothing here decides. A name is never enough: an exact id or address matches by itself when a referral comes, and all
else is a proposal with its evidence, for a person.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from services.intake.domain.likeness import likeness, names_in, one_slip
from services.intake.domain.people import EMAIL, NUMBER, Section, comparable
from services.intake.domain.referrals import About
from services.intake.domain.roster_rows import Student

MOST = 6


class Agreement(StrEnum):
    """How one field of the evidence agrees. People read: The same, Fits, Could fit, Differs, Nothing to compare."""

    SAME = "same"
    FITS = "fits"
    COULD_FIT = "could_fit"
    DIFFERS = "differs"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One field: what the referral says of it, what is known, how they agree."""

    field: str
    said: str
    known: str
    agreement: Agreement


class Known(NamedTuple):
    """A student with all their comparable names, former addresses and numbers, and classes."""

    student: Student
    names: tuple[str, ...] = ()
    before: tuple[tuple[str, str], ...] = ()
    classes: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Question:
    """What a referral says of whom it is about, and who brought it: a class of theirs is the best second sign."""

    about: About
    today: date
    referrer_id: str = ""

    @cached_property
    def said(self) -> tuple[str, ...]:
        """The names it uses, in comparable spelling."""
        about = self.about
        return (comparable(about.name),) if about.name else tuple(names_in(about.description))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A student who may be meant, with the evidence. `score` orders candidates and is worth nothing else."""

    known: Known
    evidence: tuple[Evidence, ...]
    score: float

    @property
    def agrees(self) -> int:
        """How many fields agree."""
        return sum(each.agreement in (Agreement.SAME, Agreement.FITS) for each in self.evidence)

    @property
    def compared(self) -> int:
        """How many fields there was something to compare in."""
        return sum(each.agreement is not Agreement.NOTHING for each in self.evidence)


_A = Agreement
# What each agreement is worth, by field: roughly the logarithm of how much likelier it is for the right student than
# for another one with a like name. Measured on `make bench`; names repeat far more often than their spelling differs.
_WORTH: dict[str, dict[Agreement, float]] = {
    "name": {_A.SAME: 4.0, _A.FITS: 3.0, _A.COULD_FIT: 1.2, _A.DIFFERS: -3.0},
    "number": {_A.SAME: 9.0, _A.FITS: 7.0, _A.COULD_FIT: 4.0, _A.DIFFERS: -2.0},
    "email": {_A.SAME: 8.0, _A.FITS: 6.0, _A.COULD_FIT: 3.0, _A.DIFFERS: -1.5},
    "birth_date": {_A.SAME: 5.0, _A.FITS: 2.0, _A.COULD_FIT: 2.0, _A.DIFFERS: -3.0},
    "course": {_A.SAME: 4.0, _A.FITS: 2.5, _A.COULD_FIT: 1.0, _A.DIFFERS: -0.8},
    "residence": {_A.SAME: 3.0, _A.FITS: 2.0, _A.COULD_FIT: 0.7, _A.DIFFERS: -0.8},
    "level": {_A.SAME: 0.8, _A.FITS: 0.8, _A.COULD_FIT: 0.0, _A.DIFFERS: -0.8},
    "pronouns": {_A.SAME: 0.3, _A.FITS: 0.3, _A.COULD_FIT: 0.0, _A.DIFFERS: -0.5},
}
_LEAST = 1.0
_FITS, _COULD = 0.94, 0.82


def rank(question: Question, known: Sequence[Known], most: int = MOST) -> list[Candidate]:
    """Return who may be meant, the likeliest first; nobody whose evidence speaks against them."""
    found = (weigh(question, each) for each in known)
    fitting = [each for each in found if each.score >= _LEAST and _is_named(each)]
    fitting.sort(key=lambda each: (-each.score, str(each.known.student.student_id)))
    return fitting[:most]


def may_be_called(question: Question, names: Iterable[str]) -> bool:
    """Return whether any of these comparable names may be meant; where no name was said, whoever was found may be."""
    said = question.said
    return not said or any(likeness(one, other) >= _COULD for one in said for other in names)


def _is_named(candidate: Candidate) -> bool:
    """Return whether a candidate is called, numbered or written to somewhat as was said.

    To share a class or a hall with the one who is meant is no sign of being them.
    """
    by_field = {each.field: each.agreement for each in candidate.evidence}
    names = [by_field[field] for field in ("name", "number", "email", "birth_date")]
    return any(each not in (Agreement.DIFFERS, Agreement.NOTHING) for each in names)


def weigh(question: Question, known: Known) -> Candidate:
    """Hold what is said against one student."""
    evidence = tuple(compare(question, known) for compare in _COMPARISONS)
    score = sum(_WORTH[each.field].get(each.agreement, 0.0) for each in evidence)
    return Candidate(known, evidence, score + 2 * name_likeness(question, known))


def name_likeness(question: Question, known: Known) -> float:
    """Return how like what the referral calls the student is to any name they go by."""
    return max((likeness(one, other) for one in question.said for other in _names(known)), default=0.0)


def _names(known: Known) -> tuple[str, ...]:
    return known.names or (comparable(known.student.shown_name), comparable(known.student.name))


# --------------------------------------------------------------------------------------------------- the comparisons


def _name(question: Question, known: Known) -> Evidence:
    said, names = question.said, _names(known)
    shown = known.student.shown_name
    if not said:
        return Evidence("name", "", shown, _A.NOTHING)
    parts = {frozenset(each.split()) for each in names}
    if any(frozenset(each.split()) in parts for each in said if " " in each):
        agreement = _A.SAME
    else:
        agreement = _grade(name_likeness(question, known))
    return Evidence("name", question.about.name or question.about.description, shown, agreement)


def _grade(like: float) -> Agreement:
    if like >= _FITS:
        return _A.FITS
    return _A.COULD_FIT if like >= _COULD else _A.DIFFERS


def _number(question: Question, known: Known) -> Evidence:
    said, number = question.about.number, known.student.number
    before = {value for kind, value in known.before if kind == NUMBER}
    return Evidence("number", said, number, _exact(said.lower(), number.lower(), before))


def _email(question: Question, known: Known) -> Evidence:
    said, email = question.about.email, known.student.email
    before = {value for kind, value in known.before if kind == EMAIL}
    return Evidence("email", said, email, _exact(said, email, before))


def _exact(said: str, known: str, before: set[str]) -> Agreement:
    if not said or not (known or before):
        return _A.NOTHING
    if said == known:
        return _A.SAME
    if said in before:
        return _A.FITS
    return _A.COULD_FIT if one_slip(said, known) else _A.DIFFERS


_CODE = re.compile(r"\b([A-Za-z]{2,6})[\s-]?(\d{2,4}[A-Za-z]?)\b")
_SECTION = re.compile(r"\b(?:section|sec\.?|secci[oó]n)\s*#?\s*(\w{1,8})\b", re.IGNORECASE)


def _course(question: Question, known: Known) -> Evidence:
    said, classes = question.about.course, known.classes
    taught = [each for each in classes if question.referrer_id and each.instructor_id == question.referrer_id]
    if taught:
        # Who teaches somebody knows whom they mean, whether or not they named the class.
        return Evidence("course", said, _class(taught[0]), _A.SAME)
    codes = {f"{letters}{digits}".upper() for letters, digits in _CODE.findall(said)}
    if not codes or not classes:
        return Evidence("course", said, "; ".join(_class(each) for each in classes[:3]), _A.NOTHING)
    same = [each for each in classes if _code(each.course) in codes]
    if not same:
        return Evidence("course", said, "; ".join(_class(each) for each in classes[:3]), _A.DIFFERS)
    section = _SECTION.search(said)
    if section is None:
        return Evidence("course", said, _class(same[0]), _A.FITS)
    exact = [each for each in same if each.section.casefold().endswith(section.group(1).casefold())]
    return Evidence("course", said, _class((exact or same)[0]), _A.SAME if exact else _A.COULD_FIT)


def _class(section: Section) -> str:
    return f"{section.course}, section {section.section}" if section.section else section.course


def _code(course: str) -> str:
    return re.sub(r"[\s_-]", "", course).upper()


_PLACE_WORDS = frozenset(
    ("a", "an", "apt", "at", "building", "dorm", "floor", "hall", "house", "in", "of", "on", "room", "the")
)
_OFF = frozenset(("off", "campus"))


def _residence(question: Question, known: Known) -> Evidence:
    said, lives = question.about.residence, known.student.profile.residence
    one, other = set(comparable(said).split()), set(comparable(lives).split())
    if not one or not other:
        agreement = _A.NOTHING
    elif one == other:
        agreement = _A.SAME
    else:
        names, others = _place(one), _place(other)
        rooms, other_rooms = _rooms(one), _rooms(other)
        if not names & others:
            agreement = _A.DIFFERS
        else:
            agreement = _A.COULD_FIT if rooms and other_rooms and not rooms & other_rooms else _A.FITS
    return Evidence("residence", said, lives, agreement)


def _place(words: set[str]) -> set[str]:
    named = {word for word in words - _PLACE_WORDS if not any(sign.isdigit() for sign in word)}
    return named if not words >= _OFF else set(_OFF)


def _rooms(words: set[str]) -> set[str]:
    return {word for word in words if any(sign.isdigit() for sign in word)}


_YEARS = {
    "first": 1, "freshman": 1, "freshmen": 1, "fr": 1, "1": 1, "1st": 1, "primero": 1,
    "second": 2, "sophomore": 2, "so": 2, "2": 2, "2nd": 2, "segundo": 2,
    "third": 3, "junior": 3, "jr": 3, "3": 3, "3rd": 3, "tercero": 3,
    "fourth": 4, "senior": 4, "sr": 4, "4": 4, "4th": 4, "cuarto": 4,
    "graduate": 6, "grad": 6, "masters": 6, "doctoral": 6, "phd": 6, "gr": 6,
}  # fmt: skip


def _level(question: Question, known: Known) -> Evidence:
    said, level = question.about.level, known.student.profile.level
    one, other = _year(said), _year(level)
    if not one or not other:
        agreement = _A.NOTHING
    elif one == other:
        agreement = _A.FITS
    else:
        agreement = _A.COULD_FIT if abs(one - other) == 1 else _A.DIFFERS
    return Evidence("level", said, level, agreement)


def _year(text: str) -> int:
    return next((_YEARS[word] for word in comparable(text).split() if word in _YEARS), 0)


def _birth_date(question: Question, known: Known) -> Evidence:
    said, born = question.about.birth_date, known.student.profile.birth_date
    shown = born.isoformat() if born else ""
    return Evidence("birth_date", said, shown, _born(said, born, question.today) if said and born else _A.NOTHING)


def _born(said: str, born: date, today: date) -> Agreement:
    numbers = [int(each) for each in re.findall(r"\d+", said)]
    if len(numbers) == 1 and numbers[0] < 120:  # noqa: PLR2004 - an age
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        return _A.FITS if numbers[0] == age else _A.COULD_FIT if abs(numbers[0] - age) == 1 else _A.DIFFERS
    parts = (born.year, born.month, born.day)
    if tuple(numbers) == parts or (numbers[2:] == [born.year] and tuple(numbers[:2]) == parts[1:]):
        return _A.SAME
    shared = sum(number in parts for number in set(numbers))
    return _A.COULD_FIT if len(numbers) == 3 and shared >= 2 else _A.DIFFERS  # noqa: PLR2004 - day, month, year


def _pronouns(question: Question, known: Known) -> Evidence:
    said, used = question.about.pronouns, known.student.profile.pronouns
    one, other = set(comparable(said).split()), set(comparable(used).split())
    agreement = _A.FITS if one & other else _A.DIFFERS
    return Evidence("pronouns", said, used, agreement if one and other else _A.NOTHING)


# In the order in which people read them.
_COMPARISONS: tuple[Callable[[Question, Known], Evidence], ...] = (
    _name, _number, _email, _residence, _course, _level, _birth_date, _pronouns,
)  # fmt: skip
