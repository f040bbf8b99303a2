"""Everybody on an outreach list ends with an outcome or a referral: people say which, and time says the rest."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.intake.domain.lexicon import Lexicon
from services.intake.domain.outreach import AT_THE_DESK, NO_OUTCOME, REFERRED, TEMPLATES, WAITING, Entry, decided
from services.intake.domain.referrals import Match, receive
from services.intake.domain.signals import FoundByRule, Whose, referral_of, screening_of
from services.intake.storage import outreach
from services.intake.usecases.receive_referrals import Received, keep
from services.intake.usecases.screening import screened, word_lists
from services.intake.usecases.send_to_outreach import REASON, ended
from services.intake.usecases.triage_referral import locked
from services.intake.usecases.turn_referral import reopen
from shared.events.codes import Decision
from shared.events.outreach import OutreachMessageAsked
from shared.ids import new_id, new_reference
from shared.messaging.timers import Timer
from shared.privacy.keys import KeyRing
from shared.program import Program, load_program
from shared.refusal import Refused
from shared.storage.tx import Tx

_BY_TIME = "rule:outreach"


async def end(tx: Tx, keys: KeyRing, list_id: UUID, ids: Sequence[UUID], outcome_code: str) -> list[Entry]:
    """Give entries of a list an outcome, all or none; some outcomes make referrals. Return the entries.

    Raises Refused where one of them is of another list or was decided before.
    """
    entries = await _locked(tx, list_id, ids)
    after = [decided(entry, outcome_code, tx.actor.id, tx.now) for entry in entries]
    changed = [entry for entry, _ in after]
    await outreach.save(tx.connection, changed)
    await _refer(tx, keys, [entry for entry in changed if entry.state == REFERRED])
    # Its timer stays, and finds nobody waiting: one that goes off just now has been taken, and waits for what we hold.
    tx.publish(*(ended(entry) for entry in changed if entry.state != WAITING))
    return changed


async def pass_time(tx: Tx, keys: KeyRing, timers: Sequence[Timer]) -> None:
    """Refer whoever has no outcome when their time is up: nobody on a list is forgotten."""
    entries = await outreach.lock(tx.connection, [timer.subject for timer in timers])
    late = [
        replace(entry, state=REFERRED, outcome_code=NO_OUTCOME, decided_at=tx.now, decided_by=_BY_TIME)
        for entry in entries
        if entry.state == WAITING
    ]
    if late:
        await outreach.save(tx.connection, late)
        await _refer(tx, keys, late)
        tx.publish(*map(ended, late))


async def write_to(tx: Tx, list_id: UUID, ids: Sequence[UUID], template: str, language: str) -> list[Entry]:
    """Ask for a message to students of a list who wait; return those who are written to.

    The words are a fixed text of notifications, so that nothing about anybody else can stand in it.
    """
    if template not in TEMPLATES:
        raise Refused("unknown_template", "There is no such message.", status=422, pointer="/body/template")
    entries = [entry for entry in await _locked(tx, list_id, ids) if entry.state == WAITING]
    written = [outreach.messaged(entry, tx.actor.id, tx.now) for entry in entries]
    if written:
        await outreach.save(tx.connection, written)
        tx.publish(*(_asked(entry, template, language, tx) for entry in written))
    return written


async def _locked(tx: Tx, list_id: UUID, ids: Sequence[UUID]) -> list[Entry]:
    entries = await outreach.lock(tx.connection, ids)
    if {entry.referral_id for entry in entries if entry.list_id == list_id} != set(ids):
        raise Refused("not_on_list", "Somebody you chose is not on this list.", status=422, pointer="/body/entries")
    return entries


async def _refer(tx: Tx, keys: KeyRing, entries: Sequence[Entry]) -> None:
    for entry in entries:
        if entry.rule == AT_THE_DESK:
            await _back_to_the_desk(tx, entry)
    found = [entry for entry in entries if entry.rule != AT_THE_DESK]
    if not found:
        return
    program = await load_program(tx.connection)
    lists = await word_lists(tx)
    await keep(tx, keys, program, [_received(program, entry, lists, tx.now) for entry in found])
    await outreach.made_referrals(tx.connection, [entry.referral_id for entry in found])


async def _back_to_the_desk(tx: Tx, entry: Entry) -> None:
    """Let a referral that a person sent to outreach be decided anew, if it still stands as they left it."""
    referral = await locked(tx, entry.referral_id)
    if (referral.decision, referral.reason_code) == (Decision.WATCH, REASON):
        await reopen(tx, entry.referral_id, entry.outcome_code)


def _received(program: Program, entry: Entry, lists: Sequence[Lexicon], now: datetime) -> Received:
    found = FoundByRule(entry.rule, entry.fired_at, entry.family, entry.level, entry.concerns)
    whose = Whose(entry.student_id, entry.campus)
    incoming = referral_of(found, entry.referral_id, new_reference(), whose)
    screening = screening_of(found, screened(incoming, lists))
    match, triage = Match(entry.student_id, "exact_id"), program.triage(entry.campus, now)
    return (incoming, screening, *receive(incoming, screening, match, triage, now))


def _asked(entry: Entry, template: str, language: str, tx: Tx) -> OutreachMessageAsked:
    return OutreachMessageAsked(
        campus=entry.campus,
        referral_id=entry.referral_id,
        list_id=entry.list_id,
        student_id=entry.student_id,
        message_id=new_id(),
        template=template,
        language=language,
        asked_by=tx.actor.id,
        asked_at=tx.now,
    )
