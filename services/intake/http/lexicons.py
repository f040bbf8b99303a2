"""Routes for word lists: see every edition, draft one, compare it, put it in force, take it back; correct screening."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from services.intake.domain.evaluation import Score
from services.intake.domain.lexicon import in_force
from services.intake.domain.screening import found_by
from services.intake.http.imports import Keys
from services.intake.http.lexicon_bodies import (
    ActivateBody,
    ChangeView,
    ComparisonView,
    CorrectionBody,
    CorrectionsView,
    CorrectionView,
    DraftBody,
    EditionRow,
    Editions,
    EditionView,
    ReasonBody,
    ScoreView,
    TryBody,
    TryView,
    VerdictCount,
    WordsBody,
    edition_row,
    hit_view,
    shipped_row,
)
from services.intake.http.referrals import allowed
from services.intake.storage import corrections, lexicons
from services.intake.usecases.correct_screening import correct_screening, judged
from services.intake.usecases.edit_lexicons import (
    Comparison,
    activate,
    change,
    compare,
    discard,
    document_of,
    draft,
    language_names,
    roll_back,
    with_edition,
)
from services.intake.usecases.screening import editions, shipped, word_lists
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.decision import Resource
from shared.access.rules import ONLY_DANGER
from shared.events.codes import Level
from shared.web.gate import SignedIn
from shared.web.idempotency import IdempotencyKey, once

router = APIRouter(tags=["lexicons"])

Edition = Annotated[str, Path(pattern=r"^[a-z]{2}-[0-9A-Za-z.-]{1,60}$")]


@router.get("/lexicons")
async def list_editions(gate: SignedIn) -> Editions:
    """Show every edition: those that ship and those that people made, and which are in force now."""
    async with gate.begin() as door:
        await door.allow(Action.LEXICON_READ, _lists())
        made = await lexicons.every(door.connection)
        current = {lexicon.edition for lexicon in in_force(await editions(door), door.now)}
        rows = [edition_row(each, in_force=each.edition in current) for each in made]
        rows += [shipped_row(each, in_force=each.lexicon.edition in current) for each in reversed(shipped())]
        return Editions(items=rows, languages=language_names())


@router.post("/lexicons", status_code=201, response_model=EditionRow)
async def begin_draft(body: DraftBody, request: Request, gate: SignedIn, _key: IdempotencyKey) -> Response:
    """Begin an edition with the words of another one."""
    async with gate.begin() as door:
        await door.allow(Action.LEXICON_CHANGE, _lists())

        async def make() -> tuple[int, dict[str, Any]]:
            made = await draft(door, body.based_on, body.note)
            return 201, edition_row(made, in_force=False).model_dump(mode="json")

        return await once(door, request, make)


@router.get("/lexicons/{edition}")
async def read_edition(edition: Edition, gate: SignedIn) -> EditionView:
    """Show an edition with all its words."""
    async with gate.begin() as door:
        await door.allow(Action.LEXICON_READ, _lists())
        document = await document_of(door, edition)
        current = {lexicon.edition for lexicon in await word_lists(door)}
        made = await lexicons.load(door.connection, edition)
        rows = {each.lexicon.edition: each for each in shipped()}
        row = (
            edition_row(made, in_force=edition in current)
            if made is not None
            else shipped_row(rows[edition], in_force=edition in current)
        )
        return EditionView(**row.model_dump(), document=document)


@router.post("/lexicons/{edition}/words")
async def change_words(edition: Edition, body: WordsBody, gate: SignedIn) -> EditionRow:
    """Change the words of a draft. A term that cannot be read is refused, with its place and why."""
    async with gate.begin() as door:
        await door.allow(Action.LEXICON_CHANGE, _lists())
        changes = body.model_dump(exclude={"version", "note"}, exclude_none=True)
        return edition_row(await change(door, edition, body.version, changes, body.note), in_force=False)


@router.get("/lexicons/{edition}/comparison")
async def compare_edition(edition: Edition, gate: SignedIn, keys: Keys) -> ComparisonView:
    """Compare an edition with what is in force: on the shipped sentences, and on what people judged here.

    Of what people judged there are figures and never words: who compares word lists need not read referrals.
    """
    async with gate.begin() as door:
        await door.allow(Action.LEXICON_CHANGE, _lists())
        shipped_set = await compare(door, edition)
        theirs = await compare(door, edition, await judged(door, keys))
        counts = await corrections.counts(door.connection)
        return _comparison(edition, shipped_set, theirs, counts)


@router.post("/lexicons/{edition}/try")
async def try_edition(edition: Edition, body: TryBody, gate: SignedIn) -> TryView:
    """Show what the word lists would find in a text, with this edition in place of its language's. Nothing is kept."""
    async with gate.begin() as door:
        await door.allow(Action.LEXICON_READ, _lists())
        lists = await asyncio.to_thread(with_edition, await word_lists(door), await document_of(door, edition))
    hits = found_by(lists, body.text)
    levels = [lexicon.levels[hit.category] for hit in hits if not hit.negated for lexicon in lists[:1]]
    gravest = max(levels, key=lambda level: level.rank, default=Level.NONE)
    return TryView(hits=[hit_view(hit) for hit in hits], level=gravest.value)


@router.post("/lexicons/{edition}/activate")
async def put_in_force(edition: Edition, body: ActivateBody, gate: SignedIn) -> EditionRow:
    """Put a draft in force, by somebody who did not write it. One that misses more danger needs a reason."""
    async with gate.begin() as door:
        await door.allow(Action.LEXICON_CHANGE, _lists())
        made = await activate(door, edition, body.version, body.effective_from, body.lower_recall_reason)
        return edition_row(made, in_force=made.effective_from == door.now)


@router.post("/lexicons/{edition}/roll-back")
async def take_back(edition: Edition, body: ReasonBody, gate: SignedIn) -> EditionRow:
    """Take an edition out of force; what held before holds again at once."""
    async with gate.begin() as door:
        await door.allow(Action.LEXICON_CHANGE, _lists())
        return edition_row(await roll_back(door, edition, body.reason), in_force=False)


@router.post("/lexicons/{edition}/discard")
async def throw_away(edition: Edition, gate: SignedIn) -> EditionRow:
    """Throw a draft away."""
    async with gate.begin() as door:
        await door.allow(Action.LEXICON_CHANGE, _lists())
        return edition_row(await discard(door, edition), in_force=False)


@router.post("/referrals/{referral_id}/corrections", status_code=201, response_model=CorrectionView)
async def correct(
    referral_id: UUID, body: CorrectionBody, request: Request, gate: SignedIn, keys: Keys, _key: IdempotencyKey
) -> Response:
    """Confirm or correct what screening found. Danger that was missed is raised at once; nothing is ever taken back."""
    async with gate.begin() as door:
        referral, decision = await allowed(door, Action.REFERRAL_CORRECT, referral_id)
        if body.verdict == "misconduct_missed":
            # Bringing something in is what anybody may do, and it opens the wall it goes behind to this transaction.
            await door.allow(Action.REFERRAL_CREATE, Resource("referral", str(referral_id), referral.campus))
        words = "" if decision.obliges(ONLY_DANGER) else body.words

        async def make() -> tuple[int, dict[str, Any]]:
            said = await correct_screening(door, keys, referral_id, body.verdict, level=Level(body.level), words=words)
            view = CorrectionView(
                referral_id=referral_id, verdict=body.verdict, level=said.level, sensitivity=said.sensitivity
            )
            return 201, view.model_dump(mode="json")

        return await once(door, request, make)


@router.get("/referrals/{referral_id}/corrections")
async def list_corrections(referral_id: UUID, gate: SignedIn) -> CorrectionsView:
    """Show what people said of a referral's screening, in codes."""
    async with gate.begin() as door:
        await allowed(door, Action.REFERRAL_READ_NARRATIVE, referral_id)
        return CorrectionsView.of(await corrections.of_referral(door.connection, referral_id))


def _lists() -> Resource:
    """Word lists are the whole system's: a student is read the same way on every campus."""
    return Resource("lexicon", campus=EVERYWHERE)


def _comparison(
    edition: str, on_shipped: Comparison, on_judged: Comparison, counts: list[tuple[str, str, int]]
) -> ComparisonView:
    return ComparisonView(
        edition=edition,
        sentences=on_shipped.sentences,
        scores=_scores(on_shipped),
        judged_sentences=on_judged.sentences,
        judged=_scores(on_judged),
        changed=[
            ChangeView(
                text=each.sentence.text,
                expected=sorted(each.sentence.expect),
                before=sorted(each.before),
                after=sorted(each.after),
                better=each.better,
            )
            for each in on_shipped.changed
        ],
        misses_more_danger=on_shipped.misses_more_danger,
        verdicts=[VerdictCount(edition=each, verdict=verdict, number=number) for each, verdict, number in counts],
    )


def _scores(of: Comparison) -> list[ScoreView]:
    return [ScoreView(category=name, before=_score(of.before[name]), after=_score(of.after[name])) for name in of.after]


def _score(score: Score) -> dict[str, float]:
    return {
        "found": score.found,
        "missed": score.missed,
        "wrong": score.wrong,
        "recall": round(score.recall, 4),
        "precision": round(score.precision, 4),
    }
