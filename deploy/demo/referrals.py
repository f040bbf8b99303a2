"""The sixty referrals of `referrals.yaml`, given students by the seed and times by the term's end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml

from deploy.demo.students import Student

WORDS = Path(__file__).with_name("referrals.yaml")
_UNITS = {"d": "days", "h": "hours", "min": "minutes"}


@dataclass(frozen=True)
class Referral:
    """One concern somebody brings. `student` is None when nobody knows whom it is about."""

    number: int
    campus: str
    student: Student | None
    by_address_only: bool
    source: str
    relationship: str
    by: tuple[str, str]
    concerns: tuple[str, ...]
    urgency: str
    words: str
    happened_at: datetime


def referrals(chance: Random, people: list[Student], until: datetime) -> list[Referral]:
    """Return the referrals in the order of the file. No student is picked twice unless the file says so."""
    made: list[Referral] = []
    taken: set[str] = set()
    for number, entry in enumerate(yaml.safe_load(WORDS.read_text(encoding="utf-8")), 1):
        student = _student(chance, entry, people, made, taken)
        made.append(_referral(number, entry, student, until))
    return made


def _student(
    chance: Random, entry: dict[str, Any], people: list[Student], made: list[Referral], taken: set[str]
) -> Student | None:
    about = entry["about"]
    if about == "nobody":
        return None
    if about.startswith("like "):
        return made[int(about.removeprefix("like ")) - 1].student
    free = [student for student in people if student.campus == entry["campus"] and student.id not in taken]
    student = chance.choice(free)
    taken.add(student.id)
    return student


def _referral(number: int, entry: dict[str, Any], student: Student | None, until: datetime) -> Referral:
    amount, unit = entry["ago"].split()
    name, email = entry["by"] or ("", "")
    return Referral(
        number=number,
        campus=entry["campus"],
        student=student,
        by_address_only=entry["about"] == "email",
        source=entry["source"],
        relationship=entry["relationship"],
        by=(name, email),
        concerns=tuple(entry["concerns"]),
        urgency=entry["urgency"],
        words=entry["words"].replace("{first}", student.first if student else "the student"),
        happened_at=until - timedelta(**{_UNITS[unit]: float(amount)}),
    )
