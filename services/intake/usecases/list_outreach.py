"""Put on outreach lists whom rules found beyond what a campus can take this week."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.intake.domain.outreach import Entry, cohort_of, monday_of
from services.intake.domain.signals import concerns_of
from services.intake.domain.threshold import Firing
from services.intake.storage import outreach
from services.intake.storage.outreach import Place
from shared.events.outreach import OutreachListed
from shared.messaging.timers import Timer, set_timers
from shared.program import Program
from shared.program.calendar import instant
from shared.storage.tx import Tx

TIMER = "outreach"
STEP = 1


class Rest(NamedTuple):
    """A firing that makes no referral now, and whose it is."""

    referral_id: UUID
    student_id: UUID
    campus: str
    edition: str
    firing: Firing


async def list_rest(tx: Tx, program: Program, rest: Sequence[Rest]) -> None:
    """Store entries with their lists, publish them, and set when each is referred after all. Three statements."""
    places = [_place(program, each, tx.now) for each in rest]
    lists = await outreach.lists(tx, places)
    entries = [_entry(program, each, lists[place], tx.now) for each, place in zip(rest, places, strict=True)]
    await outreach.store(tx.connection, entries)
    await set_timers(tx, [Timer(TIMER, each.referral_id, STEP, each.campus, each.refer_at) for each in entries])
    tx.publish(*(listed(entry, each.edition) for entry, each in zip(entries, rest, strict=True)))


def midnight_of_monday(program: Program, campus: str, at: datetime) -> datetime:
    """Return when a campus's week began."""
    return instant(_monday(program, campus, at), timedelta(0), program.calendar(campus).zone)


def _monday(program: Program, campus: str, at: datetime) -> date:
    return monday_of(program.calendar(campus).local_day(at))


def _place(program: Program, rest: Rest, now: datetime) -> Place:
    cohort = cohort_of(rest.firing.counted, program.capacity(rest.campus, now).cohort)
    return Place(rest.campus, _monday(program, rest.campus, now), cohort)


def _entry(program: Program, rest: Rest, list_id: UUID, now: datetime) -> Entry:
    rule = rest.firing.rule.said
    return Entry(
        referral_id=rest.referral_id,
        list_id=list_id,
        campus=rest.campus,
        student_id=rest.student_id,
        rule=rule.name,
        family=rule.family,
        level=rule.level,
        concerns=concerns_of(signal.reason for signal in rest.firing.counted),
        fired_at=rest.firing.fired_at,
        listed_at=now,
        refer_at=now + timedelta(days=program.capacity(rest.campus, now).refer_after_days),
    )


def listed(entry: Entry, edition: str) -> OutreachListed:
    """Return the fact that somebody is on a list; `edition` is that of the rule which found them."""
    return OutreachListed(
        campus=entry.campus,
        referral_id=entry.referral_id,
        list_id=entry.list_id,
        student_id=entry.student_id,
        rule=entry.rule,
        policy_edition=edition,
        fired_at=entry.fired_at,
        listed_at=entry.listed_at,
        refer_at=entry.refer_at,
    )
