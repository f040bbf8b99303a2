"""What analytics answers over HTTP. Counts and times only; who staff are, `program` says."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.analytics.domain.figures import KINDS
from services.analytics.storage.reads import Progress
from services.analytics.usecases import read
from shared.refusal import Refused
from shared.web.gate import SignedIn

router = APIRouter(tags=["figures"])
Campus = Annotated[
    str | None, Query(max_length=32, pattern=r"^[A-Za-z0-9_-]+$", description="one campus; all if left out")
]
Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2200, 1, 1))]
Kinds = Annotated[list[str] | None, Query(max_length=len(KINDS), description="figures wanted; all if left out")]


class AsOf(BaseModel):
    """`as_of` is when the newest event counted happened; `lag_seconds` how much later it was counted."""

    as_of: datetime | None
    lag_seconds: float


class FigureRow(BaseModel):
    """One figure of one campus and day. Times are of those counted, null where the figure has none."""

    campus: str
    day: date
    kind: str
    code: str
    count: int
    mean_seconds: float | None
    longest_seconds: float | None


class OpenRow(BaseModel):
    """Open cases of one family on a campus, at the end of the last day asked for."""

    campus: str
    family: str
    count: int


class FiguresAnswer(AsOf):
    """Figures by campus, day and kind."""

    campuses: list[str]
    rows: list[FigureRow]
    open_cases: list[OpenRow]


class CaseloadRow(BaseModel):
    """Open cases of one member of staff on a campus."""

    campus: str
    staff_id: str
    open_cases: int


class CaseloadsAnswer(AsOf):
    """Caseloads by campus and staff id."""

    rows: list[CaseloadRow]


@router.get("/figures")
async def figures(
    gate: SignedIn,
    campus: Campus = None,
    since: Day = None,
    until: Day = None,
    kind: Kinds = None,
) -> FiguresAnswer:
    """Return figures by campus and day, for directors and supervisors."""
    unknown = sorted(set(kind or ()) - set(KINDS))
    if unknown:
        raise Refused("unknown_kind", f"Figures are: {', '.join(KINDS)}.", status=422, pointer="/query/kind")
    async with gate.begin() as door:
        found = await read.figures(door, campus=campus, since=since, until=until, kinds=kind or ())
    return FiguresAnswer(
        **_as_of(found.progress),
        campuses=list(found.campuses),
        rows=[FigureRow.model_validate(row, from_attributes=True) for row in found.rows],
        open_cases=[OpenRow.model_validate(row, from_attributes=True) for row in found.open_cases],
    )


@router.get("/figures/caseloads")
async def caseloads(gate: SignedIn, campus: Campus = None) -> CaseloadsAnswer:
    """Return how many open cases each member of staff has, for directors and supervisors."""
    async with gate.begin() as door:
        found = await read.caseloads(door, campus=campus)
    return CaseloadsAnswer(
        **_as_of(found.progress),
        rows=[CaseloadRow.model_validate(row, from_attributes=True) for row in found.rows],
    )  # fmt: skip


def _as_of(progress: Progress) -> dict[str, object]:
    return {"as_of": progress.as_of, "lag_seconds": progress.lag_seconds}
