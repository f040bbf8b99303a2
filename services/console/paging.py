"""Pages as screens show them: whose turn it is, until when, and what became of it. Words only; owners know the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.console.visit import Visit
from shared.web.ui.times import absolute

TARGETS = {
    "duty": "campus duty",
    "duty_backup": "campus backup",
    "system": "system duty",
    "system_backup": "system backup",
    "related_on_duty": "case manager",
    "team": "care team",
    "director": "director",
    "titleix_coordinator": "Title IX coordinator",
    "titleix_deputy": "Title IX deputy",
}
# What can be written down, in the order it is asked; the first ends nothing.
OUTCOMES = (
    ("reached_safe", "Reached, safe", ""),
    ("no_answer", "No answer yet", ""),
    ("police_check", "Police check asked", ""),
    ("transported", "Taken to care", ""),
    ("not_located", "Not found", ""),
    ("handed_over", "Handed over", ""),
)
REASONS = (
    ("with_somebody", "I am with another student", ""),
    ("off_duty", "I am not on duty", ""),
    ("cannot_get_there", "I cannot get to a phone or computer", ""),
    ("unwell", "I am not well", ""),
    ("other", "Another reason", ""),
)
ENDINGS = {
    "reached_safe": "Reached, safe",
    "police_check": "Police check asked",
    "transported": "Taken to care",
    "not_located": "Not found",
    "handed_over": "Handed over",
}


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who was told, in words."""

    name: str
    what: str
    you: bool


@dataclass(frozen=True, slots=True)
class PageView:
    """One page as one person sees it."""

    id: str
    reference: str
    state: str
    danger: bool
    level: str
    campus: str
    campus_name: str
    zone: str
    referral_id: str
    case_id: str | None
    happened_at: datetime
    raised_at: datetime
    turn_at: datetime
    next_at: datetime | None
    accepted_by: str
    accepted_at: datetime | None
    accepted_name: str
    grant_until: datetime | None
    contact_due: datetime | None
    contacted: bool
    attempts: int
    ending: str
    ended_at: datetime | None
    reopened: int
    owner: str
    asked: bool
    declined: bool
    mine: bool
    told: tuple[Told, ...]
    unreached: bool

    @property
    def waits(self) -> bool:
        """Whether somebody is still wanted."""
        return self.state in ("notifying", "unreached_owned")

    @property
    def late(self) -> bool:
        """Whether it was accepted and nobody has been reached yet."""
        return self.state == "accepted" and not self.contacted

    def used(self, now: datetime) -> float:
        """Return the share of the time of this turn that is gone, 0 to 1."""
        if self.next_at is None or self.next_at <= self.turn_at:
            return 1.0
        return min(max((now - self.turn_at) / (self.next_at - self.turn_at), 0.0), 1.0)

    def left(self, now: datetime) -> timedelta:
        """Return how long until the next person is told."""
        return max((self.next_at or now) - now, timedelta())


def view(visit: Visit, said: Mapping[str, Any]) -> PageView:
    """Return a page as this person sees it."""
    campus = visit.program.campuses.get(said["campus"])
    zone = campus.zone if campus else "UTC"
    me = visit.person.id
    told = [(each, datetime.fromisoformat(each["at"])) for each in said["told"]]
    mine = next((each for each, _ in told if each["staff_id"] == me), None)
    return PageView(
        id=said["page_id"],
        reference=said["reference"] or "without a reference",
        state=said["state"],
        danger=said["function"] == "danger",
        level=said["level"],
        campus=said["campus"],
        campus_name=visit.campus_name(said["campus"]),
        zone=zone,
        referral_id=said["referral_id"],
        case_id=said["case_id"],
        happened_at=datetime.fromisoformat(said["happened_at"]),
        raised_at=datetime.fromisoformat(said["raised_at"]),
        turn_at=max((at for _, at in told), default=datetime.fromisoformat(said["raised_at"])),
        next_at=_at(said["next_at"]),
        accepted_by=said["accepted_by"] or "",
        accepted_at=_at(said["accepted_at"]),
        accepted_name="you" if said["accepted_by"] == me else visit.staff_name(said["accepted_by"]),
        grant_until=_at(said["grant_until"]),
        contact_due=_at(said["contact_due"]),
        contacted=said["contacted_at"] is not None,
        attempts=said["attempts"],
        ending=ENDINGS.get(said["disposition"], ""),
        ended_at=_at(said["disposed_at"]),
        reopened=said["reopened"],
        owner=visit.staff_name(said["owner_id"]) if said["owner_id"] else "",
        asked=mine is not None,
        declined=mine is not None and mine["declined"],
        mine=said["accepted_by"] == me,
        told=tuple(_told(visit, each, at, said, zone) for each, at in told),
        unreached=said["state"] == "unreached_owned",
    )


def _told(visit: Visit, each: Mapping[str, Any], at: datetime, said: Mapping[str, Any], zone: str) -> Told:
    you = each["staff_id"] == visit.person.id
    what = f"{TARGETS.get(each['target'], 'named by the policy')}. Told {_clock(at, visit.now, zone)}"
    if each["staff_id"] == said["accepted_by"]:
        what += ", accepted"
    elif each["declined"]:
        what += ", can’t take it"
    elif said["state"] in ("notifying", "unreached_owned") and not you:
        what += ", has not answered"
    return Told("You" if you else visit.staff_name(each["staff_id"]), what, you)


def _clock(at: datetime, now: datetime, zone: str) -> str:
    """Return "today at 8:36 am" in the middle of a sentence."""
    return absolute(at, now, zone).replace("Today,", "at")


def _at(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
