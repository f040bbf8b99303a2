"""What a page keeps of what happened to it: turns, tellings and answers, and the policy frozen into it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.program import Line

EMERGENCY = "emergency_contact"
ALREADY_TOLD = "already_told"

# Why somebody cannot take a page. Codes, because a sentence could say more about a student than a page may.
DECLINE_REASONS = ("with_somebody", "off_duty", "cannot_get_there", "unwell", "other")


# How a page ends: what became of the student. `no_answer` ends nothing, it is an attempt.
DISPOSITIONS = ("reached_safe", "police_check", "transported", "not_located", "handed_over")
NO_ANSWER = "no_answer"


class State(StrEnum):
    """Where a page is. It ends with what became of the student; unreached has an owner who is told again and again."""

    NOTIFYING = "notifying"
    ACCEPTED = "accepted"
    UNREACHED = "unreached_owned"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Policy:
    """The line of a page as it was when the page was raised, and where it is written."""

    edition: str
    line: Line
    grant_hours: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One telling of people at one time: a step of the line, or a repeat after its end (`step` is then 0).

    `because`: raised, due, declined, failed, empty, worsened, reopened. `until`: when the next turn comes; None for an
    empty one.
    """

    number: int
    step: int
    targets: tuple[str, ...]
    because: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """One person in one turn: told, or not told and `why`. An emergency contact is an address, no person."""

    turn: int
    person: str
    target: str
    told: bool
    at: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said to a page: `accepted`, `declined` with a reason's code, or `outcome` with what came of it.

    `via` is `link`, `console`, or `case` for a contact that was written into the case.
    """

    person: str
    kind: str
    via: str
    at: datetime
    reason: str = ""
