"""A person at the desk sends a referral to outreach: its student stands on a list of the campus until asked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.domain.flag_rules import Signal
from services.intake.domain.outreach import AT_THE_DESK, REFERRED, WAITING, Cohort, Entry, cohort_of, monday_of
from services.intake.domain.referrals import Referral
from services.intake.storage import outreach, students
from services.intake.storage.outreach import Place
from services.intake.usecases.list_outreach import STEP, TIMER, listed
from shared.events.outreach import OutreachEnded
from shared.messaging.timers import Timer, set_timers
from shared.program import Program, load_program
from shared.refusal import Refused
from shared.storage.tx import Tx

# The reason at the desk that puts a student on a list.
REASON = "outreach"
_STANDARD = "standard"


async def send_to_outreach(tx: Tx, referral: Referral) -> None:
    """Put the student of a decided referral on the campus's list of this week, unless they wait on one already.

    Raises Refused for what waits on no list, and where it is not known who is to be asked.
    """
    student_id = _who(referral)
    if await outreach.lock(tx.connection, [referral.referral_id]):
        raise Refused("was_on_outreach", "This was on an outreach list before. Open a case, or decide otherwise.")
    one = await students.same(tx.connection, [student_id])
    if await outreach.waits(tx.connection, referral.campus, one):
        return
    program = await load_program(tx.connection)
    place = _place(program, referral, await outreach.open_flags(tx.connection, referral.campus, one), tx)
    lists = await outreach.lists(tx, [place])
    refer_at = tx.now + timedelta(days=program.capacity(referral.campus, tx.now).refer_after_days)
    await _put(tx, _entry(referral, student_id, lists[place], refer_at, tx))


async def withdraw(tx: Tx, referral_id: UUID, outcome_code: str) -> None:
    """Take a referral's student off the list they wait on: a person goes on with the referral itself.

    They stay on it for another referral that was sent there while they waited. The timer stays, see `end_outreach.end`.
    """
    entries = await outreach.lock(tx.connection, [referral_id])
    off = [
        replace(entry, state=REFERRED, outcome_code=outcome_code, decided_at=tx.now, decided_by=tx.actor.id)
        for entry in entries
        if entry.state == WAITING
    ]
    if off:
        await outreach.save(tx.connection, off)
        tx.publish(*map(ended, off))
        await _stay(tx, off[0])


async def _stay(tx: Tx, off: Entry) -> None:
    """Let an entry that was taken off a list go on for a referral that leans on it, as it is and as long as it was to.

    What leaned on it leans on that one then, which is not held: if it is put back at the desk at this moment, the
    student is asked all the same.
    """
    one = await students.same(tx.connection, [off.student_id])
    if await outreach.waits(tx.connection, off.campus, one):
        return
    referral = await outreach.leaning(tx.connection, off.campus, one)
    if referral is None:
        return
    on = _entry(referral, referral.student_id or off.student_id, off.list_id, off.refer_at, tx)
    await _put(tx, on)
    if off.messaged_at:
        await outreach.save(tx.connection, [outreach.messaged(on, off.messaged_by, off.messaged_at)])


async def _put(tx: Tx, entry: Entry) -> None:
    await outreach.store(tx.connection, [entry])
    await set_timers(tx, [Timer(TIMER, entry.referral_id, STEP, entry.campus, entry.refer_at)])
    tx.publish(listed(entry, ""))


def ended(entry: Entry) -> OutreachEnded:
    """Return the fact that an entry has an outcome."""
    return OutreachEnded(
        campus=entry.campus,
        sequence=2,
        referral_id=entry.referral_id,
        list_id=entry.list_id,
        student_id=entry.student_id,
        outcome_code=entry.outcome_code,
        referred=entry.state == REFERRED,
        decided_by=entry.decided_by,
        decided_at=entry.decided_at or entry.listed_at,
    )


def _who(referral: Referral) -> UUID:
    if referral.danger or referral.rating in ("elevated", "critical"):
        raise Refused("danger_waits_on_no_list", "Danger waits on no list. Open a case, or decide otherwise.")
    if referral.sensitivity != _STANDARD:
        raise Refused("wall_and_list", "This stands behind a wall, and a list does not. Decide otherwise.")
    if referral.student_id is None:
        raise Refused("nobody_to_ask", "We don't know yet who this is. Say who it is first, then send it to outreach.")
    return referral.student_id


def _place(program: Program, referral: Referral, flags: Sequence[Signal], tx: Tx) -> Place:
    """Return the list of this week: of the cohort that the student's open flags say, else of the term under way."""
    today = program.calendar(referral.campus).local_day(tx.now)
    if flags:
        cohort = cohort_of(flags, program.capacity(referral.campus, tx.now).cohort)
        return Place(referral.campus, monday_of(today), cohort)
    terms = (term.term for term in program.terms(referral.campus, tx.now) if term.starts <= today <= term.ends)
    return Place(referral.campus, monday_of(today), Cohort(next(terms, ""), "", ""))


def _entry(referral: Referral, student_id: UUID, list_id: UUID, refer_at: datetime, tx: Tx) -> Entry:
    return Entry(
        referral_id=referral.referral_id,
        list_id=list_id,
        campus=referral.campus,
        student_id=student_id,
        rule=AT_THE_DESK,
        family=referral.family,
        level=referral.rating or referral.level,
        concerns=referral.concerns,
        fired_at=referral.received_at,
        listed_at=tx.now,
        refer_at=refer_at,
    )
