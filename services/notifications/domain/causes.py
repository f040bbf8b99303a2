"""What asks for a page, once: read from the events of referrals, or from the headers of one that cannot be read."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import UnsetType

from shared.events import SENSITIVITIES, STRICTEST
from shared.events.codes import Level, level
from shared.events.referrals import DangerRaised, MisconductReported
from shared.ids import derived_id

DANGER = "danger"
TITLEIX = "titleix"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why somebody must be told. `function` is `danger` or `titleix`.

    `walled`: what lies behind is a Title IX matter, so that only the duty line hears of its danger, and nobody by how
    they stand to the student. `live`: not from an import or a replay.
    """

    id: UUID
    function: str
    campus: str
    level: str
    reference: str
    referral_id: UUID
    student_id: UUID | None
    walled: bool
    live: bool
    happened_at: datetime

    @property
    def sensitivity(self) -> str:
        """How the page itself is protected: a danger page says nothing of what lies behind it."""
        return STRICTEST if self.function == TITLEIX else "standard"


def cause_id(referral_id: UUID, function: str) -> UUID:
    """Return the id of a cause. Being told twice of the same one raises one page."""
    return derived_id(referral_id, function)


def of_danger(event: DangerRaised) -> Cause:
    """Read danger. A level that pages nobody counts as elevated: intake said that somebody must be told.

    What the referrer said later is a cause of its own: whoever took the first page has not been told of it.
    """
    found = level(event.level)
    said = event.referral_id if isinstance(event.cause_id, UnsetType) else event.cause_id
    return Cause(
        id=cause_id(said, DANGER),
        function=DANGER,
        campus=event.campus,
        level=(found if found.pages else Level.ELEVATED).value,
        reference=event.reference,
        referral_id=event.referral_id,
        student_id=event.student_id,
        walled=behind_wall(event.sensitivity),
        live=event.live,
        happened_at=event.happened_at,
    )


def of_misconduct(event: MisconductReported) -> Cause:
    """Read a report of sex-based misconduct. It has no level of danger: danger in the same report is its own page."""
    return Cause(
        id=cause_id(event.referral_id, TITLEIX),
        function=TITLEIX,
        campus=event.campus,
        level=Level.ELEVATED.value,
        reference=event.reference,
        referral_id=event.referral_id,
        student_id=event.student_id,
        walled=True,
        live=event.live,
        happened_at=event.happened_at,
    )


def of_headers(function: str, key: str, campus: str, at: datetime) -> Cause:
    """Return the cause of an event that this release cannot read: the gravest, about nobody known, and live.

    A key that is no id still pages: an id is then made of the key.
    """
    try:
        referral_id = UUID(key)
    except ValueError:
        referral_id = derived_id("referral", key)
    return Cause(
        id=cause_id(referral_id, function),
        function=function,
        campus=campus,
        level=(Level.CRITICAL if function == DANGER else Level.ELEVATED).value,
        reference="",
        referral_id=referral_id,
        student_id=None,
        walled=True,
        live=True,
        happened_at=at,
    )


def behind_wall(sensitivity: str) -> bool:
    """Return whether a sensitivity is Title IX; an unknown one counts as the strictest."""
    return sensitivity == STRICTEST or sensitivity not in SENSITIVITIES


def is_late(cause: Cause, late_hours: float, now: datetime) -> bool:
    """Return whether a cause is old news that wakes nobody. Live danger is never late, however delayed it arrives."""
    return not cause.live and now - cause.happened_at > timedelta(hours=late_hours)
