"""Early alerts over a term, in the shape they come in: most students have none or one, a few have many at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from deploy.demo.students import Student

COUNT = 9_000
WEEKS = 12

# What is flagged: code, severity, words, and how often of a hundred.
_KINDS = (
    ("LATE_WORK", 1, "Assignment {n} came {d} days late.", 30),
    ("MISSING_WORK", 2, "Assignment {n} was not handed in.", 30),
    ("ABSENCE", 1, "{d} absences in a row.", 20),
    ("LOW_SCORE", 2, "Quiz {n} scored {s} of 100.", 18),
    ("WITHDREW", 3, "Withdrew in week {w}.", 2),
)
# A hard time: several flags within three weeks, across courses. The rest is spread over the term.
_SHARE_IN_TROUBLE = 0.035
_SHARE_IN_ONE_COURSE = 0.19


@dataclass(frozen=True)
class Flag:
    """One alert of one student in one course."""

    student: Student
    course: str
    section: str
    reason: str
    severity: int
    comment: str
    raised_at: datetime


def flags(chance: Random, people: list[Student], until: datetime) -> list[Flag]:
    """Return `COUNT` flags in the order they were raised, the last of them before `until`."""
    start = until - timedelta(weeks=WEEKS)
    raised: list[Flag] = []
    for student in people:
        raised += _of(chance, student, start)
    while len(raised) < COUNT:
        student = chance.choice(people)
        raised.append(_flag(chance, student, chance.choice(student.courses), start, chance.uniform(0, WEEKS * 7)))
    chosen = chance.sample(raised, COUNT)
    return sorted(chosen, key=lambda flag: (flag.raised_at, flag.student.id, flag.course, flag.reason))


def _of(chance: Random, student: Student, start: datetime) -> list[Flag]:
    """Return the flags of one student, by how the term goes for them."""
    fate = chance.random()
    if fate < _SHARE_IN_TROUBLE:
        first = chance.uniform(7, (WEEKS - 3) * 7)
        days = [first + chance.uniform(0, 20) for _ in range(chance.randint(5, 12))]
        return [_flag(chance, student, chance.choice(student.courses), start, day) for day in days]
    if fate < _SHARE_IN_TROUBLE + _SHARE_IN_ONE_COURSE:
        course = chance.choice(student.courses)
        days = [chance.uniform(0, WEEKS * 7) for _ in range(chance.randint(5, 22))]
        return [_flag(chance, student, course, start, day) for day in days]
    return []


def _flag(chance: Random, student: Student, course: str, start: datetime, day: float) -> Flag:
    reason, severity, words, _ = chance.choices(_KINDS, weights=[kind[3] for kind in _KINDS])[0]
    comment = words.format(
        n=chance.randint(1, 9), d=chance.randint(2, 6), s=chance.randint(8, 39), w=int(day // 7) + 1
    )  # fmt: skip
    at = (start + timedelta(days=day)).replace(microsecond=0)
    return Flag(student, course, f"{course}-{chance.randint(1, 4):02d}", reason, severity, comment, at)
