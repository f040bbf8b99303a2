"""Count what happened: flags straight into the figures, everything else by way of its matter."""

from collections.abc import Sequence
from typing import Any

from services.analytics.domain.counting import DayOf, change, count_by_itself, key_of
from services.analytics.domain.figures import Changes
from services.analytics.domain.matters import Matter, difference
from services.analytics.storage import figures, matters
from shared.events import Envelope
from shared.program import load_program
from shared.storage.tx import Tx


async def count_by_themselves(tx: Tx, envelopes: Sequence[Envelope[Any]]) -> None:
    """Count what has no later fate, each on its campus's day. Two statements; a third when the program has changed."""
    day_of, changes = await _days(tx), Changes()
    for envelope in envelopes:
        count_by_itself(envelope.event, day_of, changes)
    await figures.apply(tx, changes)


async def count_matters(tx: Tx, envelopes: Sequence[Envelope[Any]]) -> None:
    """Fold events into their matters and the difference into the figures.

    At most seven statements, whatever the number of events. An event that says nothing new changes nothing.
    """
    day_of, changes = await _days(tx), Changes()
    before = await matters.load(tx, (key_of(envelope.event) for envelope in envelopes))
    after: dict[Any, Matter] = {}
    for envelope in envelopes:
        key = key_of(envelope.event)
        known = after.get(key) or before.get(key) or Matter(key)
        after[key] = change(known, envelope.event, day_of)
    for key, matter in after.items():
        difference(before.get(key) or Matter(key), matter, changes)
    await matters.save(
        tx,
        added=[matter for key, matter in after.items() if key not in before],
        changed=[matter for key, matter in after.items() if key in before and matter is not before[key]],
    )
    await figures.apply(tx, changes)


async def keep(tx: Tx, envelopes: Sequence[Envelope[Any]]) -> None:
    """Do nothing more: history has the events, and no figure depends on them yet."""


async def _days(tx: Tx) -> DayOf:
    program = await load_program(tx.connection)
    return lambda campus, at: program.calendar(campus).local_day(at)
