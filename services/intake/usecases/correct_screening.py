"""A person confirms or corrects what screening found; what they say is kept to measure word lists on."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.domain.evaluation import TRAIN, Sentence, merged
from services.intake.domain.judging import (
    DANGER_MISSED,
    MISCONDUCT_MISSED,
    NOT_DANGER,
    RIGHT,
    danger_said,
    expected,
    misconduct_said,
)
from services.intake.domain.languages import language_of
from services.intake.domain.referrals import Referral
from services.intake.domain.sentences import sentences_with
from services.intake.storage import corrections, referrals, referrers, watches
from services.intake.storage.corrections import WORDS, Correction
from services.intake.storage.referrals import NARRATIVE, Texts
from services.intake.usecases.edit_lexicons import language_names
from services.intake.usecases.triage_referral import locked
from shared.events.codes import Level
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.privacy.text import TextDestroyedError, seal, unseal
from shared.refusal import Refused
from shared.storage.tx import Tx

# More than a year of corrections of a large system; the newest count.
_MOST = 2_000


async def correct_screening(
    tx: Tx, keys: KeyRing, referral_id: UUID, verdict: str, *, level: Level, words: str
) -> Referral:
    """Note what a person says of what screening found, and do what follows from it. Return the referral.

    Danger that was missed is raised at once. Danger that was none takes nothing back: whoever was called decides for
    themselves, and a page ends by what its responder says. `words` are the passage meant, as it stands in the
    narrative; without them it is what was found, or all of it.
    """
    referral = await locked(tx, referral_id)
    texts = await referrals.texts(tx.connection, referral_id)
    narrative = await _narrative(tx, keys, referral, texts)
    found = merged(hit.category for hit in texts.hits if not hit.negated)
    if verdict in (RIGHT, NOT_DANGER) and not texts.hits and not referral.danger:
        raise Refused("nothing_found", "Screening found nothing here.", pointer="/body/verdict")
    meant = _meant(narrative, texts, verdict, words)
    id_ = new_id()
    sealed = await seal(tx, keys, referral.campus, [(referral_id, WORDS, id_, meant)]) if meant else [None]
    said = Correction(
        correction_id=id_,
        referral_id=referral_id,
        campus=referral.campus,
        verdict=verdict,
        level=level.value if verdict == DANGER_MISSED else "",
        categories=tuple(sorted(expected(verdict, found))),
        language=language_of(narrative, language_names()),
        screened_with=texts.screened_with,
        words=sealed[0],
        made_by=tx.actor.id,
        made_at=tx.now,
    )
    await corrections.add(tx, referral, said)
    return await _follow(tx, referral, verdict, level, id_)


async def judged(tx: Tx, keys: KeyRing) -> list[Sentence]:
    """Return what people judged, as sentences to measure word lists on, as far as the actor's transaction sees them.

    For figures alone: what is returned is never shown to whoever asks for the figures.
    """
    by_campus: dict[str, list[Correction]] = {}
    for each in await corrections.newest(tx.connection, _MOST):
        by_campus.setdefault(each.campus, []).append(each)
    found: list[Sentence] = []
    for campus, said in by_campus.items():
        for each, words in zip(said, await _opened(tx, keys, campus, said), strict=True):
            if words:
                found.append(Sentence(words, each.language, frozenset(each.categories), "corrected", TRAIN))
    return found


async def _follow(tx: Tx, referral: Referral, verdict: str, level: Level, correction_id: UUID) -> Referral:
    if verdict == DANGER_MISSED:
        told, facts = danger_said(referral, level, correction_id, tx.now)
        await referrals.save(tx, told)
        await watches.begin(tx, [told], since=tx.now)
    elif verdict == MISCONDUCT_MISSED:
        told, facts = misconduct_said(referral, tx.now)
        await referrals.save(tx, told)
        await referrers.wall(tx, referral.referral_id)
    else:
        return referral
    tx.publish(*facts)
    return told


def _meant(narrative: str, texts: Texts, verdict: str, words: str) -> str:
    """Return the passage a correction is about. Raises Refused for words that are not in the narrative."""
    if words:
        if " ".join(words.split()) not in " ".join(narrative.split()):
            raise Refused(
                "not_in_narrative", "Copy the words as they stand in what was written.", status=422,
                pointer="/body/words",
            )  # fmt: skip
        return words
    return narrative if verdict in (DANGER_MISSED, MISCONDUCT_MISSED) else sentences_with(narrative, texts.hits)


async def _narrative(tx: Tx, keys: KeyRing, referral: Referral, texts: Texts) -> str:
    if texts.narrative is None:
        return ""
    id_ = referral.referral_id
    return (await unseal(tx, keys, referral.campus, [(id_, NARRATIVE, id_, bytes(texts.narrative))]))[0]


async def _opened(tx: Tx, keys: KeyRing, campus: str, said: Sequence[Correction]) -> list[str]:
    """Open the words of corrections; empty for those whose referral has been destroyed."""
    places = [(each.referral_id, WORDS, each.correction_id, each.words or b"") for each in said]
    try:
        return await unseal(tx, keys, campus, places)
    except TextDestroyedError:
        return [await _one(tx, keys, campus, place) for place in places]


async def _one(tx: Tx, keys: KeyRing, campus: str, place: tuple[UUID, str, UUID, bytes]) -> str:
    try:
        return (await unseal(tx, keys, campus, [place]))[0]
    except TextDestroyedError:  # nobody is to know any more what it said, so nothing is measured on it
        return ""
