"""Routes for how feeds do: what is wrong since when, what came on each of the last 30 days, why things were refused."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.intake.domain.feed_health import SIGNALS, WELL, Day, Schedule, band, state_of
from services.intake.domain.feeds import Feed
from services.intake.http.feeds import CampusFilter, feed_for, resource_of
from services.intake.storage import feed_health, feeds
from services.intake.usecases.watch_feeds import OFF, schedule_of
from shared.access.actions import Action
from shared.program import load_program
from shared.web.gate import Door, SignedIn

router = APIRouter(tags=["feeds"])

DAYS = 30
Pictures = Annotated[int, Query(ge=0, le=12, description="of how many of them to tell the last 30 days")]
_MOST, _HISTORY = 500, 50


class SignalView(BaseModel):
    """Something that is wrong with a feed. `facts` are counts, codes and times."""

    signal: str
    since: datetime
    facts: dict[str, Any]


class StateView(BaseModel):
    """How a feed is: `well`, `off` while it is not watched, or its gravest signal."""

    feed_id: UUID
    code: str
    name: str
    campus: str
    state: str
    last_at: datetime | None
    looked_at: datetime | None
    signals: list[SignalView]


class BandView(BaseModel):
    """How many items a day should bring, as its owner `said` or as it usually does; `high` is null for no upper end."""

    low: float
    high: float | None
    said: bool


class DayView(BaseModel):
    """What came on one day of the feed's own calendar, and whether anything was expected."""

    day: date
    expected: bool
    deliveries: int
    items: int
    accepted: int
    unchanged: int
    merged: int
    skipped: int
    quarantined: int
    refused: int


class RefusalView(BaseModel):
    """Why deliveries were turned away as a whole, and what their sender can do."""

    code: str
    detail: str
    times: int
    last_at: datetime


class PastSignal(BaseModel):
    """Something that is or was wrong."""

    signal: str
    since: datetime
    resolved_at: datetime | None
    facts: dict[str, Any]


class ListedView(StateView):
    """How a feed is. `days` are its last 30, for as many feeds as pictures were asked for."""

    band: BandView | None = None
    days: list[DayView] = []


class States(BaseModel):
    """Feeds and how they are, those with the gravest trouble first."""

    items: list[ListedView]


class HealthView(StateView):
    """How a feed does, with its last 30 days."""

    zone: str
    band: BandView | None
    days: list[DayView]
    refusals: list[RefusalView]
    history: list[PastSignal]


@router.get("/feed-health")
async def list_health(gate: SignedIn, campus: CampusFilter = "", pictures: Pictures = 0) -> States:
    """Show how the caller's feeds are, the gravest first."""
    async with gate.begin() as door:
        found = [feed for feed, _ in await feeds.page(door.connection, campus=campus, count=_MOST)]
        decisions = door.allow_each(Action.FEED_LIST, [resource_of(feed) for feed in found])
        shown = [
            feed
            for feed, decision in zip(found, decisions, strict=True)
            if decision is not None and feed.state != "retired"
        ]
        await door.record_list(
            Action.FEED_LIST,
            [str(feed.feed_id) for feed in shown],
            f"campus={campus}",
            kind="feed",
            campus=campus or "*",
        )
        ids = [feed.feed_id for feed in shown]
        states = await feed_health.states(door.connection, ids)
        wrong = await feed_health.open_signals(door.connection, ids)
        last = await feed_health.came(door.connection, ids)
        views = [
            ListedView(**_state(feed, states.get(feed.feed_id), last[feed.feed_id], wrong.get(feed.feed_id, {})))
            for feed in shown
        ]
        views.sort(key=lambda view: (_gravity(view.state), view.name.casefold(), view.code))
        if pictures:
            await _draw(door, {feed.feed_id: feed for feed in shown}, views[:pictures])
    return States(items=views)


@router.get("/feeds/{feed_id}/health")
async def read_health(feed_id: UUID, gate: SignedIn) -> HealthView:
    """Show how a feed does: what is wrong, its last 30 days, what was turned away, what was wrong before."""
    async with gate.begin() as door:
        feed = await feed_for(door, Action.FEED_READ, feed_id)
        state = (await feed_health.states(door.connection, [feed_id])).get(feed_id)
        wrong = (await feed_health.open_signals(door.connection, [feed_id])).get(feed_id, {})
        last = (await feed_health.came(door.connection, [feed_id]))[feed_id]
        since = state.watched_since if state is not None else door.now
        plan = schedule_of(await load_program(door.connection), feed, since, door.now)
        first = plan.local_day(door.now) - timedelta(days=DAYS - 1)
        came = (await feed_health.days(door.connection, [feed_id], first)).get(feed_id, [])
        refusals = await feed_health.refusals(door.connection, feed_id, door.now - timedelta(days=7))
        history = await feed_health.history(door.connection, feed_id, _HISTORY)
        now = door.now
    return HealthView(
        **_state(feed, state, last, wrong),
        zone=plan.calendars[0].zone.key,
        band=_band(plan, came, now),
        days=_days(plan, came, first, now),
        refusals=[
            RefusalView(code=row.code, detail=row.detail, times=int(row.times), last_at=row.last_at) for row in refusals
        ],
        history=[
            PastSignal(
                signal=row.signal, since=row.since, resolved_at=row.resolved_at, facts=feed_health.facts_of(row.facts)
            )
            for row in history
        ],
    )


async def _draw(door: Door, shown: Mapping[UUID, Feed], views: Sequence[ListedView]) -> None:
    """Give feeds their days."""
    program = await load_program(door.connection)
    first = door.now.date() - timedelta(days=DAYS)
    came = await feed_health.days(door.connection, [view.feed_id for view in views], first)
    for view in views:
        plan, mine = schedule_of(program, shown[view.feed_id], door.now, door.now), came.get(view.feed_id, [])
        view.band = _band(plan, mine, door.now)
        view.days = _days(plan, mine, plan.local_day(door.now) - timedelta(days=DAYS - 1), door.now)


def _state(
    feed: Feed,
    state: Any,  # noqa: ANN401 - a row
    last_at: datetime | None,
    wrong: Mapping[str, tuple[datetime, Any]],
) -> dict[str, Any]:
    active = feed.state == "active"
    return {
        "feed_id": feed.feed_id,
        "code": feed.code,
        "name": feed.name,
        "campus": feed.campus,
        "state": state_of(wrong) if active else OFF,
        "last_at": last_at,
        "looked_at": state.looked_at if state is not None else None,
        "signals": [
            SignalView(signal=signal, since=since, facts=facts)
            for signal, (since, facts) in sorted(wrong.items(), key=lambda each: _gravity(each[0]))
        ],
    }


def _gravity(signal: str) -> int:
    known = (*SIGNALS, WELL, OFF)
    return known.index(signal) if signal in known else 0


def _band(plan: Schedule, came: Sequence[Day], now: datetime) -> BandView | None:
    today = plan.local_day(now)
    found = band(plan, [day for day in came if day.day < today])
    if found is None:
        return None
    low, high = found
    said = bool(plan.feed.expected.low or plan.feed.expected.high)
    return BandView(low=low, high=None if high == float("inf") else high, said=said)


def _days(plan: Schedule, came: Sequence[Day], first: date, now: datetime) -> list[DayView]:
    """Return every day of the picture, also those on which nothing came."""
    there = {day.day: day for day in came}
    days = [first + timedelta(days=number) for number in range((plan.local_day(now) - first).days + 1)]
    return [
        DayView(
            expected=plan.expects(day),
            **{name: getattr(there.get(day, Day(day)), name) for name in Day.__dataclass_fields__},
        )
        for day in days
    ]
