"""Puts intake together: databases, routes, stream, replicas, relay and the watcher over dangers."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

from services.intake.drops import FileDrops
from services.intake.http import (
    back,
    deliveries,
    desk,
    feed_health,
    feed_mappings,
    feed_secrets,
    feeds,
    flags,
    imports,
    lexicons,
    matching,
    outreach,
    people,
    public,
    quarantine,
    refer,
    referrals,
    rules,
    students,
    turns,
)
from services.intake.http.key_sets import KeySets
from services.intake.mail import mailer
from services.intake.storage.rule_trials import FORGET_TRIALS
from services.intake.stream import HANDLERS, REPLICAS, TOPICS
from services.intake.topics import Topics
from services.intake.trials import Trials
from services.intake.usecases.clear_flags import expire_flags
from services.intake.usecases.end_outreach import pass_time
from services.intake.usecases.list_outreach import TIMER as OUTREACH
from services.intake.usecases.watch_feeds import forget_feed_days, watch_feeds
from services.intake.usecases.watch_for_silence import watch_for_silence
from shared.clock import Clock
from shared.messaging.relay import Relay
from shared.messaging.replicas import Replicas
from shared.messaging.stream import Stream
from shared.messaging.timers import Timer, Timers, Watcher
from shared.privacy.keys import KeyRing
from shared.service import Loop, Service
from shared.settings import Settings
from shared.storage.engines import Database, connect_both
from shared.storage.tx import Tx
from shared.web import ui
from shared.web.app import create_app
from shared.web.limits import RateLimiter

NAME = "intake"
_LOOK_EVERY = timedelta(seconds=1)
_FLAGS_EVERY = timedelta(minutes=1)
_FEEDS_EVERY = timedelta(seconds=30)


def build(settings: Settings, clock: Clock, role: Literal["api", "worker", "both"] = "both") -> Service:
    """Return intake, not started."""
    database, worker = connect_both(settings, NAME, clock)
    replicas = Replicas(worker, settings, topics=REPLICAS)
    limiter = RateLimiter(settings.redis_url, clock, prefix=f"{settings.topic_prefix}{NAME}.limit:")
    pace = public.Pace(settings.redis_url, clock, prefix=f"{settings.topic_prefix}{NAME}.pace:")
    tries = public.Tries(settings.redis_url, clock, prefix=f"{settings.topic_prefix}{NAME}.tries:")
    keys = KeyRing(settings)
    api = create_app(
        NAME,
        settings,
        database,
        title="Caselight intake",
        routers=[
            referrals.router,
            desk.router,
            lexicons.router,
            flags.router,
            rules.router,
            outreach.router,
            people.router,
            imports.router,
            feeds.router,
            feed_mappings.router,
            feed_health.router,
            feed_secrets.router,
            deliveries.router,
            quarantine.router,
            refer.router,
            back.router,
            turns.router,
            matching.router,
            students.router,
        ],
        ready=replicas.ready,
        parts=[keys, limiter, pace, tries, KeySets(strict=settings.environment == "production")],
        streamed=(*imports.STREAMED, *refer.STREAMED, *back.STREAMED, *deliveries.STREAMED),
    )
    ui.install(api, service_templates=Path(__file__).parent / "templates", brands=public.brands)
    send = mailer(settings)

    async def look(database: Database) -> None:
        await watch_for_silence(database, send)

    async def look_at_feeds(database: Database) -> None:
        await watch_feeds(database)

    async def refer_in_time(tx: Tx, timers: Sequence[Timer]) -> None:
        await pass_time(tx, keys, timers)

    watchers = [
        Watcher("flags", _FLAGS_EVERY, expire_flags),
        Watcher("silence", _LOOK_EVERY, look),
        Watcher("feeds", _FEEDS_EVERY, look_at_feeds),
        Watcher("feed_days", timedelta(days=1), forget_feed_days),
        FORGET_TRIALS,
    ]
    loops: dict[str, Loop] = {
        "relay": Relay(worker, settings).run,
        "replicas": replicas.run,
        "stream": Stream(worker, settings, consumer="stream", topics=TOPICS, handlers=HANDLERS).run,
        "drops": FileDrops(worker, settings, keys).run,
        "topics": Topics(worker, settings, keys).run,
        "trials": Trials(worker).run,
        "timers": Timers(worker, settings, {OUTREACH: refer_in_time}, watchers=watchers).run,
    }

    async def close() -> None:
        await limiter.close()
        await pace.close()
        await tries.close()
        await database.close()
        await worker.close()

    return Service(NAME, api, {} if role == "api" else loops, close)
