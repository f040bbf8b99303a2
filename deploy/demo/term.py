"""Writes the sample term: the same files, byte for byte, for the same seed and end."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from string import Template

from deploy.demo.flags import WEEKS, Flag, flags
from deploy.demo.referrals import Referral, referrals
from deploy.demo.students import Student, students

SEED = 2026
PROGRAM = Path(__file__).with_name("program.template.yaml")
ROSTER_COLUMNS = ("student_id", "campus_code", "name", "email", "advisor_id", "level")
FLAG_COLUMNS = (
    "alert_id", "campus_code", "student_id", "student_name", "student_email", "term_code", "course_code", "section",
    "reason_code", "severity", "comment", "raised_at",
)  # fmt: skip
REFERRAL_COLUMNS = (
    "campus_code", "source_event_id", "source_kind", "student_id", "student_email", "concerns", "urgency", "narrative",
    "relationship", "referred_by_name", "referred_by_email", "happened_at",
)  # fmt: skip


@dataclass(frozen=True)
class Term:
    """Where the files of a sample term are."""

    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "program.yaml"

    @property
    def roster(self) -> Path:
        return self.folder / "roster.csv"

    @property
    def flags(self) -> Path:
        return self.folder / "flags.csv"

    @property
    def referrals(self) -> Path:
        return self.folder / "referrals.csv"

    @property
    def complete(self) -> bool:
        """Whether all of it is there; the referrals are written last."""
        return self.referrals.exists()


def write(folder: Path, until: datetime, seed: int = SEED) -> Term:
    """Write program, roster, flags and referrals of a term that ends at `until` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = Random(seed)  # noqa: S311 - a sample that is the same each time, not a secret
    term = Term(folder)
    people = students(chance)
    raised = flags(chance, people, until)
    brought = referrals(chance, people, until)
    term.program.write_text(program(until), encoding="utf-8")
    _write(term.roster, ROSTER_COLUMNS, map(_roster_row, people))
    _write(
        term.flags, FLAG_COLUMNS, (_flag_row(serial, flag, f"{until.year}T") for serial, flag in enumerate(raised, 1))
    )
    # A file that is half written must not look complete to the next run.
    fresh = term.referrals.with_suffix(".new")
    _write(fresh, REFERRAL_COLUMNS, map(_referral_row, brought))
    fresh.replace(term.referrals)
    return term


def program(until: datetime) -> str:
    """Return the program of the sample as YAML, with the term's dates in it."""
    start = until - timedelta(weeks=WEEKS)
    return Template(PROGRAM.read_text(encoding="utf-8")).substitute(
        term_start=_stamp(start - timedelta(days=1)),
        away_since=_stamp(until - timedelta(days=3)),
        away_until=_stamp(until + timedelta(days=11)),
    )


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows(rows)


def _roster_row(student: Student) -> tuple[str, ...]:
    return (student.id, student.campus, student.name, student.email, student.advisor_id, student.level)


def _flag_row(serial: int, flag: Flag, code: str) -> tuple[str, ...]:
    student = flag.student
    return (
        f"AL-{serial:06d}", student.campus, student.id, student.name, student.email, code, flag.course,
        flag.section, flag.reason, str(flag.severity), flag.comment, _stamp(flag.raised_at),
    )  # fmt: skip


def _referral_row(referral: Referral) -> tuple[str, ...]:
    student = referral.student
    return (
        referral.campus,
        f"WEB-{referral.number:04d}",
        referral.source,
        student.id if student and not referral.by_address_only else "",
        student.email if student else "",
        ";".join(referral.concerns),
        referral.urgency,
        referral.words,
        referral.relationship,
        *referral.by,
        _stamp(referral.happened_at),
    )


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
