"""A source and what it sends: a feed is a row, a delivery is what arrived at once, an item is one part of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from services.intake.domain.rejects import BadCell

Kind = Literal["file_drop", "http_push", "canvas", "caliper", "oneroster", "topic", "referrals_api"]
Brings = Literal["flags", "referrals", "roster"]
State = Literal["draft", "active", "paused", "retired"]
Fate = Literal["accepted", "unchanged", "merged", "skipped", "quarantined"]

KINDS: tuple[Kind, ...] = ("file_drop", "http_push", "canvas", "caliper", "oneroster", "topic", "referrals_api")
BRINGS: tuple[Brings, ...] = ("flags", "referrals", "roster")
STATES: tuple[State, ...] = ("draft", "active", "paused", "retired")

# How a referral of a feed came, as referrals say it.
CHANNEL_OF: dict[str, str] = {"file_drop": "file", "topic": "topic", "http_push": "webhook", "referrals_api": "api"}


@dataclass(frozen=True, slots=True)
class Expected:
    """When something should come, by the campus's own clock, and how much: what health is held against.

    `days` are weekdays, Monday 0; none means that nothing is expected at any time. `low` and `high` count items a day.
    `quiet_minutes` is for what comes all day long: the longest it may be quiet while the campus is open, 0 for any.
    """

    days: tuple[int, ...] = ()
    by: str = ""  # "06:30"; empty: by the end of the day
    low: int = 0
    high: int = 0
    quiet_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """A source. `code` is the `source` of its flags and referrals; `campus` is `*` where its mapping names one.

    `mapping_version` is the one in use, 0 before the first is. `settings` are the kind's own, without secrets.
    """

    feed_id: UUID
    code: str
    name: str
    kind: Kind
    brings: Brings
    campus: str
    owner_id: str
    state: State
    mapping_version: int
    rate_per_minute: int
    expected: Expected = Expected()
    settings: dict[str, Any] = field(default_factory=dict)
    made_at: datetime | None = None
    version: int = 1

    @property
    def actor_id(self) -> str:
        """Who acts when the feed itself delivers."""
        return f"feed:{self.feed_id}"


class Result(NamedTuple):
    """What became of one item. `reason` and what follows only where it was set aside, in words that quote nothing."""

    place: str
    fate: Fate
    code: str = ""
    column: str = ""
    reason: str = ""
    accepted: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Aside:
    """An item to set aside: where it stood, why, and what it said, so that it can be read again later.

    `form` says how `raw` is read again: `json` (one value), `csv` (a header and one row), `bytes` (not item by item).
    What is not `whole` is its beginning alone, and is not read again.
    """

    place: str
    code: str
    column: str
    reason: str
    accepted: str
    form: Literal["json", "csv", "bytes"]
    raw: bytes
    whole: bool = True


def aside(place: str, bad: BadCell, form: Literal["json", "csv", "bytes"], raw: bytes, *, whole: bool = True) -> Aside:
    """Set an item aside for one of its values. The code groups what has the same cause."""
    return Aside(place, code_of(bad), bad.column, bad.reason, bad.accepted, form, raw, whole)


def code_of(bad: BadCell) -> str:
    """Return a stable code for a reason that is fixed words."""
    letters = "".join(sign if sign.isalnum() else "_" for sign in bad.reason.lower())
    return "_".join(filter(None, letters.split("_")))[:64] or "unreadable"


class Counted(NamedTuple):
    """How many items met which fate."""

    items: int = 0
    accepted: int = 0
    unchanged: int = 0
    merged: int = 0
    skipped: int = 0
    quarantined: int = 0


def counted(results: Sequence[Result]) -> Counted:
    """Count results by fate."""
    fates = [result.fate for result in results]
    return Counted(
        len(fates),
        fates.count("accepted"),
        fates.count("unchanged"),
        fates.count("merged"),
        fates.count("skipped"),
        fates.count("quarantined"),
    )
