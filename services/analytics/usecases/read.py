"""Answer with figures and caseloads: only of campuses the asker may see, and without a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.analytics.domain.figures import KINDS
from services.analytics.storage import reads
from services.analytics.storage.reads import Progress, Row
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.program import load_program
from shared.refusal import Refused
from shared.web.gate import Door

LONGEST = timedelta(days=731)


@dataclass(frozen=True, slots=True)
class OpenCases:
    """How many cases of a family are open on a campus at the end of the asked days."""

    campus: str
    family: str
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures asked for, and how far counting had come when they were read."""

    progress: Progress
    campuses: Sequence[str]
    rows: Sequence[Row]
    open_cases: Sequence[OpenCases]


@dataclass(frozen=True, slots=True)
class Caseload:
    """How many open cases a member of staff has on a campus."""

    campus: str
    staff_id: str
    open_cases: int


@dataclass(frozen=True, slots=True)
class Caseloads:
    """The caseloads asked for, and how far counting had come when they were read."""

    progress: Progress
    rows: Sequence[Caseload]


async def figures(
    door: Door, *, campus: str | None, since: date | None, until: date | None, kinds: Sequence[str]
) -> Figures:
    """Return figures of the days from `since` to `until`, both included; without them, of the last 12 weeks."""
    last = until or door.now.date() + timedelta(days=1)  # a campus ahead of UTC has its tomorrow already
    first = since or last - timedelta(weeks=12)
    if first > last or last - first > LONGEST:
        raise Refused(
            "bad_range", "The days must run forwards, over at most two years.", status=422, pointer="/query/since"
        )
    asked = f"campus={campus or ''} since={first} until={last} kinds={','.join(kinds) or 'all'}"
    campuses = await _campuses(door, Action.FIGURES_READ, campus, asked)
    return Figures(
        progress=await reads.progress(door.connection),
        campuses=campuses,
        rows=await reads.figures(door.connection, campuses, first, last, kinds or tuple(KINDS)),
        open_cases=[OpenCases(*row) for row in await reads.open_cases(door.connection, campuses, last)],
    )


async def caseloads(door: Door, *, campus: str | None) -> Caseloads:
    """Return how many open cases each member of staff has."""
    campuses = await _campuses(door, Action.CASELOAD_READ, campus, f"campus={campus or ''}")
    rows = await reads.caseloads(door.connection, campuses)
    return Caseloads(await reads.progress(door.connection), [Caseload(*row) for row in rows])


async def _campuses(door: Door, action: Action, campus: str | None, asked: str) -> list[str]:
    """Decide which campuses the answer is about, and record it. Asked for one by name, no is an error."""
    if campus is not None:
        await door.allow(action, Resource("figures", campus=campus), filter=asked)
        return [campus]
    known = sorted((await load_program(door.connection)).campuses)
    decisions = door.allow_each(action, [Resource("figures", campus=each) for each in known])
    allowed = [each for each, decision in zip(known, decisions, strict=True) if decision is not None]
    if not allowed:
        await door.allow(action, Resource("figures"), filter=asked)
    await door.record_list(action, allowed, asked)
    return allowed
