"""What people do with a referral beside deciding it: send it on, name its double, split it, take it back, reopen it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.intake.domain.afterwards import BY_REFERRER, reopened, retracted, still_open
from services.intake.domain.judging import BY_PERSON
from services.intake.domain.referrals import About, Incoming, Referral, receive
from services.intake.storage import referrals, referrers, threads
from services.intake.storage.referrals import ABOUT, NARRATIVE, REFERRER
from services.intake.storage.threads import FILE, FILE_NAME, MESSAGE
from services.intake.usecases.receive_referrals import keep
from services.intake.usecases.refer_publicly import Sent, attach
from services.intake.usecases.screening import screened, word_lists
from services.intake.usecases.send_to_outreach import withdraw
from services.intake.usecases.triage_referral import decide, locked
from shared.events.codes import Decision, Level, level
from shared.events.referrals import DangerRaised, MisconductReported
from shared.ids import derived_id, new_id, new_reference
from shared.privacy.keys import KeyRing
from shared.privacy.text import seal, unseal, unseal_bytes
from shared.program import load_program
from shared.program.rules import Triage
from shared.refusal import Refused
from shared.storage.tx import Tx

# Offices of the campus that a referral may be for. Another campus is a move, not a redirection.
OFFICES = ("conduct", "human_resources", "police", "housing", "disability", "counseling", "dean", "other_office")
ANOTHER_CAMPUS = "another_campus"
_MOST_PEOPLE = 20
# A person decides about what people made of a referral: no rule has its say again.
_NO_RULES = Triage(rules=())


@dataclass(frozen=True, slots=True)
class Part:
    """What of a referral is about one person. Without words of its own it has all of them."""

    about: About
    words: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What is sealed in a referral, open."""

    narrative: str
    about: About
    referrer: dict[str, str]


async def redirect(tx: Tx, referral_id: UUID, office: str, *, rating: Level | None = None) -> Referral:
    """Send a referral on to another office of its campus, and close it here. `rating` as for any decision."""
    referral = await locked(tx, referral_id)
    return await _decided(tx, referral, Decision.REDIRECT, office, turn="redirected", rating=rating)


async def name_double(
    tx: Tx, referral_id: UUID, of: Referral, reason_code: str, *, rating: Level | None = None
) -> Referral:
    """Say that a referral says what another one said. Raises Refused for itself, and for the double of another.

    `rating` as for any decision. Both are held: two people who name one for the other at once would leave neither.
    """
    both = {id_: await locked(tx, id_) for id_ in sorted({referral_id, of.referral_id})}
    referral, of = both[referral_id], both[of.referral_id]
    if of.referral_id == referral_id or of.campus != referral.campus:
        raise Refused("not_its_double", "A referral is a duplicate of another one of its campus.", pointer="/body/of")
    if of.decision == Decision.DUPLICATE:
        raise Refused("is_a_double", "That one is a duplicate itself. Name the first.", pointer="/body/of")
    return await _decided(
        tx, referral, Decision.DUPLICATE, reason_code, turn="duplicate_of", other=of.referral_id, rating=rating
    )


async def move(tx: Tx, keys: KeyRing, referral_id: UUID, campus: str) -> Referral:
    """Give a referral to another campus, and close it here. Return the new one.

    The other campus gets a referral of its own, under its own key: neither sees what the other does with theirs, each
    keeps what it decided on, and the audit of each stands where it was. Danger is raised there anew, because nobody
    there was told; whoever comes back with the reference is led to the new one.
    """
    referral = await locked(tx, referral_id)
    still_open(referral)
    program = await load_program(tx.connection)
    if campus == referral.campus or campus not in program.campuses:
        raise Refused("unknown_campus", "There is no other campus of this name.", status=422, pointer="/body/campus")
    said = await opened(tx, keys, referral)
    made = await _made_of(tx, keys, referral, Part(said.about), said=said, campus=campus)
    await _copy_thread(tx, keys, referral, made)
    await referrers.copy(tx, referral_id, made.referral_id, notices=True)
    await referrers.moved(tx, referral_id, made.referral_id)
    await threads.turn(tx, made, "moved_from", ANOTHER_CAMPUS, referral_id)
    await _decided(tx, referral, Decision.REDIRECT, ANOTHER_CAMPUS, turn="moved_to", other=made.referral_id)
    return made


async def split(tx: Tx, keys: KeyRing, referral_id: UUID, parts: Sequence[Part]) -> list[Referral]:
    """Make a referral for each further person that one speaks of; it itself stays, for the first. Return the new ones.

    What was raised already is not raised again: whoever was told of it has read all of this. What somebody's own words
    for a part say beyond that is.
    """
    referral = await locked(tx, referral_id)
    still_open(referral)
    if not 0 < len(parts) <= _MOST_PEOPLE:
        raise Refused("nobody_named", "Name each further person.", status=422, pointer="/body/people")
    said = await opened(tx, keys, referral)
    made = []
    for part in parts:
        new = await _made_of(tx, keys, referral, part, said=said, campus=referral.campus)
        await referrers.copy(tx, referral_id, new.referral_id, notices=False)
        await threads.turn(tx, new, "split_from", "", referral_id)
        await threads.turn(tx, referral, "split_into", "", new.referral_id)
        made.append(new)
    return made


async def retract(tx: Tx, referral_id: UUID, reason_code: str) -> Referral:
    """Take a referral back, for its referrer; whoever does so hears nothing more of it."""
    referral = await locked(tx, referral_id)
    by = tx.actor.id if tx.actor.kind == "person" else BY_REFERRER
    back, facts = retracted(referral, by, reason_code, tx.now)
    await referrals.save(tx, back)
    await threads.turn(tx, back, "retracted", reason_code)
    await withdraw(tx, referral_id, "taken_back")
    await referrers.silence(tx, referral_id)
    tx.publish(*facts)
    return back


async def reopen(tx: Tx, referral_id: UUID, reason_code: str) -> Referral:
    """Put a referral back on the desk, whatever was decided."""
    referral = await locked(tx, referral_id)
    again, facts = reopened(referral, tx.actor.id, reason_code, tx.now)
    await referrals.save(tx, again)
    await threads.turn(tx, again, "reopened", reason_code)
    await withdraw(tx, referral_id, "back_at_the_desk")
    tx.publish(*facts)
    return again


async def opened(tx: Tx, keys: KeyRing, referral: Referral) -> Said:
    """Open what is sealed in a referral."""
    texts = await referrals.texts(tx.connection, referral.referral_id)
    id_ = referral.referral_id
    sealed = {NARRATIVE: texts.narrative, ABOUT: texts.about, REFERRER: texts.referrer}
    there = [(id_, field, id_, bytes(content)) for field, content in sealed.items() if content is not None]
    clear = dict(zip((field for _, field, *_ in there), await unseal(tx, keys, referral.campus, there), strict=True))
    return Said(
        clear.get(NARRATIVE, ""),
        About(**json.loads(clear.get(ABOUT, "{}"))),
        json.loads(clear.get(REFERRER, "{}")),
    )


async def _decided(
    tx: Tx,
    referral: Referral,
    decision: Decision,
    code: str,
    *,
    turn: str,
    other: UUID | None = None,
    rating: Level | None = None,
) -> Referral:
    decided = await decide(tx, referral, decision, code, rating=rating)
    await threads.turn(tx, decided, turn, code, other)
    await referrers.tell(tx, referrals=[referral.referral_id])
    return decided


async def _made_of(tx: Tx, keys: KeyRing, referral: Referral, part: Part, *, said: Said, campus: str) -> Referral:
    """Take in a referral made of another one: with its words, its concerns and its place in time.

    Its concerns make it no less closely held than the first: what stood behind the wall does there too.
    """
    id_ = new_id()
    incoming = Incoming(
        referral_id=id_,
        reference=new_reference(),
        campus=campus,
        about=part.about,
        concerns=referral.concerns,
        urgency=referral.urgency,
        narrative=part.words or said.narrative,
        relationship=referral.relationship,
        source_kind=referral.source_kind,
        channel=referral.channel,
        source=referral.source,
        source_event_id=str(id_),
        # What a person saw they saw now, whatever brought the referral.
        live=referral.live or referral.found_by == BY_PERSON,
        happened_at=referral.happened_at,
        referrer_id=referral.referrer_id,
        referrer_name=said.referrer.get("name", ""),
        referrer_email=said.referrer.get("email", ""),
        referrer_phone=said.referrer.get("phone", ""),
        marks=referral.marks,
    )
    screening = screened(incoming, await word_lists(tx))
    if referral.danger and not part.words and level(referral.level).rank > screening.level.rank:
        # A person saw it, or it was said later: a copy says no less than what it is a copy of.
        screening = replace(screening, level=level(referral.level), found_by=referral.found_by)
    made, facts = receive(incoming, screening, None, _NO_RULES, tx.now)
    here = campus == referral.campus
    told = (
        *((DangerRaised,) if here and referral.danger and not _graver(made, referral) else ()),
        *((MisconductReported,) if here and referral.sensitivity == made.sensitivity else ()),
    )
    program = await load_program(tx.connection)
    news = tuple(fact for fact in facts if not isinstance(fact, told))
    await keep(tx, keys, program, [(incoming, screening, made, news)], watch=DangerRaised not in told)
    return made


def _graver(one: Referral, than: Referral) -> bool:
    return level(one.level).rank > level(than.level).rank


async def _copy_thread(tx: Tx, keys: KeyRing, referral: Referral, made: Referral) -> None:
    """Give a referral what was said and sent with the one it was made of, sealed under its own key."""
    id_ = referral.referral_id
    said = await threads.messages(tx.connection, id_)
    texts = await unseal(tx, keys, referral.campus, [(id_, MESSAGE, each.message_id, each.body) for each in said])
    ids = {each.message_id: derived_id(each.message_id, made.referral_id) for each in said}
    places = [(made.referral_id, MESSAGE, ids[each.message_id], words) for each, words in zip(said, texts, strict=True)]
    for each, sealed in zip(said, await seal(tx, keys, made.campus, places), strict=True):
        answers = ids.get(each.answers) if each.answers else None
        await threads.say(tx, made, replace(each, message_id=ids[each.message_id], answers=answers, body=sealed))
    for file in await threads.attachments(tx.connection, id_):
        name, content = await opened_file(tx, keys, referral, file.attachment_id) or ("", b"")
        message = ids.get(file.message_id) if file.message_id else None
        await attach(tx, keys, made, [Sent(file.kind, name, content)], message)


async def opened_file(tx: Tx, keys: KeyRing, referral: Referral, attachment_id: UUID) -> tuple[str, bytes] | None:
    """Return the name of a file and what is in it, if the referral has it."""
    found = await threads.content(tx.connection, referral.referral_id, attachment_id)
    if found is None:
        return None
    _, name, content = found
    places = [
        (referral.referral_id, FILE_NAME, attachment_id, name),
        (referral.referral_id, FILE, attachment_id, content),
    ]
    clear = await unseal_bytes(tx, keys, referral.campus, places)
    return clear[0].decode(), clear[1]
