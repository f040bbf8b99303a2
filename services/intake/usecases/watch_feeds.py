"""Looks at how feeds do, and tells once what is wrong and once that it is not any more. Any number of workers may."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from services.intake.domain.feed_health import Schedule, Seen, findings, settle, state_of
from services.intake.domain.feeds import Feed
from services.intake.storage import feed_health
from services.intake.storage.feed_health import Asked, Change, Watched
from shared.access.actors import EVERYWHERE, service_actor
from shared.events.feeds import FeedHealthChanged
from shared.program import Calendar, Program, load_program
from shared.storage.engines import Database

OFF = "off"
FAR = timedelta(days=30)
# A file that began before midnight and ended after it is counted when it has.
_AGAIN = timedelta(hours=6)


async def watch_feeds(database: Database) -> int:
    """Look at every feed; return how many signals opened or ended."""
    async with database.transaction(service_actor(database.service)) as tx:
        watched = await feed_health.watched(tx.connection) if await feed_health.alone(tx.connection) else []
        if not watched:
            return 0
        program = await load_program(tx.connection)
        plans = [schedule_of(program, each.feed, each.since or tx.now, tx.now) for each in watched]
        asked = [_asked(plan, each, tx.now) for plan, each in zip(plans, watched, strict=True)]
        await feed_health.roll_up(tx.connection, asked)
        seen = await feed_health.seen(tx.connection, asked, tx.now)
        open_now = await feed_health.open_signals(tx.connection, [each.feed.feed_id for each in watched])
        changes, states = list[Change](), list[tuple[Feed, datetime, datetime | None, str]]()
        for plan in plans:
            feed, known = plan.feed, seen[plan.feed.feed_id]
            since = {signal: began for signal, (began, _) in open_now.get(feed.feed_id, {}).items()}
            mine = _changes(plan, known, since, tx.now)
            worst = _worst(feed, since, mine)
            changes += mine
            states.append((feed, plan.watched_since, known.last_at, worst if feed.state == "active" else OFF))
            tx.publish(*(_told(change, worst, tx.now) for change in mine))
        await feed_health.keep(tx, changes)
        await feed_health.looked(tx, states)
    return len(changes)


async def forget_feed_days(database: Database) -> None:
    """Delete what is too old to be shown."""
    async with database.transaction(service_actor(database.service)) as tx:
        await feed_health.forget_old(tx)


def schedule_of(program: Program, feed: Feed, since: datetime, now: datetime) -> Schedule:
    """Return when something of a feed is expected, by the calendars and terms of its campuses."""
    campuses = sorted(program.campuses) if feed.campus == EVERYWHERE else [feed.campus]
    calendars = [program.calendar(campus) for campus in campuses if campus in program.campuses] or [Calendar()]
    terms = {term for campus in campuses for term in program.terms(campus, now)}
    return Schedule(feed, calendars, sorted(terms, key=lambda term: term.starts), since)


def _asked(plan: Schedule, each: Watched, now: datetime) -> Asked:
    """Say what to ask of the rows: the window of the last day due ends where the current one begins."""
    zone = plan.calendars[0].zone
    today = plan.local_day(now)
    again = plan.local_day(each.looked_at - _AGAIN) if each.looked_at else today - FAR
    current, due = plan.current(now), next(plan.due(now), None)
    current_from = plan.begins(current) if current else datetime.combine(today, time(), tzinfo=zone)
    due_from = plan.begins(due) if due and due != current else current_from
    return Asked(each.feed, zone.key, datetime.combine(again, time(), tzinfo=zone), due_from, current_from, today - FAR)


def _changes(plan: Schedule, known: Seen, since: dict[str, datetime], now: datetime) -> list[Change]:
    opened, over = settle(since, findings(plan, known, now), known, plan.feed)
    return [
        *(Change(plan.feed, signal, since[signal], None) for signal in over),
        *(Change(plan.feed, finding.signal, now, finding) for finding in opened),
    ]


def _worst(feed: Feed, since: dict[str, datetime], changes: Sequence[Change]) -> str:
    over = {change.signal for change in changes if change.finding is None}
    opened = {change.signal for change in changes if change.finding is not None}
    return state_of((since.keys() - over) | opened) if feed.state == "active" else state_of(())


def _told(change: Change, worst: str, now: datetime) -> FeedHealthChanged:
    feed = change.feed
    return FeedHealthChanged(
        campus=feed.campus,
        sequence=feed.version,
        feed_id=feed.feed_id,
        feed=feed.code,
        owner_id=feed.owner_id,
        signal=change.signal,
        state="opened" if change.finding is not None else "resolved",
        worst=worst,
        since=change.since,
        changed_at=now,
    )
