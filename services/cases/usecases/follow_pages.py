"""What pages say of themselves: while one about its student has not ended, no case closes."""

from collections.abc import Sequence

from services.cases.storage import around
from services.cases.storage.around import PageSaid
from shared.storage.tx import Tx


async def follow_pages(tx: Tx, said: Sequence[PageSaid]) -> None:
    """Note which pages are open."""
    if said:
        await around.note_pages(tx.connection, said)
