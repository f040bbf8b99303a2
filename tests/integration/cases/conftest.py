"""Cases on databases of its own, fed with records as they would come from Kafka, and asked over HTTP."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from services.cases.app import build
from services.cases.stream import stream
from shared.access.actors import service_actor
from shared.access.tokens import mint
from shared.clock import MovableClock
from shared.events import Event
from shared.events.pages import PageAccepted
from shared.events.program import Absence, CampusSnapshot, Conflict, Hours, RoleHeld, StaffSnapshot
from shared.events.referrals import DangerRaised, ReferralMatched, ReferralTriaged
from shared.events.roster import StudentSnapshot
from shared.ids import new_id
from shared.messaging.records import Record, record_of
from shared.messaging.replicas import Replicas
from shared.messaging.stream import Stream
from shared.service import Service
from shared.settings import Settings
from shared.storage.engines import Database, connect
from tests.support.emptying import empty

NOW = datetime(2026, 9, 14, 15, tzinfo=UTC)  # a Monday
BARRED = UUID(int=0xBA)  # Ana must not work with this student
TABLES = (
    "note_texts", "notes", "case_changes", "open_pages", "record_keys", "campus_keys", "timers",
    "contacts", "combinations", "team_members", "referrals", "cases", "students", "caseloads", "teams_snapshots",
    "roster_snapshots", "program_snapshots", "inbox", "outbox", "dead_letters", "parked", "idempotency_keys",
)  # fmt: skip


def person(staff_id: str, name: str, *roles: str, campus: str = "NORTH", **more: Any) -> StaffSnapshot:
    """Return somebody with roles on a campus."""
    held = tuple(RoleHeld(role, campus) for role in roles)
    return StaffSnapshot(campus=campus, staff_id=staff_id, name=name, email=f"{staff_id}@x.example", roles=held, **more)


HOURS = tuple(Hours(day, "09:00", "17:00") for day in range(5))
PROGRAM: tuple[Event, ...] = (
    CampusSnapshot(campus="NORTH", name="North", zone="America/New_York", hours=HOURS, calendar_version="7"),
    CampusSnapshot(campus="SOUTH", name="South", zone="UTC", hours=HOURS),
    person("ana", "Ana Ruiz", "case_manager", conflicts=(Conflict(str(BARRED)),)),
    person("ben", "Ben Okafor", "case_manager"),
    person(
        "zed", "Zed Away", "case_manager", absences=(Absence(NOW - timedelta(days=1), NOW + timedelta(days=9), "ben"),)
    ),
    person("sam", "Sam Supervisor", "supervisor"),
    person("dee", "Dee Director", "director"),
    person("tia", "Tia Coordinator", "titleix_coordinator"),
    person("tod", "Tod Deputy", "titleix_deputy"),
    person("uma", "Uma Duty", "duty_officer"),
    person("sys", "Sy Stem", "duty_officer", campus="*"),
    person("stu", "Stu South", "case_manager", campus="SOUTH"),
)


@dataclass
class Cases:
    """The service as a test feeds and asks it."""

    settings: Settings
    clock: MovableClock
    worker: Database
    stream: Stream
    service: Service
    sent: list[Record] = field(default_factory=list)

    def records(self, *events: Event) -> list[Record]:
        """Make records of events, each once, at the next offset."""
        prefix, now = self.settings.topic_prefix, self.clock.now()
        made = [
            record_of(each, now=now, prefix=prefix, offset=len(self.sent) + place) for place, each in enumerate(events)
        ]
        self.sent += made
        return made

    async def tell(self, *events: Event) -> None:
        """Let events arrive in one batch."""
        await self.stream.handle(self.records(*events))

    async def know(self, *snapshots: Event) -> None:
        """Let snapshots reach the replicas."""
        await Replicas(self.worker, self.settings, ("program", "roster")).handle(self.records(*snapshots))

    async def rows(self, query: str, **values: object) -> list[Any]:
        """Return what a query finds, seen as the worker."""
        async with self.worker.transaction(service_actor("cases")) as tx:
            found = await tx.connection.execute(text(query), values)
            return list(found.all()) if found.returns_rows else []

    async def published(self, kind: str = "") -> list[str]:
        """Return the types of what waits in the outbox, in order, leaving out audit rows."""
        rows = await self.rows("SELECT convert_from(headers, 'UTF8') AS headers FROM outbox ORDER BY id")
        types = [row.headers.split('"ce_type","')[1].split('"')[0] for row in rows]
        return [type_ for type_ in types if kind in type_ and "access" not in type_]

    async def call(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Let a person call the service."""
        headers = {
            "Authorization": f"Bearer {mint(self.settings, who, now=self.clock.now())}",
            "Idempotency-Key": str(new_id()),
        } | more.pop("headers", {})
        transport = httpx.ASGITransport(app=self.service.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://cases.test") as client:
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

    async def the_case(self, who: str = "sam") -> Any:
        """Return the only case there is, as somebody sees it."""
        (case,) = (await self.get(who, "/cases"))["items"]
        return await self.get(who, f"/cases/{case['case_id']}")


@pytest.fixture(scope="session")
def used() -> Sequence[str]:
    """These tests need no other service's database."""
    return ("cases",)


@pytest.fixture
async def cases(settings: Settings) -> AsyncIterator[Cases]:
    """Cases with two campuses and their staff, and no case yet."""
    clock = MovableClock(NOW)
    worker = connect(settings, "cases", "worker", clock)
    found = Cases(settings, clock, worker, stream(worker, settings), build(settings, clock, "api"))
    await empty(worker, TABLES)
    for topic in ("program", "roster"):  # ready: the logs held nothing when the replicas first looked
        await found.rows(
            "INSERT INTO replica_ready SELECT :topic, n, 0, true FROM generate_series(0, 11) AS n"
            " ON CONFLICT DO NOTHING",
            topic=f"{settings.topic_prefix}{topic}",
        )
    await found.know(*PROGRAM)
    yield found
    await worker.close()
    if found.service.close is not None:
        await found.service.close()


def student(student_id: UUID, **more: Any) -> StudentSnapshot:
    """Return a student of the roster."""
    return StudentSnapshot(campus="NORTH", student_id=student_id, campuses=("NORTH",), **more)


def triaged(student_id: UUID | None, **more: Any) -> ReferralTriaged:
    """Return a referral that triage made a case of."""
    facts: dict[str, Any] = {
        "campus": "NORTH",
        "referral_id": new_id(),
        "reference": "K7Q-2M4X-9RTD",
        "decision": "open_case",
        "reason_code": "concern_from_staff",
        "family": "health",
        "concerns": ("mood",),
        "level": "moderate",
        "decided_by": "rule:known_student_from_staff",
        "received_at": NOW,
        "happened_at": NOW,
        "triaged_at": NOW,
    } | more
    return ReferralTriaged(student_id=student_id, **facts)


def matched(referral_id: UUID, student_id: UUID, **more: Any) -> ReferralMatched:
    """Return a referral matched to a student."""
    facts: dict[str, Any] = {"campus": "NORTH", "reference": "r", "matched_at": NOW, "basis": "person"} | more
    return ReferralMatched(referral_id=referral_id, student_id=student_id, matched_by="sam", **facts)


def danger(referral_id: UUID, level: str = "critical") -> DangerRaised:
    """Return danger found in a referral."""
    return DangerRaised(
        campus="NORTH", referral_id=referral_id, reference="r", level=level, found_by="screening", raised_at=NOW,
        happened_at=NOW,
    )  # fmt: skip


def accepted(referral_id: UUID | None, by: str, **more: Any) -> PageAccepted:
    """Return a page accepted."""
    facts: dict[str, Any] = {
        "campus": "NORTH",
        "page_id": new_id(),
        "cause_id": new_id(),
        "function": "danger",
        "level": "critical",
        "via": "link",
        "raised_at": NOW,
        "accepted_at": NOW,
        "grant_until": NOW + timedelta(hours=72),
        "contact_due": NOW + timedelta(minutes=30),
    } | more
    return PageAccepted(referral_id=referral_id, accepted_by=by, **facts)


def many(count: int, make: Any) -> Sequence[Any]:
    """Return `count` of something."""
    return [make(index) for index in range(count)]
