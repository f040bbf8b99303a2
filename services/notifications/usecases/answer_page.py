"""Somebody takes a page, or cannot."""

from services.notifications.domain.page import Page
from services.notifications.usecases.desk import Changes, Desk, keep, look_around_pages
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
