"""A Caselight of the benchmarks' own: real `caselight serve` processes on databases and topics nobody else uses."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from deploy.local import databases, lifecycle, processes, services
from deploy.local import stack as servers
from deploy.local.home import ROOT, Home
from deploy.local.installation import ADMINISTRATOR, prepare
from deploy.local.stack import Stack
from deploy.local.topics import declared
from shared.access.tokens import mint
from shared.clock import SystemClock
from shared.messaging import topics
from shared.settings import OWNERS, SERVICES, Settings
from shared.storage import migrations
from tests.bench.client import Client
from tests.bench.figures import say
from tests.bench.processor import Usage

STATE = ROOT / ".cache" / "bench-stack"
TEMPLATE = "bench_template_"
_PASSWORD = "caselight"
_SAY: Callable[[str], None] = lambda _: None  # noqa: E731 - the table says what matters


@asynccontextmanager
async def ground() -> AsyncIterator[Stack]:
    """Start servers for this run alone, durable as in production, and leave nothing of them behind."""
    await asyncio.to_thread(lifecycle.forget, STATE, _SAY)  # what a run that was killed left behind
    stack = await asyncio.to_thread(servers.resolve, STATE, say=say)
    try:
        await databases.create(stack.postgres_url, TEMPLATE, SERVICES, _PASSWORD)
        for service in SERVICES:
            await migrations.upgrade(_settings(stack, {}, TEMPLATE, "none."), service)
        yield stack
    finally:
        await databases.drop(stack.postgres_url, TEMPLATE, SERVICES)
        await asyncio.to_thread(lifecycle.forget, STATE, _SAY)


@dataclass
class Installation:
    """Services of one benchmark. They run between `start` and `stop`.

    Those in `apart` answer HTTP in one process and do their work in another, as their two Deployments do; the others
    do both in one, as on a developer's machine.
    """

    stack: Stack
    name: str
    services: Sequence[str]
    smtp_port: int | None = None
    apart: Sequence[str] = ()
    environment: dict[str, str] = field(init=False)
    settings: Settings = field(init=False)
    home: Home = field(init=False)

    def __post_init__(self) -> None:
        self.home = Home(STATE)
        prefix = f"bench_{self.name}_"
        self.environment = prepare(self.home, self.stack) | {
            "CASELIGHT_DATABASE_PREFIX": prefix,
            "CASELIGHT_DATABASE_PASSWORD": _PASSWORD,
            "CASELIGHT_TOPIC_PREFIX": f"bench-{self.name}.",
            "CASELIGHT_LOG_LEVEL": "WARNING",
        }
        if self.smtp_port is not None:
            self.environment["CASELIGHT_SMTP_URL"] = f"smtp://127.0.0.1:{self.smtp_port}"
        self.settings = _settings(self.stack, self.environment, prefix, f"bench-{self.name}.")

    def database(self, service: str) -> str:
        """Return the name of a service's database."""
        return f"{self.settings.database_prefix}{service}"

    def pid(self, service: str) -> int:
        """Return the process of a service."""
        process = self.home.process(service)
        assert process is not None
        return process.pid

    def usage(self, *more: str) -> Usage:
        """Begin to count what the services and the servers cost."""
        names = (*self.services, *map(_worker, self.apart), "postgres", "kafka", *more)
        return Usage({name: self.pid(name) for name in names})

    def token(self, subject: str = ADMINISTRATOR) -> str:
        """Return a token that outlives the benchmark."""
        return mint(self.settings, subject, now=SystemClock().now(), lifetime=timedelta(hours=2))

    def headers(self, subject: str = ADMINISTRATOR, **more: str) -> dict[str, str]:
        """Return the headers of somebody's request."""
        return {"Authorization": f"Bearer {self.token(subject)}", "Content-Type": "application/json", **more}

    def client(self, service: str, connections: int = 1) -> Client:
        """Return a client of a service."""
        return Client(int(self.environment[f"CASELIGHT_{service.upper()}_PORT"]), connections)

    async def start(self) -> None:
        """Start the services and return when all are ready."""
        together = [service for service in self.services if service not in self.apart]
        await asyncio.to_thread(services.start, self.home, together, self.environment, _SAY)
        for service in self.apart:
            port = int(self.environment[f"CASELIGHT_{service.upper()}_PORT"])
            await asyncio.to_thread(self._start_role, service, service, "api", port)
            await asyncio.to_thread(
                self._start_role, service, _worker(service), "worker", self.home.port(_worker(service))
            )

    def _start_role(self, service: str, name: str, role: str, port: int) -> None:
        command = [sys.executable, "-m", "deploy.cli.main", "serve", service, "--role", role, "--port", str(port)]
        environment = {**os.environ, **self.environment}
        process = processes.spawn(command, log=self.home.log(name), cwd=ROOT, env=environment)
        self.home.keep_process(name, process)
        path = "/health/ready" if role == "worker" else "/health/live"  # ready once the worker has filled the replicas
        answers: Callable[[], bool] = lambda: services.status(port, path) == 200  # noqa: E731 - short, and named
        processes.wait_ready(name, process, answers, log=self.home.log(name), patience=services.READY_WITHIN_S)

    async def stop(self) -> None:
        """Stop the services. Only then has Postgres counted everything they did."""
        names = (*self.services, *map(_worker, self.apart))
        await asyncio.to_thread(services.stop, self.home, names, _SAY)

    async def until(self, service: str, question: str, answer: object = True, *, within: float = 120.0) -> None:
        """Wait until a question to a service's database has this answer."""
        deadline = asyncio.get_running_loop().time() + within
        async with databases.session(self.stack.postgres_url, self.database(service)) as connection:
            while (found := await connection.fetchval(question)) != answer:
                assert asyncio.get_running_loop().time() < deadline, f"{service}: {question} says {found}, not {answer}"
                await asyncio.sleep(0.05)

    async def analyze(self, service: str) -> None:
        """Let Postgres know its tables as autovacuum would a minute later."""
        async with databases.session(self.stack.postgres_url, self.database(service)) as connection:
            await connection.execute("VACUUM ANALYZE")

    async def apply(self, document: Mapping[str, Any]) -> None:
        """Apply a program, and wait until every service that runs has it."""
        async with self.client("program") as client:
            body = {"document": document, "dry_run": False}
            status, answer = await client.send_json("/program:apply", self.headers(), body)
        assert status == 200, answer
        for service in set(self.services) & set(OWNERS):
            await self.until(service, "SELECT count(*) FROM program_snapshots", len(answer["changes"]))

    async def bring_in(self, path: str, rows: bytes) -> Mapping[str, Any]:
        """Send a file to intake and return its answer. Every row must be taken."""
        async with self.client("intake") as client:
            headers = self.headers() | {"Content-Type": "text/csv; charset=utf-8"}
            status, answer = await client.send(path, headers, rows)
        assert status == 200, answer
        assert not answer["rejected"], answer["rejects"]
        return dict(answer)


@asynccontextmanager
async def installed(
    stack: Stack, name: str, names: Sequence[str], smtp_port: int | None = None, *, apart: Sequence[str] = ()
) -> AsyncIterator[Installation]:
    """Yield an installation that runs; afterwards its processes, databases and topics are gone."""
    installation = Installation(stack, name, names, smtp_port, apart)
    settings = installation.settings
    await databases.clone(stack.postgres_url, TEMPLATE, settings.database_prefix, SERVICES)
    wanted = declared(settings.topic_prefix)
    await topics.apply(stack.kafka_bootstrap, wanted)
    try:
        await installation.start()
        yield installation
    finally:
        await installation.stop()
        await databases.drop(stack.postgres_url, settings.database_prefix, SERVICES)
        await topics.delete(stack.kafka_bootstrap, [topic.name for topic in wanted])


def _worker(service: str) -> str:
    return f"{service}-worker"


def _settings(stack: Stack, environment: Mapping[str, str], prefix: str, topic_prefix: str) -> Settings:
    os.environ.update(environment)
    return Settings(
        postgres_url=stack.postgres_url,
        kafka_bootstrap=stack.kafka_bootstrap,
        redis_url=stack.redis_url,
        database_prefix=prefix,
        database_password=_PASSWORD,
        topic_prefix=topic_prefix,
    )
