"""Screening with the word lists in force: those that ship with Caselight, and those that people put in their place."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from services.intake.domain.evaluation import TEST, TRAIN, Sentence, merged
from services.intake.domain.languages import first_of
from services.intake.domain.lexicon import Edition, Lexicon, in_force
from services.intake.domain.referrals import Incoming
from services.intake.domain.screening import Screening, screen
from services.intake.storage import lexicons as stored
from shared.storage.tx import Tx

# What people put in force is looked for this often, so that a referral costs no statement of its own for it.
LOOKED_FOR_EVERY = timedelta(seconds=5)

_kept: WeakKeyDictionary[Engine, tuple[datetime, tuple[Edition, ...]]] = WeakKeyDictionary()


@cache
def documents() -> dict[str, str]:
    """Return the text of every edition that ships, by its file."""
    folder = files("services.intake") / "lexicons"
    return {
        file.name: file.read_text(encoding="utf-8")
        for file in sorted(folder.iterdir(), key=lambda each: each.name)
        if file.name.endswith(".toml")
    }


@cache
def shipped() -> tuple[Edition, ...]:
    """Return every edition that ships with Caselight, read once."""
    read = (Lexicon.read(document) for document in documents().values())
    return tuple(Edition(lexicon, lexicon.effective_from) for lexicon in read)


@cache
def sentences() -> tuple[Sentence, ...]:
    """Return the sentences that word lists are measured on, both parts."""
    folder = files("services.intake") / "evaluation"
    found = []
    for part in (TRAIN, TEST):
        for line in (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines():
            said = json.loads(line)
            found.append(Sentence(said["text"], said["language"], merged(said["expect"]), said["kind"], part))
    return tuple(found)


async def editions(tx: Tx) -> tuple[Edition, ...]:
    """Return every edition there is, people's too, as known at most five seconds ago."""
    engine = tx.connection.sync_engine
    kept = _kept.get(engine)
    if kept is None or abs(tx.now - kept[0]) > LOOKED_FOR_EVERY:
        peoples = await stored.in_use(tx.connection)
        kept = _kept[engine] = (tx.now, (*shipped(), *peoples))
    return kept[1]


async def word_lists(tx: Tx) -> tuple[Lexicon, ...]:
    """Return the word lists in force now, one for each language."""
    return in_force(await editions(tx), tx.now)


def last_known(engine: Engine, now: datetime) -> tuple[Lexicon, ...]:
    """Return the word lists in force as last heard of, for a look before there is a transaction."""
    kept = _kept.get(engine)
    return in_force(kept[1] if kept else shipped(), now)


def forget(engine: Engine) -> None:
    """Look again at once: an edition was put in force or taken back here."""
    _kept.pop(engine, None)


def screened(incoming: Incoming, lexicons: Sequence[Lexicon]) -> Screening:
    """Screen a referral with these word lists, that of its language first."""
    ordered = first_of(lexicons, incoming.narrative, incoming.language)
    return screen(ordered, incoming.narrative, incoming.concerns, incoming.urgency, incoming.about.description)
