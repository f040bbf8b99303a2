"""Notifications on a real database with a mail server that a test can make difficult; events are fed, time is moved."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text

from deploy.local.mail import MailSink
from services.notifications.app import Works, assemble, build
from shared.access.actors import service_actor
from shared.access.tokens import mint
from shared.clock import MovableClock
from shared.events import Event, Snapshot, catalogue
from shared.events.program import PolicyEdition, PolicySnapshot
from shared.events.referrals import DangerRaised, MisconductReported
from shared.ids import new_id
from shared.messaging.records import Record, record_of
from shared.service import Service
from shared.settings import Settings
from shared.storage import snapshots
from shared.storage.engines import connect
from tests.unit.notifications.world import CAMPUS, CONTACT, LONG_AGO, NOW, ROTAS, STAFF

_numbers = count(1)
_TABLES = (
    "pages", "deliveries", "referrer_notices", "links", "late_reviews", "matters", "case_owners", "timers", "outbox",
    "dead_letters", "program_snapshots", "teams_snapshots", "combined_cases",
)  # fmt: skip
_CONTACTS = PolicySnapshot(
    campus="*", name="emergency_contacts", editions=(PolicyEdition("1", LONG_AGO, {"email": [CONTACT]}),)
)


class Sink(MailSink):
    """A mail server that answers some addresses with an error instead of taking their mail."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.answers: dict[str, str] = {}
        self.to_senders = ""
        self.to_content = ""

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer for who sends."""
        if not self.to_senders:
            envelope.mail_from = address
        return self.to_senders or "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer for one address."""
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer for what was sent."""
        return self.to_content or await super().handle_DATA(server, session, envelope)


@dataclass
class Office:
    """The service under test: its loops to be driven by hand, its HTTP side, its clock and the mail it sent."""

    settings: Settings
    clock: MovableClock
    works: Works
    service: Service
    mail: Sink
    references: dict[UUID, str] = field(default_factory=dict)

    # -- what happens to it -----------------------------------------------------------------------

    async def hear(self, *events: Event, republished: bool = False) -> list[Record]:
        """Let events arrive as if from Kafka."""
        records = [
            record_of(
                event,
                now=self.clock.now(),
                prefix=self.settings.topic_prefix,
                offset=next(_numbers),
                event_id=new_id(),
                republished=republished,
            )
            for event in events
        ]
        await self.works.events.handle(records)
        return records

    async def know(self, *known: Snapshot) -> None:
        """Put snapshots into the replicas."""
        async with self.works.database.transaction(service_actor("notifications")) as tx:
            for topic in ("program", "teams"):
                rows = [snapshots.row_of(each) for each in known if topic == each.TOPIC]
                rows = [row._replace(version=next(_numbers)) for row in rows]
                await snapshots.store(tx.connection, topic, rows)

    async def danger(self, **more: Any) -> DangerRaised:
        """Let danger arrive."""
        event = danger(self.clock.now(), **more)
        await self.hear(event)
        return event

    async def send(self) -> int:
        """Let the courier send everything due."""
        return await self.works.courier.run_due()

    async def pass_time(self, **by: float) -> None:
        """Move the clock, let timers go off and the courier send."""
        self.clock.move(timedelta(**by))
        await self.works.timers.run_due()
        await self.send()

    async def forget(self, *tables: str) -> None:
        """Empty some tables."""
        async with self.works.database.transaction(service_actor("notifications")) as tx:
            for table in tables:
                await tx.connection.execute(text(f"DELETE FROM {table}"))

    # -- what is seen of it -----------------------------------------------------------------------

    def mails_to(self, person: str, containing: str = "") -> list[EmailMessage]:
        """Return the mail somebody got, oldest first."""
        address = person if "@" in person else f"{person}@staff.example.edu"
        mails = [mail for mail in self.mail.messages() if str(mail["To"]) == address]
        return [mail for mail in mails if containing in str(mail["Subject"]) + str(mail.get_content())]

    async def rows(self, statement: str, **values: object) -> list[Any]:
        """Read something as the worker."""
        async with self.works.database.transaction(service_actor("notifications")) as tx:
            return list((await tx.connection.execute(text(statement), values)).all())

    async def published(self, kind: type[Event]) -> list[Any]:
        """Return the events of a kind in the outbox, oldest first."""
        rows = await self.rows("SELECT headers, payload FROM outbox ORDER BY id")
        typed = [(dict(msgspec.json.decode(row.headers))["ce_type"], row.payload) for row in rows]
        return [msgspec.json.decode(payload, type=catalogue.find(name)) for name, payload in typed if name == kind.TYPE]

    def client(self, person: str | None = None) -> httpx.AsyncClient:
        """Return a client of the HTTP side, signed in as a person or as nobody."""
        headers = {"Authorization": f"Bearer {mint(self.settings, person, now=self.clock.now())}"} if person else {}
        transport = httpx.ASGITransport(app=self.service.api)
        return httpx.AsyncClient(transport=transport, base_url="http://notifications.test", headers=headers)

    async def get(self, person: str, path: str) -> Any:
        """Return what a person gets."""
        async with self.client(person) as client:
            answer = await client.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    async def page_of(self, person: str, event: DangerRaised | MisconductReported) -> Any:
        """Return the page about a referral, as a person sees it in a listing."""
        (page,) = (await self.get(person, f"/pages?referral_id={event.referral_id}"))["items"]
        return page


def danger(now: datetime, **more: Any) -> DangerRaised:
    """Make an event of danger."""
    fields: dict[str, Any] = {
        "campus": "NORTH",
        "referral_id": new_id(),
        "reference": f"REF-{next(_numbers):04d}-TEST",
        "level": "critical",
        "found_by": "screening",
        "raised_at": now,
        "happened_at": now,
    }
    return DangerRaised(**fields | more)


def misconduct(now: datetime, **more: Any) -> MisconductReported:
    """Make an event of a report."""
    fields: dict[str, Any] = {
        "campus": "NORTH",
        "sensitivity": "titleix",
        "referral_id": new_id(),
        "reference": f"REF-{next(_numbers):04d}-TEST",
        "reported_at": now,
        "happened_at": now,
    }
    return MisconductReported(**fields | more)


def link_in(mail: EmailMessage) -> str:
    """Return the path of the link in a mail."""
    word = next(word for word in str(mail.get_content()).split() if "/a/" in word)
    return word[word.index("/a/") :]


def addresses(messages: Sequence[EmailMessage]) -> list[str]:
    """Return to whom messages went."""
    return sorted(str(message["To"]).partition("@")[0] for message in messages)


@pytest.fixture(scope="session")
def used() -> Sequence[str]:
    """These tests need no other service's database."""
    return ("notifications",)


@pytest.fixture
async def office(settings: Settings, tmp_path: Path) -> AsyncIterator[Office]:
    """The service, empty, with the small program of the unit tests."""
    sink = Sink(tmp_path / "mail")
    sink.start()
    own = settings.model_copy(update={"smtp_url": sink.url})
    clock = MovableClock(NOW)
    service, works = build(own, clock, role="api"), assemble(own, connect(own, "notifications", "worker", clock))
    found = Office(own, clock, works, service, sink)
    await found.forget(*_TABLES)
    async with works.database.transaction(service_actor("notifications")) as tx:
        topics = [settings.topic(topic) for topic in ("program", "teams")]
        await tx.connection.execute(
            text(
                "INSERT INTO replica_ready SELECT topic, part, 0, true FROM unnest(CAST(:topics AS text[])) AS topic,"
                " generate_series(0, :last) AS part ON CONFLICT DO NOTHING"
            ),
            {"topics": topics, "last": settings.partitions - 1},
        )
    await found.know(CAMPUS, *STAFF, *ROTAS, _CONTACTS)
    yield found
    await works.courier.connections.close()
    await works.database.close()
    if service.close is not None:
        await service.close()
    sink.stop()
