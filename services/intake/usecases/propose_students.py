"""Who a referral may be about: from what it says, and the classes of who brought it."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.likeness import address_slips, queries, slips
from services.intake.domain.matching import Candidate, Known, Question, may_be_called, rank
from services.intake.domain.people import EMAIL, NUMBER, Section
from services.intake.domain.referrals import About, Referral
from services.intake.domain.roster_rows import Student
from services.intake.storage import beside, merges, referrals, student_names, students
from services.intake.storage.merges import Said
from services.intake.storage.referrals import ABOUT
from services.intake.storage.student_names import Name
from services.intake.usecases.identify_referral import REJECTED
from shared.privacy.keys import KeyRing
from shared.privacy.text import TextDestroyedError, unseal
from shared.storage.tx import Tx

_ALIKE = 60


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a referral says of whom it is about, who may be meant, the likeliest first, and what people said so far."""

    about: About
    candidates: tuple[Candidate, ...]
    rejected: frozenset[UUID]
    said: tuple[Said, ...]


async def propose_students(tx: Tx, keys: KeyRing, referral: Referral) -> Proposal:
    """Return who on the campus of a referral may be meant. Attaches nobody. A fixed number of statements."""
    about = await _about(tx, keys, referral)
    said = await merges.decisions(tx.connection, referral.referral_id)
    rejected = frozenset(each.student_id for each in said if each.decision == REJECTED and each.student_id)
    question = Question(about, tx.now.date(), referral.referrer_id)
    known = await known_on(tx, referral.campus, question)
    open_ = [each for each in known if each.student.student_id not in rejected]
    return Proposal(about, tuple(rank(question, open_)), rejected, tuple(said))


async def known_on(tx: Tx, campus: str, question: Question) -> list[Known]:
    """Return the students of a campus who may be meant, by whatever leads to them, each once for all they are.

    By the name, by an id or address one slip away, by one they had before, by being in a class of the referrer's.
    """
    about, connection = question.about, tx.connection
    asked = queries(about.name, about.description, about.email)
    # Most of a class are called otherwise: they are left out before more of them is looked at.
    teacher = question.referrer_id
    called = await student_names.called_like(connection, [campus], asked, _ALIKE, taught_by=teacher)
    ids = {id_ for id_, names in called.items() if may_be_called(question, names)}
    ids |= set(await student_names.whole(connection, campus, (EMAIL, NUMBER), (about.email, about.number.lower())))
    if about.number:
        ids |= set((await students.ids_by_number(connection, {about.number, *slips(about.number)})).values())
    if about.email:
        ids |= set((await students.ids_by_email(connection, {about.email, *address_slips(about.email)})).values())
    return await _known(tx, campus, ids)


async def _known(tx: Tx, campus: str, ids: set[UUID]) -> list[Known]:
    """Gather what is known of students; of those whom a merge makes one, under the one they go by."""
    found, merged = await students.with_merged(tx.connection, ids)
    one = {id_: id_ for id_ in found}
    if merged:
        one |= await students.same(tx.connection, merged)
        found |= await students.by_id(tx.connection, one.keys() - found.keys())
    everybody = set(one)
    names = await student_names.of(tx.connection, everybody)
    classes = await beside.classes(tx.connection, everybody)
    together: dict[UUID, list[UUID]] = {}
    for id_, root in one.items():
        together.setdefault(root, []).append(id_)
    return [
        _of(root, members, found, names, classes)
        for root, members in together.items()
        if root in found and any(campus in found[id_].campuses for id_ in members if id_ in found)
    ]


def _of(
    root: UUID,
    members: Sequence[UUID],
    found: Mapping[UUID, Student],
    names: Mapping[UUID, Sequence[Name]],
    classes: Mapping[UUID, Sequence[Section]],
) -> Known:
    alike = (name.norm for id_ in members for name in names.get(id_, ()) if name.kind not in (EMAIL, NUMBER))
    return Known(
        student=found[root],
        names=tuple(alike),
        before=_before(root, members, found, names),
        classes=tuple(section for id_ in members for section in classes.get(id_, ())),
    )


def _before(
    root: UUID, members: Sequence[UUID], found: Mapping[UUID, Student], names: Mapping[UUID, Sequence[Name]]
) -> tuple[tuple[str, str], ...]:
    """Return the addresses and numbers a student had before, those of whoever was merged into them among them."""
    before = [(name.kind, name.norm) for id_ in members for name in names.get(id_, ()) if name.kind in (EMAIL, NUMBER)]
    others = [found[id_] for id_ in members if id_ != root and id_ in found]
    before += [(EMAIL, other.email) for other in others if other.email]
    before += [(NUMBER, other.number.lower()) for other in others]
    return tuple(dict.fromkeys(before))


async def said_of(tx: Tx, keys: KeyRing, found: Sequence[Referral]) -> dict[UUID, str]:
    """Return for referrals, in order, the words they use for whom they mean: a name, a number, an address, or others.

    One statement, and one for each campus. Empty where they say nothing.
    """
    sealed = await referrals.abouts(tx.connection, [each.referral_id for each in found])
    words = {each.referral_id: "" for each in found}
    for campus in sorted({each.campus for each in found}):
        ids = [each.referral_id for each in found if each.campus == campus and each.referral_id in sealed]
        try:
            words |= await _opened(tx, keys, campus, {id_: sealed[id_] for id_ in ids})
        except TextDestroyedError:  # nobody is to know any more what one of them said
            for id_ in ids:
                with suppress(TextDestroyedError):
                    words |= await _opened(tx, keys, campus, {id_: sealed[id_]})
    return words


async def _opened(tx: Tx, keys: KeyRing, campus: str, sealed: Mapping[UUID, bytes]) -> dict[UUID, str]:
    opened = await unseal(tx, keys, campus, [(id_, ABOUT, id_, text) for id_, text in sealed.items()])
    abouts = {id_: About(**json.loads(text)) for id_, text in zip(sealed, opened, strict=True)}
    return {id_: each.name or each.number or each.email or each.description for id_, each in abouts.items()}


async def _about(tx: Tx, keys: KeyRing, referral: Referral) -> About:
    id_, texts = referral.referral_id, await referrals.texts(tx.connection, referral.referral_id)
    if texts.about is None:
        return About()
    (opened,) = await unseal(tx, keys, referral.campus, [(id_, ABOUT, id_, bytes(texts.about))])
    return About(**json.loads(opened))
