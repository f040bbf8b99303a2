"""The composition root of notifications: settings to engines, loops and routes. Passes things; holds nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.notifications import stream
from services.notifications.delivery.courier import Courier
from services.notifications.delivery.message import Writer
from services.notifications.delivery.referrers import Contacts
from services.notifications.delivery.smtp import Connections, Server
from services.notifications.http import late_reviews, link, pages
from services.notifications.usecases import go_on
from services.notifications.usecases.desk import PAGE_CONTACT, PAGE_STEP, Desk
from shared.clock import Clock
from shared.events import Topic
from shared.messaging.relay import Relay
from shared.messaging.replicas import Replicas
from shared.messaging.stream import Stream
from shared.messaging.timers import Timer, Timers
from shared.privacy.keys import KeyRing
from shared.service import Loop, Service
from shared.settings import Settings
from shared.storage.engines import Database, connect_both
from shared.storage.tx import Tx
from shared.web.app import create_app

NAME = "notifications"
REPLICAS: tuple[Topic, ...] = ("program", "teams")


@dataclass(frozen=True)
class Works:
    """What works beside HTTP, on the worker's database."""

    database: Database
    desk: Desk
    replicas: Replicas
    events: Stream
    timers: Timers
    courier: Courier
    relay: Relay
    contacts: Contacts

    def loops(self) -> dict[str, Loop]:
        """Return what is to run."""
        return {
            "replicas": self.replicas.run,
            "stream": self.events.run,
            "timers": self.timers.run,
            "delivery": self.courier.run,
            "relay": self.relay.run,
        }


def build(settings: Settings, clock: Clock, role: Literal["api", "worker", "both"] = "both") -> Service:
    """Build the service in one of its roles; nothing is connected yet."""
    api, worker = connect_both(settings, NAME, clock)
    works = assemble(settings, worker)
    app = create_app(
        NAME,
        settings,
        api,
        title="Caselight notifications",
        routers=[pages.router, late_reviews.router, link.router],
        ready=works.replicas.ready,
        parts=[works.desk, works.contacts],
    )

    async def close() -> None:
        await works.contacts.close()
        await api.close()
        await works.database.close()

    return Service(NAME, app, {} if role == "api" else works.loops(), close)


def assemble(settings: Settings, database: Database) -> Works:
    """Put together what works beside HTTP."""
    link_key = KeyRing(settings).secret("page links")
    contacts = Contacts(settings)
    courier = Courier(
        database, _writer(settings, link_key), Connections(Server.of(settings.smtp_url)), contacts=contacts
    )
    desk = Desk(link_key, courier.wake)

    async def lost(tx: Tx, turns: Sequence[tuple[UUID, int]]) -> None:
        await go_on.fail_turns(tx, desk, turns)

    async def step(tx: Tx, timers: Sequence[Timer]) -> None:
        await go_on.pass_time(tx, desk, timers)

    async def contact(tx: Tx, timers: Sequence[Timer]) -> None:
        await go_on.lapse(tx, desk, timers)

    courier.on_lost = lost
    # Before the stream, which waits for the replicas that its database knows of.
    replicas = Replicas(database, settings, REPLICAS)
    events = Stream(
        database,
        settings,
        consumer="pages",
        topics=("referrals", "cases"),
        handlers=stream.handlers(desk),
        urgent=stream.urgent(desk),
        from_headers=stream.from_headers(desk),
    )
    timers = Timers(database, settings, {PAGE_STEP: step, PAGE_CONTACT: contact})
    return Works(database, desk, replicas, events, timers, courier, Relay(database, settings), contacts)


def _writer(settings: Settings, link_key: bytes) -> Writer:
    public_url = settings.public_url or f"http://127.0.0.1:{settings.port(NAME)}"
    return Writer(settings.mail_from, public_url.rstrip("/"), settings.console_url, link_key)
