"""Outreach lists: whom rules found beyond what a campus can take in a week, by cohort, until each has an outcome."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from services.intake.domain.flag_rules import Signal
from services.intake.domain.threshold import Firing
from shared.events.codes import level
from shared.refusal import Refused

WAITING, ENDED, REFERRED = "waiting", "ended", "referred"
# What found an entry where no rule did: a person at the triage desk, who read a referral. That is there already.
AT_THE_DESK = "triage_desk"

# What came of asking a student (domain notes §5.3), and what follows: the entry ends, goes on waiting, or becomes a
# referral, because nobody who could not be reached is crossed off a list.
Follows = Literal["end", "wait", "refer"]
OUTCOMES: dict[str, Follows] = {
    "student_responded": "end",
    "appointment_scheduled": "end",
    "assistance_declined": "end",
    "considering_future_services": "end",
    "problem_addressed": "end",
    "problem_addressed_by_referral": "end",
    "not_an_early_alert_class": "end",
    "duplicate_notice": "end",
    "other": "end",
    "waiting_for_response": "wait",
    "letter_sent": "wait",
    "pending": "wait",
    "did_not_respond": "refer",
    "unable_to_reach": "refer",
    "not_attending": "refer",
    "needs_a_case": "refer",
}
# What the timer says when nobody said anything in time.
NO_OUTCOME = "no_outcome_in_time"

# Fixed texts that a list may be written to with; their words are in notifications, one for each language.
TEMPLATES = ("check_in", "resources", "appointment")


class Cohort(NamedTuple):
    """Whom a list gathers. What the policy does not ask for is empty."""

    term: str
    course: str
    section: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One student on a list. `referral_id` is what the referral will be called, if it comes to one.

    Of one sent from the desk it is the referral itself, which goes back to the desk.
    """

    referral_id: UUID
    list_id: UUID
    campus: str
    student_id: UUID
    rule: str
    family: str
    level: str
    concerns: tuple[str, ...]
    fired_at: datetime
    listed_at: datetime
    refer_at: datetime
    messaged_at: datetime | None = None
    messaged_by: str = ""
    state: str = WAITING
    outcome_code: str = ""
    decided_at: datetime | None = None
    decided_by: str = ""


def jumps(firing: Firing) -> bool:
    """Whether what a rule found waits for no capacity: a personal concern, and whatever is grave enough to page."""
    return firing.rule.said.at_once or level(firing.rule.said.level).pages


def pressing(firing: Firing) -> tuple[int, int, datetime]:
    """Return the order in which a week's capacity is given out: the gravest, then the most flags, then the first."""
    return -max(signal.severity for signal in firing.counted), -len(firing.counted), firing.fired_at


def cohort_of(counted: Sequence[Signal], by: str) -> Cohort:
    """Return the cohort of a firing: where most of its flags are, and among those the latest."""
    places = Counter((signal.term, signal.course, signal.section) for signal in counted)
    last = {(signal.term, signal.course, signal.section): signal.raised_at for signal in counted}
    term, course, section = max(places, key=lambda place: (places[place], last[place], place))
    return Cohort(term, course if by != "term" else "", section if by == "section" else "")


def monday_of(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def decided(entry: Entry, outcome_code: str, by: str, now: datetime) -> tuple[Entry, Follows]:
    """Return an entry with its outcome, and what follows.

    Raises Refused when the outcome is none we know, or somebody else decided before.
    """
    follows = OUTCOMES.get(outcome_code)
    if follows is None:
        raise Refused("unknown_outcome", "There is no such outcome.", status=422, pointer="/body/outcome_code")
    if entry.state != WAITING:
        raise Refused("already_decided", "Somebody on this list has an outcome already. Open the list again.")
    state = {"end": ENDED, "wait": WAITING, "refer": REFERRED}[follows]
    return replace(entry, state=state, outcome_code=outcome_code, decided_at=now, decided_by=by), follows
