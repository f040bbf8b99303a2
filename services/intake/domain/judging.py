"""What people say of a referral beside what screening found: how grave it is to them, and where screening was wrong."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from msgspec import UNSET

from services.intake.domain.evaluation import DANGER, merged
from services.intake.domain.referrals import TRIAGED, Referral, head_of
from services.intake.domain.screening import MISCONDUCT
from shared.events import Event
from shared.events.codes import Level, gravest_family, level
from shared.events.referrals import DangerRaised, MisconductReported
from shared.refusal import Refused

RIGHT, NOT_DANGER, DANGER_MISSED, MISCONDUCT_MISSED = "right", "not_danger", "danger_missed", "misconduct_missed"
BY_PERSON = "person"
_WALLED = "titleix"
_SAID_TO_BE = "sexual_misconduct"


def rated(referral: Referral, rating: Level, now: datetime) -> tuple[Referral, tuple[Event, ...]]:
    """Let the person who triages say how grave it is. It never takes back what was found: the graver of the two holds.

    A rating that calls somebody, and is graver than what they were called for, calls them now.
    """
    said = replace(referral, rating=rating.value)
    if rating.rank <= level(referral.level).rank:
        return said, ()
    if rating.pages:
        return danger_said(said, rating, None, now)
    return replace(said, level=rating.value), ()


def danger_said(
    referral: Referral, said: Level, cause_id: UUID | None, now: datetime
) -> tuple[Referral, tuple[Event, ...]]:
    """Let a person say that there is danger. It is live whenever the referral came: somebody says it now.

    Where somebody was called for this referral already and it is no graver, `cause_id` makes it a cause of its own.
    """
    graver = said.rank > level(referral.level).rank
    own = cause_id if referral.danger and not graver and cause_id is not None else UNSET
    told = replace(
        referral,
        level=said.value if graver else referral.level,
        found_by=referral.found_by or BY_PERSON,
        version=referral.version + 1,
    )
    head = head_of(told) | {"live": True}
    fact = DangerRaised(
        **head,
        level=said.value,
        found_by=BY_PERSON,
        raised_at=now,
        happened_at=referral.happened_at,
        cause_id=own,
    )
    return told, (fact,)


def misconduct_said(referral: Referral, now: datetime) -> tuple[Referral, tuple[Event, ...]]:
    """Let a person say that it speaks of sex-based misconduct: it goes behind the wall, and the coordinator is told.

    Only before it is decided: in a case, the case is what the coordinator has to be told of.
    """
    if referral.sensitivity == _WALLED:
        raise Refused("walled_already", "The Title IX coordinator has this already.")
    if referral.state == TRIAGED:
        raise Refused("already_triaged", "This was decided already. Tell the Title IX coordinator of its case.")
    concerns = tuple(dict.fromkeys([*referral.concerns, _SAID_TO_BE]))
    walled = replace(
        referral,
        sensitivity=_WALLED,
        concerns=concerns,
        family=gravest_family(concerns).value,
        version=referral.version + 1,
    )
    fact = MisconductReported(**head_of(walled) | {"live": True}, reported_at=now, happened_at=referral.happened_at)
    return walled, (fact,)


def expected(verdict: str, found: frozenset[str]) -> frozenset[str]:
    """Return the categories that a person says are there, given those that were found."""
    if verdict == NOT_DANGER:
        return found - {DANGER}
    if verdict == DANGER_MISSED:
        return found | {DANGER}
    if verdict == MISCONDUCT_MISSED:
        return found | merged([MISCONDUCT])
    return found
