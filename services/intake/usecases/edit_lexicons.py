"""People edit word lists: draft, compare on judged sentences, put in force by a second person, take back."""

import asyncio
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache, partial
from itertools import compress
from typing import Any

from services.intake.domain.evaluation import DANGER, TRAIN, Change, Score, Sentence, changes, read, scores
from services.intake.domain.lexicon import Lexicon, in_force
from services.intake.domain.lexicon_documents import Wrong, edited, wrongs
from services.intake.storage import lexicons
from services.intake.storage.lexicons import ACTIVE, DISCARDED, DRAFT, WITHDRAWN, Made
from services.intake.usecases.screening import documents, editions, forget, sentences, shipped
from shared.refusal import Refused
from shared.storage.tx import Tx

_MOST_A_DAY = 99
# Word lists that are looked at again and again: those in force, and the drafts people are at.
_KEPT = 8


@dataclass(frozen=True, slots=True)
class Comparison:
    """The word lists in force beside those with an edition in place of its language's.

    `changed` are only sentences one may look at; of the others there are figures alone.
    """

    before: Mapping[str, Score]
    after: Mapping[str, Score]
    changed: Sequence[Change]
    sentences: int

    @property
    def misses_more_danger(self) -> bool:
        """Whether danger that is found now would be missed."""
        return self.after[DANGER].missed > self.before[DANGER].missed


def shipped_document(edition: str) -> dict[str, Any] | None:
    """Return the document of an edition that ships, as people's are kept: plain, without its dates."""
    return _shipped_documents().get(edition)


@cache
def _shipped_documents() -> dict[str, dict[str, Any]]:
    found = {}
    for content in documents().values():
        said = tomllib.loads(content)
        said["effective_from"] = said["effective_from"].isoformat()
        found[said["edition"]] = said
    return found


async def document_of(tx: Tx, edition: str) -> dict[str, Any]:
    """Return the document of any edition, shipped or made by people. Raises Refused where there is none."""
    known = shipped_document(edition)
    if known is None:
        made = await lexicons.load(tx.connection, edition)
        known = None if made is None else made.document
    if known is None:
        raise Refused("unknown_edition", "There is no such edition.", status=404)
    return known


async def draft(tx: Tx, based_on: str, note: str) -> Made:
    """Begin an edition with the words of another one. Its name is its language and the day."""
    document = await document_of(tx, based_on)
    language = document["language"]
    for number in range(1, _MOST_A_DAY + 1):
        name = f"{language}-{tx.now:%Y-%m-%d}" + (f".{number}" if number > 1 else "")
        made = Made(
            edition=name,
            language=language,
            based_on=based_on,
            state=DRAFT,
            note=note,
            authors=(tx.actor.id,),
            made_at=tx.now,
            changed_at=tx.now,
            version=1,
            document={**document, "edition": name},
        )
        if shipped_document(name) is None and await lexicons.add(tx, made):
            return made
    raise Refused("too_many_drafts", "That is enough for one day. Go on with a draft that is there.")


async def change(tx: Tx, edition: str, version: int, changes_: Mapping[str, Any], note: str | None) -> Made:
    """Change the words of a draft. Raises Refused for a term that cannot be read, or when somebody changed it since."""
    made = await _locked(tx, edition, DRAFT)
    if made.version != version:
        raise Refused("changed_meanwhile", "Somebody changed this draft meanwhile. Look at it again.")
    document = edited(made.document, changes_)
    refuse_wrongs(document)
    authors = tuple(dict.fromkeys([*made.authors, tx.actor.id]))
    note = made.note if note is None else note
    changed = replace(made, document=document, authors=authors, note=note, version=version + 1, changed_at=tx.now)
    await lexicons.save(tx, changed)
    return changed


def refuse_wrongs(document: Mapping[str, Any]) -> None:
    """Raise Refused with the first term that cannot be read, pointing to it."""
    found: list[Wrong] = wrongs(document)
    if found:
        first = found[0]
        pointer = f"/body/{first.place.replace('.', '/')}/{first.index}"
        raise Refused("term_unreadable", f"Term {first.index + 1}: {first.why}", status=422, pointer=pointer)


async def compare(tx: Tx, edition: str, among: Sequence[Sentence] | None = None) -> Comparison:
    """Compare an edition with what is in force, on the shipped sentences or on others."""
    document = await document_of(tx, edition)
    before = in_force(await editions(tx), tx.now)
    return await asyncio.to_thread(_compared, before, document, among)


def _compared(lists: Sequence[Lexicon], document: Mapping[str, Any], among: Sequence[Sentence] | None) -> Comparison:
    of, reading = (sentences(), _read_shipped) if among is None else (among, partial(read, among))
    before, after = reading(lists), reading(with_edition(lists, document))
    train = [sentence.part == TRAIN for sentence in of]
    looked_at = list(compress(of, train))
    changed = changes(looked_at, list(compress(before, train)), list(compress(after, train)))
    return Comparison(scores(of, before), scores(of, after), changed, len(of))


def _read_shipped(lists: Sequence[Lexicon]) -> list[frozenset[str]]:
    """Return what word lists find in the shipped sentences: each finds what it finds, whichever stand beside it."""
    return [frozenset().union(*found) for found in zip(*map(_read_alone, lists), strict=True)]


@lru_cache(maxsize=_KEPT)
def _read_alone(lexicon: Lexicon) -> list[frozenset[str]]:
    return read(sentences(), [lexicon])


def with_edition(before: Sequence[Lexicon], document: Mapping[str, Any]) -> list[Lexicon]:
    """Return word lists with that of a document in place of its language's."""
    made = _compiled(json.dumps({**document, "effective_from": None}, sort_keys=True))
    return [made, *(lexicon for lexicon in before if lexicon.language != made.language)]


@lru_cache(maxsize=_KEPT)
def _compiled(document: str) -> Lexicon:
    """Compile a word list: half a second for a long one, and the same draft is looked at again and again."""
    return Lexicon.of(json.loads(document))


async def activate(
    tx: Tx, edition: str, version: int, effective_from: datetime | None, lower_recall_reason: str
) -> Made:
    """Put a draft in force, now or later. Raises Refused for whoever wrote any of it: two people see every word.

    One that misses more danger in the shipped sentences than what is in force needs a reason of its own.
    """
    made = await _locked(tx, edition, DRAFT)
    if made.version != version:
        raise Refused("changed_meanwhile", "Somebody changed this draft meanwhile. Look at it again.")
    if tx.actor.id in made.authors:
        raise Refused("second_person_needed", "Somebody who did not write it puts it in force.", status=403)
    if effective_from is not None and effective_from < tx.now:
        raise Refused("in_the_past", "It can hold from now on, not before.", status=422, pointer="/body/effective_from")
    if (await compare(tx, edition)).misses_more_danger and not lower_recall_reason:
        raise Refused(
            "misses_danger",
            "It misses danger that is found now. Say why that is right, or mend it.",
            status=422,
            pointer="/body/lower_recall_reason",
        )
    active = replace(
        made,
        state=ACTIVE,
        effective_from=effective_from or tx.now,
        activated_by=tx.actor.id,
        activated_at=tx.now,
        lower_recall_reason=lower_recall_reason,
        version=version + 1,
    )
    await lexicons.save(tx, active)
    _look_again(tx)
    return active


async def roll_back(tx: Tx, edition: str, reason: str) -> Made:
    """Take an edition out of force: what held before it holds again at once. One person may, because it is urgent."""
    made = await _locked(tx, edition, ACTIVE)
    back = replace(made, state=WITHDRAWN, withdrawn_by=tx.actor.id, withdrawn_at=tx.now, withdrawn_reason=reason)
    await lexicons.save(tx, back)
    _look_again(tx)
    return replace(back, version=made.version + 1)


async def discard(tx: Tx, edition: str) -> Made:
    """Throw a draft away."""
    made = await _locked(tx, edition, DRAFT)
    gone = replace(made, state=DISCARDED)
    await lexicons.save(tx, gone)
    return replace(gone, version=made.version + 1)


def language_names() -> list[str]:
    """Return the languages there are word lists in."""
    return sorted({edition.lexicon.language for edition in shipped()})


async def _locked(tx: Tx, edition: str, state: str) -> Made:
    made = await lexicons.load(tx.connection, edition, lock=True)
    if made is None and shipped_document(edition) is not None:
        raise Refused("shipped", "This edition ships with Caselight. Draft one of your own from it.")
    if made is None:
        raise Refused("unknown_edition", "There is no such edition.", status=404)
    if made.state != state:
        raise Refused("not_" + state, f"That can be done with {_CALLED[state]} only.")
    return made


_CALLED = {DRAFT: "a draft", ACTIVE: "an edition in force"}


def _look_again(tx: Tx) -> None:
    engine = tx.connection.sync_engine
    tx.after_commit.append(lambda: forget(engine))
