"""A referral: as it comes in, what is made of it at once, and what people do with it later."""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from msgspec import UNSET

from services.intake.domain.screening import Screening
from services.intake.domain.triage import Facts, decide_by_rule
from shared.events import Event
from shared.events.codes import Decision
from shared.events.referrals import (
    DangerRaised,
    MisconductReported,
    ReferralMatched,
    ReferralReceived,
    ReferralTriaged,
)
from shared.program.rules import Triage
from shared.refusal import Refused

MATCHING, TRIAGE_DUE, TRIAGED, RETRACTED = "matching", "triage_due", "triaged", "retracted"

# A mark on a referral: a machine probably wrote it. Others: `group` and `place` (it is about no one person), `aware`
# and `unaware` (of being referred), `asked`, `heard` (the referrer has said more) and `retracted`.
LIKELY_BOT = "likely_bot"

# What a referrer is told, and never more: received, reviewed, acted, closed.
STATUS_OF_DECISION = {
    Decision.OPEN_CASE.value: "reviewed",
    Decision.ATTACH.value: "reviewed",
    Decision.DUPLICATE.value: "reviewed",  # the matter goes on under the other
}
_DONE = "closed"


@dataclass(frozen=True, slots=True)
class About:
    """Whom a referral is about, as the referrer put it. `number` is the campus system's id, or our own.

    What follows `description` is there where the referrer was asked for it: it helps a person to tell two students
    apart and never matches by itself. `course` may name the instructor too; `birth_date` is as it was written.
    """

    number: str = ""
    email: str = ""
    description: str = ""
    name: str = ""
    course: str = ""
    residence: str = ""
    level: str = ""
    pronouns: str = ""
    birth_date: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A referral as it comes. `source` and `source_event_id` name it for its source; the same pair is the same one.

    `referrer_id` is the subject id of a signed-in referrer. `happened_at` is None when it was made just now.
    """

    referral_id: UUID
    reference: str
    campus: str
    about: About
    concerns: tuple[str, ...]
    urgency: str
    narrative: str
    relationship: str
    source_kind: str
    channel: str
    source: str
    source_event_id: str
    live: bool
    happened_at: datetime | None = None
    referrer_id: str = ""
    referrer_name: str = ""
    referrer_email: str = ""
    referrer_phone: str = ""
    import_id: UUID | None = None
    marks: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The student a referral is about, and what said so: `exact_id`, `exact_email`, or `person`."""

    student_id: UUID
    basis: str


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral as intake keeps it, without its texts. `version` counts the events published about it."""

    referral_id: UUID
    reference: str
    campus: str
    sensitivity: str
    student_id: UUID | None
    match_basis: str
    matched_by: str
    matched_at: datetime | None
    state: str
    decision: str
    reason_code: str
    decided_by: str
    triaged_at: datetime | None
    family: str
    concerns: tuple[str, ...]
    level: str
    found_by: str
    urgency: str
    source_kind: str
    channel: str
    relationship: str
    source: str
    source_event_id: str
    referrer_id: str
    live: bool
    happened_at: datetime
    received_at: datetime
    status: str
    case_id: UUID | None
    version: int
    import_id: UUID | None
    marks: tuple[str, ...] = ()
    due_at: datetime | None = None
    rating: str = ""

    @property
    def danger(self) -> bool:
        """Whether it raised danger when it came."""
        return bool(self.found_by)

    @property
    def facts(self) -> Facts:
        """What triage rules may ask."""
        return Facts(
            self.source_kind,
            self.channel,
            self.concerns,
            self.urgency,
            self.level,
            self.family,
            self.student_id is not None,
        )

    def is_late(self, hours: float) -> bool:
        """Whether what it tells is too old to wake anybody (design §5): only what did not come live can be."""
        return not self.live and self.received_at - self.happened_at > timedelta(hours=hours)


_FIELDS = tuple(field.name for field in fields(Referral))
_values = attrgetter(*_FIELDS)


def receive(
    incoming: Incoming,
    screening: Screening,
    match: Match | None,
    triage: Triage,
    now: datetime,
    *,
    due_at: datetime | None = None,
) -> tuple[Referral, tuple[Event, ...]]:
    """Take a referral in: return what to keep and the facts to publish. Danger is among them whatever else is open.

    `due_at` is by when a person is to decide, where the rules do not.
    """
    referral = Referral(
        referral_id=incoming.referral_id,
        reference=incoming.reference,
        campus=incoming.campus,
        sensitivity=screening.sensitivity,
        student_id=match.student_id if match else None,
        match_basis=match.basis if match else "",
        matched_by=f"rule:{match.basis}" if match else "",
        matched_at=now if match else None,
        state=TRIAGE_DUE if match else MATCHING,
        decision="",
        reason_code="",
        decided_by="",
        triaged_at=None,
        family=screening.family,
        concerns=screening.concerns,
        level=screening.level.value,
        found_by=screening.found_by if screening.danger else "",
        urgency=incoming.urgency,
        source_kind=incoming.source_kind,
        channel=incoming.channel,
        relationship=incoming.relationship,
        source=incoming.source,
        source_event_id=incoming.source_event_id,
        referrer_id=incoming.referrer_id,
        live=incoming.live,
        happened_at=incoming.happened_at or now,
        received_at=now,
        status="received",
        case_id=None,
        version=1 + screening.danger + screening.misconduct,
        import_id=incoming.import_id,
        marks=incoming.marks,
        due_at=due_at,
    )
    facts = _announced(referral, misconduct=screening.misconduct)
    referral, more = by_rule(referral, triage, now)
    return referral, (*facts, *more)


def by_rule(referral: Referral, triage: Triage, now: datetime) -> tuple[Referral, tuple[Event, ...]]:
    """Let the rules decide an undecided referral; unchanged when a person must.

    What a machine seems to have written is for a person: a rule would open cases for it by the hundred.
    """
    rule = None if LIKELY_BOT in referral.marks else decide_by_rule(triage, referral.facts)
    if rule is None:
        return referral, ()
    return _decided(referral, rule.decision, rule.reason_code, f"rule:{rule.name}", now)


def triaged(
    referral: Referral, decision: Decision, reason_code: str, by: str, now: datetime
) -> tuple[Referral, tuple[Event, ...]]:
    """Let a person decide. Raises Refused when it has been decided, or when it cannot be decided so."""
    if referral.state == TRIAGED:
        raise Refused("already_triaged", "This referral has been triaged already.")
    if referral.state == RETRACTED:
        raise Refused("retracted", "This referral was taken back. Reopen it first.")
    if decision == Decision.TRIAGE_DUE:
        raise Refused("not_a_decision", "That decides nothing.", status=422, pointer="/body/decision")
    if decision == Decision.ATTACH and referral.student_id is None:
        raise Refused(
            "not_matched", "A referral about nobody known yet can open a case, not join one.", pointer="/body/decision"
        )
    return _decided(referral, decision, reason_code, by, now)


def matched(
    referral: Referral, student_id: UUID, by: str, triage: Triage, now: datetime
) -> tuple[Referral, tuple[Event, ...]]:
    """Let a person say whom it is about; rules then have another look. Saying the same twice changes nothing.

    Raises Refused when somebody else was named before: undoing a match is a decision of its own.
    """
    if referral.student_id == student_id:
        return referral, ()
    if referral.student_id is not None:
        raise Refused("already_matched", "This referral has been matched to another student.")
    state = TRIAGE_DUE if referral.state == MATCHING else referral.state
    known = replace(
        referral,
        student_id=student_id,
        match_basis="person",
        matched_by=by,
        matched_at=now,
        state=state,
        version=referral.version + 1,
    )
    fact = ReferralMatched(**head_of(known), matched_at=now, basis="person", matched_by=by)
    if known.state == TRIAGED:
        return known, (fact,)
    known, more = by_rule(known, triage, now)
    return known, (fact, *more)


def _announced(referral: Referral, *, misconduct: bool) -> tuple[Event, ...]:
    """Return what is known at once, the danger first. The referral's version counts these events."""
    received = ReferralReceived(
        **head_of(referral),
        source_kind=referral.source_kind,
        channel=referral.channel,
        concerns=referral.concerns,
        level=referral.level,
        urgency=referral.urgency,
        received_at=referral.received_at,
        happened_at=referral.happened_at,
    )
    if not referral.danger and not misconduct:
        return (received,)
    head = {**head_of(referral), "happened_at": referral.happened_at}
    urgent: list[Event] = []
    if referral.danger:
        urgent.append(
            DangerRaised(
                **{**head, "sequence": 1},
                level=referral.level,
                found_by=referral.found_by,
                raised_at=referral.received_at,
            )
        )
    if misconduct:
        head["sequence"] = len(urgent) + 1
        urgent.append(MisconductReported(**head, reported_at=referral.received_at))
    return (*urgent, received)


def _decided(
    referral: Referral, decision: str, reason_code: str, by: str, now: datetime
) -> tuple[Referral, tuple[Event, ...]]:
    # As `replace` does it, at half the price: every referral that comes passes here.
    as_it_was: dict[str, Any] = dict(zip(_FIELDS, _values(referral), strict=True))
    decided = Referral(
        **as_it_was
        | {
            "state": TRIAGED,
            "decision": decision,
            "reason_code": reason_code,
            "decided_by": by,
            "triaged_at": now,
            "status": STATUS_OF_DECISION.get(decision, _DONE),
            "version": referral.version + 1,
        }
    )
    fact = ReferralTriaged(
        **head_of(decided),
        decision=decision,
        reason_code=reason_code,
        family=decided.family,
        concerns=decided.concerns,
        level=decided.level,
        decided_by=by,
        received_at=decided.received_at,
        happened_at=decided.happened_at,
        triaged_at=now,
        rating=decided.rating or UNSET,
    )
    return decided, (fact,)


def head_of(referral: Referral) -> dict[str, Any]:
    """Return what all events of a referral begin with."""
    return {
        "campus": referral.campus,
        "sensitivity": referral.sensitivity,
        "sequence": referral.version,
        "referral_id": referral.referral_id,
        "reference": referral.reference,
        "student_id": referral.student_id,
        "live": referral.live,
    }
