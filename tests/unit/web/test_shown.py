"""What one may not see shows neither by a short part of a listing nor by where the next one begins."""

from collections.abc import Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.web.shown import look_past

Row = tuple[UUID, bool]


async def parts(rows: Sequence[Row], count: int) -> list[tuple[list[Row], UUID | None]]:
    """Page through a listing to its end."""

    async def page(after: UUID | None, wanted: int) -> Sequence[Row]:
        place = next((n for n, (id_, _) in enumerate(rows) if id_ == after), -1) + 1
        return rows[place : place + wanted]

    async def shown(found: Sequence[Row]) -> Sequence[Row]:
        return [row for row in found if row[1]]

    found, after, more = list[tuple[list[Row], UUID | None]](), None, True
    while more:
        seen, after = await look_past(page, shown, id_of=lambda row: row[0], after=after, count=count)
        found.append((seen, after))
        more = after is not None
    return found


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 5))
async def test_a_listing_reads_as_if_what_is_hidden_were_not_there(visible: list[bool], count: int) -> None:
    rows = [(UUID(int=place + 1), yes) for place, yes in enumerate(visible)]
    assert await parts(rows, count) == await parts([row for row in rows if row[1]], count)
