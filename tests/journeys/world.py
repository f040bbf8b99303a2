"""All services in one process on one clock that a test moves, over real Kafka and Postgres."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from importlib import import_module
from typing import Any

import httpx
from sqlalchemy import text
from starlette.applications import Starlette

from deploy.local import provider
from deploy.local.mail import MailSink
from services.notifications.delivery.referrers import Contacts
from shared.access.actors import service_actor
from shared.access.tokens import mint
from shared.clock import MovableClock
from shared.ids import new_id
from shared.service import Service
from shared.settings import OWNERS, SERVICES, Settings
from shared.storage.engines import connect
from tests.journeys.program import DOCUMENT
from tests.support.eventually import eventually
from tests.support.loops import ended
from tests.support.quiet import until_quiet

START = datetime(2026, 9, 14, 10, 0, tzinfo=UTC)  # a Monday within office hours


@dataclass
class World:
    """The running system as a test sees it: people who call it, mail that arrives, and time."""

    settings: Settings
    clock: MovableClock
    mail: MailSink
    services: dict[str, Service] = field(default_factory=dict)
    sign_in: Starlette = field(default_factory=Starlette)
    answered: set[tuple[str, str, str]] = field(default_factory=set)
    _students: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["World"]:
        """Start every service, apply the program, and stop them all at the end."""
        for name in SERVICES:
            build = import_module(f"services.{name}.app").build
            self.services[name] = build(self.settings, self.clock)
        self._let_the_console_ask()
        self._let_mail_be_addressed()
        for service in self.services.values():
            self._tasks += [asyncio.ensure_future(loop()) for loop in service.loops.values()]
        try:
            await self._open()
            yield self
        finally:
            await ended(self._tasks)
            for service in self.services.values():
                if service.close is not None:
                    await service.close()

    def _let_mail_be_addressed(self) -> None:
        """Let notifications ask intake where mail to a referrer goes, as they do over the network."""
        intake = httpx.ASGITransport(app=self.services["intake"].api)
        contacts = self.services["notifications"].api.state.site.parts[Contacts]
        contacts.reach(intake)

    def _let_the_console_ask(self) -> None:
        """Join the console to the services and to the provider of this process; none of them needs a port for it."""
        console = self.services["console"].api.state.console
        for name in OWNERS:
            console.owners.reach(name, httpx.ASGITransport(app=self.services[name].api))
        self.sign_in = provider.build(self.settings, self.clock, self._people)
        console.provider.transport = httpx.ASGITransport(app=self.sign_in)

    async def _people(self) -> dict[str, Any]:
        return dict(await self.get("service:sign-in", "program", "/program"))

    async def _open(self) -> None:
        answer = await self.call("ada", "POST", "program", "/program:apply", json={"document": DOCUMENT})
        assert answer.status_code == httpx.codes.OK, answer.text
        changes = len(answer.json()["changes"])
        for name in OWNERS:
            await self._until_ready(name, changes)

    async def _until_ready(self, service: str, program: int) -> None:
        """Wait until a service answers and has heard of the whole program: a replica may be ready, and empty."""
        database = connect(self.settings, service, "worker", self.clock, pool=1)

        async def ready() -> bool:
            if not (await self.call(None, "GET", service, "/health/ready")).is_success:
                return False
            async with database.transaction(service_actor(service)) as tx:
                known = (await tx.connection.execute(text("SELECT count(*) FROM program_snapshots"))).scalar_one()
            return bool(known >= program)

        try:
            await eventually(ready, within=60, every=0.05)
        finally:
            await database.close()

    async def call(self, person: str | None, method: str, service: str, path: str, **more: Any) -> httpx.Response:
        """Let a person call a service over HTTP, with a fresh token and, for a POST, a fresh Idempotency-Key."""
        self._fail_if_a_loop_died()
        headers = dict(more.pop("headers", {}))
        if person is not None:
            headers["Authorization"] = f"Bearer {mint(self.settings, person, now=self.clock.now())}"
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(new_id()))
        transport = httpx.ASGITransport(app=self.services[service].api)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{service}.test") as client:
            answer = await client.request(method, path, headers=headers, **more)
        if answer.is_success:
            self.answered.add((service, method, path))
        return answer

    async def get(self, person: str, service: str, path: str) -> Any:
        """Return the JSON a person gets; fail on anything but success."""
        answer = await self.call(person, "GET", service, path)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return answer.json()

    async def post(self, person: str, service: str, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON a person gets for what they send; fail on anything but success."""
        answer = await self.call(person, "POST", service, path, json=body)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return answer.json()

    async def refer(self, person: str, narrative: str, **more: Any) -> dict[str, Any]:
        """Let a person refer somebody; returns referral_id and reference."""
        body = {
            "campus": "NORTH",
            "about": {"description": "a student in my section"},
            "concerns": [],
            "urgency": "routine",
            "source_kind": "faculty",
            "narrative": narrative,
        } | more
        return dict(await self.post(person, "intake", "/referrals", body))

    async def upload(self, person: str, path: str, file: str) -> dict[str, Any]:
        """Let a person send a file to intake, as `caselight ... import` does."""
        answer = await self.call(
            person, "POST", "intake", path, content=file.encode(), headers={"Content-Type": "text/csv"}
        )
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return dict(answer.json())

    async def import_students(self, campus: str, sis_ids: list[str]) -> None:
        """Put students on the roster of a campus."""
        rows = [f"{sis_id},{campus},Student {sis_id},{sis_id.lower()}@students.example.edu" for sis_id in sis_ids]
        answer = await self.upload(
            "ada", "/roster/imports", "\n".join(["student_id,campus_code,name,email", *rows, ""])
        )
        assert answer["rejected"] == 0, answer

    async def students(self, campus: str, count: int) -> list[str]:
        """Return the SIS numbers of so many new students."""
        made = [f"N{number:06d}" for number in range(self._students, self._students + count)]
        self._students += count
        await self.import_students(campus, made)
        return made

    async def page_of(self, person: str, referral: dict[str, Any], function: str = "danger") -> dict[str, Any]:
        """Return the page of a referral as a person sees it, waiting until there is one."""

        async def found() -> dict[str, Any] | None:
            pages = await self.get(person, "notifications", f"/pages?referral_id={referral['referral_id']}")
            return next((page for page in pages["items"] if page["function"] == function), None)

        page: dict[str, Any] = await eventually(found)
        return page

    async def listing(self, person: str, service: str, path: str) -> list[dict[str, Any]]:
        """Return all items of a listing, page after page."""
        items: list[dict[str, Any]] = []
        after = None
        while True:
            more = f"{'&' if '?' in path else '?'}after={after}" if after else ""
            page = await self.get(person, service, path + more)
            items += page["items"]
            after = page["after"]
            if not after:
                return items

    async def case_of(self, person: str, referral: dict[str, Any]) -> dict[str, Any]:
        """Return the case a referral is in, waiting until there is one."""

        async def found() -> dict[str, Any] | None:
            cases = await self.listing(person, "cases", "/cases")
            return next((case for case in cases if referral["referral_id"] in (case["referrals"] or [])), None)

        case: dict[str, Any] = await eventually(found)
        return case

    async def pass_time(self, **by: float) -> None:
        """Let time pass for every service at once."""
        self.clock.move(timedelta(**by))

    async def quiet(self) -> None:
        """Wait until nothing is under way any more, so that what has not happened will not."""
        await until_quiet(self.settings, self.clock.now())

    def mails_to(self, person: str, containing: str = "") -> list[EmailMessage]:
        """Return the mail a member of staff (or an address) has received, oldest first."""
        address = person if "@" in person else f"{person}@staff.example.edu"
        return [
            mail
            for mail in self.mail.messages()
            if address in str(mail["To"]) and containing in (str(mail["Subject"]) + text_of(mail))
        ]

    async def mail_to(self, person: str, containing: str = "", count: int = 1) -> EmailMessage:
        """Wait for a mail and return the newest."""

        async def arrived() -> list[EmailMessage]:
            found = self.mails_to(person, containing)
            return found if len(found) >= count else []

        found: list[EmailMessage] = await eventually(arrived)
        return found[-1]

    def _fail_if_a_loop_died(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise AssertionError(f"a loop died: {error!r}") from error


def text_of(mail: EmailMessage) -> str:
    """Return the plain text of a mail."""
    body = mail.get_body(("plain",))
    return body.get_content() if body is not None else str(mail.get_content())


def link_in(mail: EmailMessage) -> str:
    """Return the path of the link that accepts a page."""
    words = text_of(mail).split()
    link = next(word for word in words if "/a/" in word)
    return link[link.index("/a/") :]
