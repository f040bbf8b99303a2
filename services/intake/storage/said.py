"""What referrals said when they came, opened again to compare with what their source sends under the same id."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.intake.domain.referral_rows import Said
from services.intake.domain.referrals import About
from services.intake.storage.referrals import ABOUT, NARRATIVE
from shared.privacy.keys import KeyRing
from shared.privacy.text import TextDestroyedError, unseal
from shared.storage.tx import Tx

_SAID = text(
    """
    SELECT referral_id, campus, urgency, concerns, narrative, about FROM referrals
    WHERE referral_id = ANY (CAST(:ids AS uuid[]))
    """
)


async def said(tx: Tx, keys: KeyRing, ids: Sequence[UUID]) -> dict[UUID, Said]:
    """Return what these referrals said. One statement, and one for each campus. Without those whose text is gone."""
    if not ids:
        return {}
    campuses: dict[str, list[Any]] = {}
    for row in (await tx.connection.execute(_SAID, {"ids": list(ids)})).all():
        campuses.setdefault(row.campus, []).append(row)
    found: dict[UUID, Said] = {}
    for campus, rows in campuses.items():
        try:
            found |= await _opened(tx, keys, campus, rows)
        except TextDestroyedError:
            found |= await _one_by_one(tx, keys, campus, rows)
    return found


async def _one_by_one(tx: Tx, keys: KeyRing, campus: str, rows: Sequence[Any]) -> dict[UUID, Said]:
    found: dict[UUID, Said] = {}
    for row in rows:
        try:
            found |= await _opened(tx, keys, campus, [row])
        except TextDestroyedError:  # nobody is to know any more what it said, so nothing is compared with it
            continue
    return found


async def _opened(tx: Tx, keys: KeyRing, campus: str, rows: Sequence[Any]) -> dict[UUID, Said]:
    sealed = [
        (row.referral_id, field, row.referral_id, bytes(content))
        for row in rows
        for field, content in ((NARRATIVE, row.narrative), (ABOUT, row.about))
        if content is not None
    ]
    texts = await unseal(tx, keys, campus, sealed)
    by_place = {(id_, field): each for (id_, field, *_), each in zip(sealed, texts, strict=True)}
    return {row.referral_id: _said(row, by_place) for row in rows}


def _said(row: Any, texts: Mapping[tuple[UUID, str], str]) -> Said:  # noqa: ANN401 - a row of the statement above
    about = About(**json.loads(texts.get((row.referral_id, ABOUT), "{}")))
    narrative = texts.get((row.referral_id, NARRATIVE), "")
    return Said(row.campus, row.urgency, frozenset(row.concerns), narrative, about)
