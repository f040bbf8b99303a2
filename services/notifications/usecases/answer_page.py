"""Somebody takes a page, or cannot; and what came of it once somebody has it."""

from collections.abc import Sequence

from services.notifications.domain import outcome
from services.notifications.domain.page import Page
from services.notifications.storage import combined, pages
from services.notifications.usecases.desk import Changes, Desk, keep, look_around_pages
from shared.events.cases import ContactRecorded
from shared.storage.tx import Tx


async def accept(tx: Tx, desk: Desk, page: Page, person: str, *, via: str) -> None:
    """Give a locked page to a person. Raises Refused when somebody else has it; taking it twice changes nothing."""
    if page.accepted_by == person:
        return
    around = await look_around_pages(tx.connection, [page])
    changes = Changes.none()
    changes.add(page, page.accept(person, via, tx.now))
    changes.accepted.append(page.id)
    await keep(tx, desk, changes, around.program)


async def decline(tx: Tx, desk: Desk, page: Page, person: str, reason: str, *, via: str) -> None:
    """Note on a locked page that a person cannot take it; the next is told at once when nobody else was."""
    around = await look_around_pages(tx.connection, [page])
    changes = Changes.none()
    changes.add(page, page.decline(person, reason, via, around.of_page(page), tx.now))
    await keep(tx, desk, changes, around.program)


async def record_outcome(tx: Tx, desk: Desk, page: Page, person: str, code: str) -> None:
    """Write down what came of a locked page. Raises Refused unless it is this person's."""
    around = await look_around_pages(tx.connection, [page])
    changes = Changes.none()
    changes.add(page, outcome.record(page, person, code, tx.now))
    await keep(tx, desk, changes, around.program)


async def note_contacts(tx: Tx, desk: Desk, contacts: Sequence[ContactRecorded]) -> None:
    """Bring to pages that their student was reached, as the case has it: they need not be told of again."""
    reached = {contact.case_id: contact for contact in contacts if contact.two_way}
    if not reached:
        return
    now = await combined.now(tx.connection, reached)
    reached = {now.get(case_id, case_id): contact for case_id, contact in reached.items()}
    found = await pages.lock_matters(tx.connection, [], sorted(reached))
    around = await look_around_pages(tx.connection, found)
    changes = Changes.none()
    for page in found:
        contact = reached.get(page.case_id) if page.case_id else None
        if contact is not None and outcome.contacted(page, contact.by, contact.contacted_at, tx.now):
            changes.add(page, [])
    await keep(tx, desk, changes, around.program)
