"""Pages go on: nobody answered in time, no message of a step arrived, or nobody was reached after an acceptance."""

from collections.abc import Sequence
from uuid import UUID

from services.notifications.domain import outcome
from services.notifications.storage import pages
from services.notifications.usecases.desk import Changes, Desk, keep, look_around_pages
from shared.messaging.timers import Timer
from shared.storage.tx import Tx


async def pass_time(tx: Tx, desk: Desk, timers: Sequence[Timer]) -> None:
    """Take the next step of pages whose time is over. A timer whose page went on since is stale and changes nothing."""
    await _go_on(tx, desk, [(timer.subject, timer.step) for timer in timers], failed=False)


async def fail_turns(tx: Tx, desk: Desk, turns: Sequence[tuple[UUID, int]]) -> None:
    """Go on at once where no message of a page's turn can arrive: waiting for an answer would be waiting for nobody."""
    await _go_on(tx, desk, turns, failed=True)


async def lapse(tx: Tx, desk: Desk, timers: Sequence[Timer]) -> None:
    """Open pages again whose responder has reached nobody in time. A timer of an earlier acceptance is stale."""
    latest = {timer.subject: timer.step for timer in sorted(timers, key=lambda timer: timer.step)}
    found = await pages.lock(tx.connection, sorted(latest))
    around = await look_around_pages(tx.connection, found)
    changes = Changes.none()
    for page in found:
        events = outcome.lapse(page, latest[page.id], around.of_page(page), tx.now)
        if events:
            changes.add(page, events)
    await keep(tx, desk, changes, around.program)


async def _go_on(tx: Tx, desk: Desk, turns: Sequence[tuple[UUID, int]], *, failed: bool) -> None:
    if not turns:
        return
    latest = dict(sorted(turns))
    found = await pages.lock(tx.connection, sorted(latest))
    around = await look_around_pages(tx.connection, found)
    changes = Changes.none()
    for page in found:
        go_on = page.fail if failed else page.pass_time
        events = go_on(latest[page.id], around.of_page(page), tx.now)
        if events or page.fresh:
            changes.add(page, events)
    await keep(tx, desk, changes, around.program)
