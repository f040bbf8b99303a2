"""Intake on databases of its own, asked over HTTP and fed with records as they would come from Kafka."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from sqlalchemy import text

from services.intake.app import NAME, build
from services.intake.stream import HANDLERS, REPLICAS, TOPICS
from services.intake.usecases.watch_for_silence import Alarm
from shared.access.actors import service_actor
from shared.access.tokens import mint
from shared.clock import MovableClock
from shared.events import Event, catalogue
from shared.events.program import (
    CampusSnapshot,
    Conflict,
    Hours,
    PolicyEdition,
    PolicySnapshot,
    RoleHeld,
    StaffSnapshot,
)
from shared.ids import new_id
from shared.messaging.records import Record, record_of
from shared.messaging.replicas import Replicas
from shared.messaging.stream import Stream
from shared.service import Service
from shared.settings import Settings
from shared.storage.engines import Database, connect
from tests.support.emptying import empty

NOW = datetime(2026, 9, 14, 15, tzinfo=UTC)
TABLES = (
    "merges", "student_names", "enrollments", "student_contacts", "match_decisions",
    "students", "imports", "import_rejects", "flags", "threshold_firings", "watched_flags",
    "outreach_entries", "outreach_lists", "timers", "referrals", "danger_watches", "duty_grants",
    "teams_snapshots", "roster_snapshots", "program_snapshots", "inbox", "outbox", "dead_letters", "parked",
    "idempotency_keys", "record_keys", "lexicon_editions", "screening_corrections",
    "feeds", "feed_mappings", "feed_tokens", "quarantine", "flag_sources", "flag_reasons", "combined_cases",
    "rule_trials",
)  # fmt: skip
HOURS = tuple(Hours(day, "09:00", "17:00") for day in range(5))
DANGER = "He told his roommate that he is going to kill himself tonight and has the pills in his room."
ROSTER = """student_id,campus_code,name,email,age_band
N1,NORTH,Nora Quist,nora@students.example.edu,35-55
N2,NORTH,Noel Park,noel@students.example.edu,<=35
S1,SOUTH,Sol Reyes,sol@students.example.edu,<=35
"""
FLAG_COLUMNS = (
    "alert_id,campus_code,student_id,student_name,student_email,term_code,course_code,section,reason_code,severity,"
    "comment,raised_at"
)


def person(staff_id: str, *roles: str, campus: str = "NORTH", **more: Any) -> StaffSnapshot:
    """Return somebody with roles on a campus."""
    held = tuple(RoleHeld(role, campus) for role in roles)
    mail = f"{staff_id}@x.example"
    return StaffSnapshot(campus=campus, staff_id=staff_id, name=staff_id.title(), email=mail, roles=held, **more)


def policy(name: str, values: dict[str, Any], campus: str = "*", version: int = 1) -> PolicySnapshot:
    """Return a policy that has always been in force."""
    edition = PolicyEdition("test-1", datetime(2020, 1, 1, tzinfo=UTC), values)
    return PolicySnapshot(campus=campus, name=name, editions=(edition,), sequence=version)


PROGRAM: tuple[Event, ...] = (
    CampusSnapshot(campus="NORTH", name="North", zone="America/New_York", hours=HOURS),
    CampusSnapshot(campus="SOUTH", name="South", zone="UTC", hours=HOURS),
    person("ada", "administrator", "feed_manager", campus="*"),
    person("fred", "feed_manager"),
    person("sam", "triager", "supervisor"),
    person("ana", "case_manager"),
    person("ben", "case_manager", conflicts=(Conflict(str(UUID(int=0xBA))),)),
    person("dee", "director"),
    person("uma", "duty_officer"),
    person("tia", "titleix_coordinator"),
    person("sys", "duty_officer", campus="*"),
    person("stu", "triager", campus="SOUTH"),
    person("fay", "faculty"),
    person("pia", "privacy_officer"),
    policy("emergency_contacts", {"email": ["help@example.edu"]}),
)


def flag(
    id_: str, student: str, course: str, day: int, *, reason: str = "MISSING_WORK", severity: int = 2, **more: str
) -> str:
    """Return a row of a flag file."""
    at = (datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(days=day)).isoformat()
    campus, comment, mail = more.get("campus", "NORTH"), more.get("comment", "Late again."), more.get("email", "")
    return f"{id_},{campus},{student},Somebody,{mail},2026S,{course},{course}-1,{reason},{severity},{comment},{at}"


def flag_file(*rows: str) -> str:
    """Return a flag file."""
    return "\n".join([FLAG_COLUMNS, *rows]) + "\n"


@dataclass
class Intake:
    """The service as a test asks and feeds it."""

    settings: Settings
    clock: MovableClock
    worker: Database
    api: Database
    stream: Stream
    service: Service
    sent: int = 0
    alarms: list[Alarm] = field(default_factory=list)

    def records(self, *events: Event) -> list[Record]:
        """Make records of events, each once, at the next offset."""
        prefix, now = self.settings.topic_prefix, self.clock.now()
        made = [record_of(each, now=now, prefix=prefix, offset=self.sent + place) for place, each in enumerate(events)]
        self.sent += len(made)
        return made

    async def tell(self, *events: Event) -> None:
        """Let events arrive in one batch."""
        await self.stream.handle(self.records(*events))

    async def know(self, *snapshots: Event) -> None:
        """Let snapshots reach the replicas."""
        await Replicas(self.worker, self.settings, REPLICAS).handle(self.records(*snapshots))

    async def rows(self, query: str, **values: object) -> list[Any]:
        """Return what a query finds, seen as the worker."""
        async with self.worker.transaction(service_actor(NAME)) as tx:
            found = await tx.connection.execute(text(query), values)
            return list(found.all()) if found.returns_rows else []

    async def published(self, kind: str = "") -> list[Event]:
        """Return what waits in the outbox, in order, leaving out audit rows."""
        found = []
        for row in await self.rows("SELECT headers, payload FROM outbox ORDER BY id"):
            type_ = dict(msgspec.json.decode(row.headers))["ce_type"]
            cls = catalogue.find(type_)
            if cls is not None and kind in type_ and "access" not in type_:
                found.append(msgspec.json.decode(row.payload, type=cls))
        return found

    async def forget_outbox(self) -> None:
        """Let everything be published, as the relay would."""
        await self.rows("DELETE FROM outbox")

    async def call(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Let a person call the service."""
        headers = {
            "Authorization": f"Bearer {mint(self.settings, who, now=self.clock.now())}",
            "Idempotency-Key": str(new_id()),
        } | more.pop("headers", {})
        transport = httpx.ASGITransport(app=self.service.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake.test", timeout=60) as client:
            return await client.request(method, path, headers=headers, **more)

    async def get(self, who: str, path: str) -> Any:
        """Return what a person gets; fail on anything but success."""
        answer = await self.call(who, "GET", path)
        assert answer.is_success, answer.text
        return answer.json()

    async def post(self, who: str, path: str, **body: Any) -> Any:
        """Return what a person gets for what they send; fail on anything but success."""
        answer = await self.call(who, "POST", path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def send_file(self, path: str, content: str | bytes, who: str = "ada", pieces: int = 1) -> Any:
        """Upload a file in so many pieces; fail on anything but success."""
        answer = await self.call(who, "POST", path, content=in_pieces(content, pieces))
        assert answer.is_success, answer.text
        return answer.json()

    async def refer(self, narrative: str = "Has missed four sections.", who: str = "fay", **more: Any) -> Any:
        """Let somebody bring a concern."""
        body = {"campus": "NORTH", "narrative": narrative, "source_kind": "peer"} | more
        return await self.post(who, "/referrals", **body)

    async def student(self, number: str) -> UUID:
        """Return our id of a student."""
        (row,) = await self.rows("SELECT student_id FROM students WHERE number = :number", number=number)
        return UUID(str(row.student_id))


async def in_pieces(content: str | bytes, pieces: int) -> AsyncIterator[bytes]:
    """Yield a file in about so many pieces."""
    data = content.encode() if isinstance(content, str) else content
    size = max(1, len(data) // pieces)
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.fixture(scope="session")
def used() -> Sequence[str]:
    """These tests need no other service's database."""
    return (NAME,)


@pytest.fixture
async def intake(settings: Settings) -> AsyncIterator[Intake]:
    """Intake with two campuses and their staff, a roster of three, and nothing else yet."""
    clock = MovableClock(NOW)
    worker, api = connect(settings, NAME, "worker", clock), connect(settings, NAME, "api", clock)
    stream = Stream(worker, settings, consumer="stream", topics=TOPICS, handlers=HANDLERS)
    found = Intake(settings, clock, worker, api, stream, build(settings, clock, "api"))
    await empty(worker, TABLES)
    for topic in REPLICAS:  # ready: the logs held nothing when the replicas first looked
        await found.rows(
            "INSERT INTO replica_ready SELECT :topic, n, 0, true FROM generate_series(0, 11) AS n"
            " ON CONFLICT DO NOTHING",
            topic=f"{settings.topic_prefix}{topic}",
        )
    await found.know(*PROGRAM)
    await found.send_file("/roster/imports", ROSTER)
    await found.forget_outbox()
    yield found
    await worker.close()
    await api.close()
    if found.service.close is not None:
        await found.service.close()


def kinds(events: Sequence[Event]) -> list[str]:
    """Return the names of events."""
    return [type(event).__name__ for event in events]
