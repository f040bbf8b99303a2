"""Pages as rows: found by what they are about, locked in id order, saved whole."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.page import Page

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Page)

_SELECT = "SELECT CAST(body AS text) FROM pages WHERE {where} ORDER BY id"
_BY_ID = text(_SELECT.format(where="id = ANY (CAST(:ids AS uuid[]))"))
_LOCK_BY_ID = text(_SELECT.format(where="id = ANY (CAST(:ids AS uuid[]))") + " FOR UPDATE")
_LOCK_BY_CAUSE = text(_SELECT.format(where="cause_id = ANY (CAST(:ids AS uuid[]))") + " FOR UPDATE")
_LOCK_BY_MATTER = text(
    _SELECT.format(
        where="referral_id = ANY (CAST(:referrals AS uuid[])) OR case_id = ANY (CAST(:cases AS uuid[]))",
    )
    + " FOR UPDATE"
)
_SAVE = text(
    """
    INSERT INTO pages (id, cause_id, campus, sensitivity, function, state, referral_id, case_id, addressees, raised_at,
                       body)
    SELECT id, cause_id, campus, sensitivity, function, state, referral_id, case_id,
           ARRAY(SELECT jsonb_array_elements_text(CAST(addressees AS jsonb))), raised_at, CAST(body AS jsonb)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:cause_ids AS uuid[]), CAST(:campuses AS text[]),
                CAST(:sensitivities AS text[]), CAST(:functions AS text[]), CAST(:states AS text[]),
                CAST(:referral_ids AS uuid[]), CAST(:case_ids AS uuid[]), CAST(:addressees AS text[]),
                CAST(:raised_ats AS timestamptz[]), CAST(:bodies AS text[]))
         AS row(id, cause_id, campus, sensitivity, function, state, referral_id, case_id, addressees, raised_at, body)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE
    SET state = excluded.state, case_id = excluded.case_id, addressees = excluded.addressees, body = excluded.body
    """
)


async def load(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Page]:
    """Return pages by id, those that row security shows."""
    return await _read(connection, _BY_ID, {"ids": list(ids)})


async def lock(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Page]:
    """Return pages by id, locked until the transaction ends."""
    return await _read(connection, _LOCK_BY_ID, {"ids": list(ids)})


async def lock_causes(connection: AsyncConnection, cause_ids: Sequence[UUID]) -> dict[UUID, Page]:
    """Return the pages of causes that have one, locked, by cause."""
    found = await _read(connection, _LOCK_BY_CAUSE, {"ids": list(cause_ids)})
    return {page.cause.id: page for page in found}


async def lock_matters(
    connection: AsyncConnection, referral_ids: Sequence[UUID], case_ids: Sequence[UUID]
) -> list[Page]:
    """Return the pages about any of these referrals or cases, locked."""
    return await _read(connection, _LOCK_BY_MATTER, {"referrals": list(referral_ids), "cases": list(case_ids)})


async def save(connection: AsyncConnection, pages: Sequence[Page]) -> None:
    """Store pages, new and changed ones, in one statement."""
    if not pages:
        return
    await connection.execute(
        _SAVE,
        {
            "ids": [page.id for page in pages],
            "cause_ids": [page.cause.id for page in pages],
            "campuses": [page.cause.campus for page in pages],
            "sensitivities": [page.cause.sensitivity for page in pages],
            "functions": [page.cause.function for page in pages],
            "states": [page.state.value for page in pages],
            "referral_ids": [page.cause.referral_id for page in pages],
            "case_ids": [page.case_id for page in pages],
            "addressees": [_encoder.encode(page.addressees).decode() for page in pages],
            "raised_ats": [page.raised_at for page in pages],
            "bodies": [_encoder.encode(page).decode() for page in pages],
        },
    )
    for page in pages:
        page.saved = len(page.tellings)


def read_page(body: str) -> Page:
    """Return a page from its row's body."""
    page = _decoder.decode(body)
    page.saved = len(page.tellings)
    return page


async def _read(connection: AsyncConnection, statement: TextClause, names: dict[str, object]) -> list[Page]:
    return [read_page(body) for body in (await connection.execute(statement, names)).scalars()]
