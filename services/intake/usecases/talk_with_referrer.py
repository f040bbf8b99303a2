"""Staff ask the referrer, the referrer answers or adds something. What they say is screened as if it had come first."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.afterwards import added_to, asked
from services.intake.domain.lexicon import Lexicon
from services.intake.domain.referrals import About, Incoming, Referral
from services.intake.domain.screening import Screening
from services.intake.storage import referrals, referrers, threads, watches
from services.intake.storage.threads import ADDITION, ANSWER, MESSAGE, QUESTION, Message
from services.intake.usecases.refer_publicly import FORM, Sent, attach
from services.intake.usecases.screening import screened, word_lists
from services.intake.usecases.send_to_outreach import withdraw
from services.intake.usecases.triage_referral import locked
from shared.events.codes import Channel, Level
from shared.events.referrals import ReferrerStatusMoved
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.privacy.text import seal
from shared.refusal import Refused
from shared.storage.tx import Tx

ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Heard:
    """What the referrer says: to a question, if they answer one, with files or without."""

    message_id: UUID
    answers: UUID | None
    words: str
    files: Sequence[Sent] = ()


async def ask_referrer(tx: Tx, keys: KeyRing, referral_id: UUID, words: str) -> UUID:
    """Put a question on the referrer's page and, if they wanted to be told, say so by mail. Return its id.

    Raises Refused when nobody can come back to answer it.
    """
    referral = await locked(tx, referral_id)
    referrer = (await referrers.load(tx.connection, [referral_id])).get(referral_id)
    if referrer is None or not (referrer.returns or referrer.notices):
        raise Refused("nobody_returns", "Nobody can answer here: the referrer left no way to reach them.")
    id_ = new_id()
    (sealed,) = await seal(tx, keys, referral.campus, [(referral_id, MESSAGE, id_, words)])
    message = Message(id_, QUESTION, tx.actor.id, None, sealed, Level.NONE.value, "", (), tx.now)
    await threads.say(tx, referral, message)
    await referrals.save(tx, asked(referral))
    if referrer.notices:
        tx.publish(
            ReferrerStatusMoved(
                campus=referral.campus,
                sensitivity=referral.sensitivity,
                sequence=referral.version,
                referral_id=referral_id,
                reference=referral.reference,
                student_id=referral.student_id,
                live=referral.live,
                status=ASKED,
                moved_at=tx.now,
            )
        )
    return id_


async def hear_referrer(tx: Tx, keys: KeyRing, referral_id: UUID, heard: Heard) -> Referral:
    """Take in an answer or an addition, with its files; the same `message_id` again changes nothing.

    An answer to a question that is not there, such as one asked before the referral was given to another campus, is an
    addition: what somebody wrote is not lost for it. Danger in it is raised at once, and sex-based misconduct puts the
    referral behind the wall, as when it came.
    """
    referral = await locked(tx, referral_id)
    said = await threads.messages(tx.connection, referral_id)
    question = next((each for each in said if each.message_id == heard.answers and each.kind == QUESTION), None)
    found = screen_words(referral, heard.words, await word_lists(tx))
    kind = ADDITION if question is None else ANSWER
    (sealed,) = await seal(tx, keys, referral.campus, [(referral_id, MESSAGE, heard.message_id, heard.words)])
    message = Message(
        heard.message_id,
        kind,
        "",
        question.message_id if question else None,
        sealed,
        found.level.value,
        found.edition,
        found.hits,
        tx.now,
    )
    if not await threads.say(tx, referral, message):
        return referral
    asked_by = question.author_id if question else ""
    told, facts = added_to(referral, found, message_id=heard.message_id, kind=kind, asked_by=asked_by, now=tx.now)
    await referrals.save(tx, told)
    await attach(tx, keys, told, heard.files, heard.message_id)
    if told.state != referral.state:  # a person reads it again: it may be danger now, or behind the wall
        await withdraw(tx, referral_id, "back_at_the_desk")
    if told.sensitivity != referral.sensitivity:
        await referrers.wall(tx, referral_id)
    if found.danger:
        await watches.begin(tx, [told], since=tx.now)
    tx.publish(*facts)
    return told


def screen_words(referral: Referral, words: str, lexicons: Sequence[Lexicon]) -> Screening:
    """Screen what was said later, with these word lists."""
    said = Incoming(
        referral_id=referral.referral_id,
        reference=referral.reference,
        campus=referral.campus,
        about=About(),
        concerns=(),
        urgency="routine",
        narrative=words,
        relationship="",
        source_kind=referral.source_kind,
        channel=Channel.FORM.value,
        source=FORM,
        source_event_id="",
        live=True,
    )
    return screened(said, lexicons)
