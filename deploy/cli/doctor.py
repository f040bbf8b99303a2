"""What `caselight doctor` looks at. Each check says what it found and, when that is wrong, what mends it."""

import os
import shutil
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local import browser, processes
from deploy.local.databases import Connection
from deploy.local.home import Home
from deploy.local.installation import services
from deploy.local.services import BESIDE
from deploy.local.topics import declared
from shared.messaging import topics
from shared.settings import OWNERS, Settings
from shared.storage import migrations
from shared.web.ui.static import AssetsMissingError, assets

OLDEST_PYTHON = (3, 11)
NEEDED_DISK = 2 * 1024**3
# An event that waits longer than this means that the relay does not work; it polls every 25 ms.
LONGEST_WAIT_S = 30
LATEST_TIMER_S = 60


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    good: bool
    what: str
    mend: str = ""


async def examine(state: Path) -> list[Finding]:
    """Run every check; one that fails keeps none of the others from running."""
    settings = Settings()
    found = [python(), make(), certificates(), disk(state), pages(), looking(), *await stack(settings)]
    found += [await topics_as_declared(settings), *processes_alive(Home(state))]
    for service in services():
        found += await database(settings, service)
    return found


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    inside = sys.prefix != sys.base_prefix
    return Finding(
        sys.version_info >= OLDEST_PYTHON and inside,
        f"Python {version}{'' if inside else ', not in the virtual environment of this checkout'}",
        "make setup",
    )


def make() -> Finding:
    good = shutil.which("make") is not None
    return Finding(good, "make" if good else "make is not installed", "apt-get install make")


def certificates() -> Finding:
    bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    folder = ssl.get_default_verify_paths().capath
    good = bool((bundle and Path(bundle).is_file()) or (folder and any(Path(folder).glob("*"))))
    return Finding(
        good,
        f"certificates of the authorities that downloads are checked against{'' if good else ': none found'}",
        "apt-get install ca-certificates",
    )


def pages() -> Finding:
    try:
        files = assets().files
    except AssetsMissingError as missing:
        return Finding(good=False, what=str(missing).partition(". ")[0], mend="make setup")
    return Finding(good=True, what=f"{len(files)} sheets, scripts and images of the pages")


def looking() -> Finding:
    """Tests of the pages need a browser; nothing that runs does, so that none is no fault."""
    try:
        return Finding(good=True, what=f"a browser for the tests of the pages: {browser.executable()}")
    except browser.NoBrowserError:
        return Finding(good=True, what=f"no browser; only make test and make docs need one ({browser.MEND})")


def disk(state: Path) -> Finding:
    place = next(folder for folder in (state, *state.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    return Finding(
        free > NEEDED_DISK, f"{free / 1024**3:.1f} GB of disk free (2 are needed)", "caselight down --forget"
    )


async def stack(settings: Settings) -> list[Finding]:
    return [
        _answers("Postgres", good=await reaches_postgres(settings)),
        _answers("Kafka", good=await reaches_kafka(settings)),
        _answers("Valkey or Redis", good=await reaches_valkey(settings)),
    ]


def _answers(what: str, *, good: bool) -> Finding:
    return Finding(good, f"{what} {'answers' if good else 'does not answer'}", "caselight up")


async def reaches_postgres(settings: Settings) -> bool:
    try:
        connection = await asyncpg.connect(settings.postgres_url, timeout=5)
    except (OSError, asyncpg.PostgresError, ValueError):
        return False
    await connection.close()
    return True


async def reaches_kafka(settings: Settings) -> bool:
    try:
        await topics.partitions(settings.kafka_bootstrap, [])
    except topics.TopicError:
        return False
    return True


async def reaches_valkey(settings: Settings) -> bool:
    import redis.asyncio as redis  # noqa: PLC0415 - slow to load, used by this check alone

    if not settings.redis_url:
        return False
    client = redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5)
    try:
        return bool(await client.ping())
    except (OSError, redis.RedisError):
        return False
    finally:
        await client.aclose()


async def topics_as_declared(settings: Settings) -> Finding:
    try:
        problems = await topics.check(settings.kafka_bootstrap, declared(settings.topic_prefix))
    except topics.TopicError:
        return Finding(good=False, what="topics: Kafka does not answer", mend="caselight up")
    return Finding(not problems, "topics: " + ("; ".join(problems) or "as declared"), "caselight topics apply")


def processes_alive(home: Home) -> list[Finding]:
    """Services and mail on this machine; nothing to say when none was ever started here."""
    started = [name for name in (*services(), *BESIDE) if home.process(name) is not None]
    lives = {name: processes.alive(home.process(name)) for name in started}
    return [
        Finding(
            good,
            f"the process of {name} {'lives' if good else 'does not live'} (log: {home.log(name)})",
            "caselight up",
        )
        for name, good in lives.items()
    ]


async def database(settings: Settings, service: str) -> list[Finding]:
    """Look at one service: its schema, and what waits in it for too long."""
    needed = migrations.head(service)
    try:
        async with worker(settings, service) as connection:
            version = await connection.fetchval("SELECT max(version_num) FROM alembic_version") or ""
            found = [Finding(version >= needed, f"{service}: schema {version}, needed {needed}", "caselight migrate")]
            # The console has no events: nothing in it can wait.
            return found + (await waiting(connection, service) if service in OWNERS else [])
    except asyncpg.UndefinedTableError:
        return [Finding(good=False, what=f"{service}: the schema is missing or old", mend="caselight migrate")]
    except (OSError, asyncpg.PostgresError, ValueError) as trouble:
        return [Finding(good=False, what=f"{service}: no database ({type(trouble).__name__})", mend="caselight up")]


@asynccontextmanager
async def worker(settings: Settings, service: str) -> AsyncIterator[Connection]:
    address = settings.database_url(service, "worker").set(drivername="postgresql")
    connection = await asyncpg.connect(address.render_as_string(hide_password=False), timeout=5)
    try:
        await connection.execute("SELECT set_config('caselight.actor', 'service:doctor', false)")
        yield connection
    finally:
        await connection.close()


async def waiting(connection: Connection, service: str) -> list[Finding]:
    events, age = await one(
        connection, "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::int FROM outbox"
    )
    (unready,) = await one(connection, "SELECT count(*) FROM replica_ready WHERE NOT reached")
    (late,) = await one(
        connection, "SELECT count(*) FROM timers WHERE due_at < now() - make_interval(secs => $1)", LATEST_TIMER_S
    )
    (dead,) = await one(connection, "SELECT count(*) FROM dead_letters WHERE state = 'dead'")
    log = f"caselight up (then read the log of {service})"
    return [
        Finding(age < LONGEST_WAIT_S, f"{service}: {events} events wait for the relay, the oldest for {age} s", log),
        Finding(unready == 0, f"{service}: {unready} partitions of its replicas not read to their end yet", log),
        Finding(late == 0, f"{service}: {late} timers late by more than {LATEST_TIMER_S} s", log),
        Finding(dead == 0, f"{service}: {dead} dead letters", "caselight dead-letters list"),
    ]


async def one(connection: Connection, query: str, *values: object) -> tuple[int, ...]:
    return tuple(int(value) for value in await connection.fetchrow(query, *values) or ())
