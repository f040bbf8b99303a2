"""The triage desk's list: what waits for a decision, danger first, then by the time left or in another order."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.referrals import Referral
from services.intake.storage.referrals import FIELDS, referral_of

# What one may decide about is said here again, because row security is a net for single rows and no plan for many.
_WAITING = "state IN ('matching', 'triage_due')"
_OPEN = "sensitivity = 'standard' AND campus = ANY (CAST(:open AS text[]))"
_WALLED = "sensitivity = 'titleix' AND campus = ANY (CAST(:walled AS text[]))"
_KEPT_FROM = "(student_id IS NULL OR student_id <> ALL (CAST(:kept_from AS uuid[])))"
_FILTERS = {
    "campus": "campus = :campus",
    "source_kind": "source_kind = :source_kind",
    "concern": ":concern = ANY (concerns)",
    "matched": "(student_id IS NOT NULL) = CAST(:matched AS boolean)",
    "late": "(due_at < :now) = CAST(:late AS boolean)",
    "since": "received_at > :since",
    "screening": """EXISTS (
        SELECT 1 FROM jsonb_array_elements(CAST(hits AS jsonb)) AS hit
        WHERE hit ->> 0 = ANY (CAST(:screening AS text[])) AND NOT CAST(hit ->> 4 AS boolean))""",
}
Order = Literal["urgent", "oldest", "newest"]
# Danger comes first in every order: whoever likes to begin with the newest must not have to look for it.
_DANGER = "urgency_rank < 2"
_PLACE = text(
    f"SELECT urgency_rank, due_at, {_DANGER} AS danger, received_at FROM referrals WHERE referral_id = :after"  # noqa: S608 - our own names
)
_AFTERS: dict[Order, str] = {
    "urgent": """(urgency_rank, due_at, referral_id)
    > (CAST(:rank AS smallint), CAST(:due AS timestamptz), CAST(:after AS uuid))""",
    "oldest": f"""(NOT ({_DANGER}), received_at, referral_id)
    > (NOT CAST(:danger AS boolean), CAST(:received AS timestamptz), CAST(:after AS uuid))""",
    "newest": f"""(({_DANGER}), received_at, referral_id)
    < (CAST(:danger AS boolean), CAST(:received AS timestamptz), CAST(:after AS uuid))""",
}
_ORDERS: dict[Order, str] = {
    "urgent": "urgency_rank, due_at, referral_id",
    "oldest": f"NOT ({_DANGER}), received_at, referral_id",
    "newest": f"({_DANGER}) DESC, received_at DESC, referral_id DESC",
}
_COUNTS = """count(*) AS waiting, count(*) FILTER (WHERE urgency_rank < 2) AS danger,
    count(*) FILTER (WHERE due_at < :now) AS late,
    count(*) FILTER (WHERE due_at >= :now AND due_at < :soon) AS soon"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What part of the desk is asked for.

    `open` are campuses whose standard referrals the actor decides, `walled` those behind whose wall they decide,
    `kept_from` students they must keep away from. `filters` are names of `_FILTERS` with their values.
    """

    open: Sequence[str]
    walled: Sequence[str]
    kept_from: Sequence[UUID]
    filters: Mapping[str, Any]

    @property
    def parameters(self) -> dict[str, Any]:
        """The values as the statements take them."""
        lists = {"open": list(self.open), "walled": list(self.walled), "kept_from": list(self.kept_from)}
        return {name: value for name, value in lists.items() if value} | dict(self.filters)

    def where(self, *more: str) -> str:
        """Return the condition: no more than is needed, so that the desk's index can give its order."""
        mine = [said for said, held in ((_OPEN, self.open), (_WALLED, self.walled)) if held] or ["false"]
        kept = [_KEPT_FROM] if self.kept_from else []
        return " AND ".join(
            [_WAITING, f"({' OR '.join(mine)})", *kept, *(_FILTERS[name] for name in self.filters), *more]
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A referral on the desk, and how many hits of each category are marked in it, without those that are negated."""

    referral: Referral
    hits: Mapping[str, int]
    screened_with: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many wait: all, with danger, late, and due within the time that counts as soon."""

    waiting: int
    danger: int
    late: int
    soon: int


async def page(
    connection: AsyncConnection,
    asked: Asked,
    *,
    now: datetime,
    after: UUID | None,
    count: int,
    order: Order = "urgent",
) -> list[Row]:
    """Return the next referrals after one of them, in an order of the desk; one decided meanwhile is a place too."""
    place = (await connection.execute(_PLACE, {"after": after})).one_or_none() if after else None
    statement = _statement(
        f"SELECT {FIELDS}, hits, screened_with FROM referrals WHERE"  # noqa: S608 - our own names
        f" {asked.where(*((_AFTERS[order],) if place else ()))} ORDER BY {_ORDERS[order]} LIMIT :count"
    )
    given = asked.parameters | _used(statement, now=now, count=count)
    if place is not None:
        at = {"rank": place.urgency_rank, "due": place.due_at, "danger": place.danger, "received": place.received_at}
        given |= {"after": after} | _used(statement, **at)
    return [_row(row) for row in (await connection.execute(statement, given)).all()]


async def counts(connection: AsyncConnection, asked: Asked, *, now: datetime, soon: datetime) -> Counts:
    """Return how many wait."""
    statement = _statement(f"SELECT {_COUNTS} FROM referrals WHERE {asked.where()}")  # noqa: S608 - our own names
    row = (await connection.execute(statement, asked.parameters | {"now": now, "soon": soon})).one()
    return Counts(row.waiting, row.danger, row.late, row.soon)


_made: dict[str, TextClause] = {}


def _statement(sql: str) -> TextClause:
    """Return a statement, the same object for the same words, so that it is prepared once."""
    if sql not in _made:
        _made[sql] = text(sql)
    return _made[sql]


def _used(statement: TextClause, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - parameters of a statement
    return {name: value for name, value in given.items() if f":{name}" in statement.text}


def _row(row: Any) -> Row:  # noqa: ANN401 - a row of the statement above
    *referral, hits, screened_with = row
    return Row(referral_of(referral), dict(_marked(json.loads(hits))), screened_with)


def _marked(hits: Sequence[Sequence[Any]]) -> Counter[str]:
    """Count what is marked in the text: none within another, the gravest where several begin at one place."""
    found, place = Counter[str](), 0
    for start, _, end, category in sorted(
        (start, category != "danger_imminent", end, category)
        for category, start, end, _, negated, *_ in hits
        if not negated
    ):
        if start >= place:
            found[category], place = found[category] + 1, end
    return found
