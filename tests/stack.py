"""The stack that tests run on: real Kafka, Postgres and Valkey, one for the whole run.

    stack           addresses of the servers; started by the first test that asks, stopped by the last process
    databases       prefix of databases of this test process alone, copied from a migrated template
    own_databases   the same, for one module alone: for tests that count rows
    used            the services whose databases a module uses; all, unless a conftest.py says fewer
    topic_prefix    prefix of topics of one module alone, made before and deleted after
    settings        settings of all of the above together

`CASELIGHT_KEEP_STACK=1` leaves the stack running after the run, so that the next one starts at once.
"""

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local import databases as administration
from deploy.local import lifecycle
from deploy.local import stack as servers
from deploy.local.home import ROOT, Home, make_folder
from deploy.local.installation import MASTER_KEY, services
from deploy.local.processes import StartError
from deploy.local.stack import Stack
from deploy.local.topics import declared
from shared.access.tokens import make_keys
from shared.messaging import topics
from shared.privacy.keys import make_master_key
from shared.settings import Settings
from shared.storage import migrations

STATES = ROOT / ".cache" / "test-stacks"
PASSWORD = "caselight"
TEMPLATE = "template_"


def pytest_report_header() -> str:
    """The first line of a run says what it runs on."""
    try:
        return f"stack: {servers.plan()}"
    except StartError as trouble:
        return f"stack: none. {trouble}"


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The servers, shared by all processes of a run, and by other runs of this checkout at the same time."""
    with shared_stack("tests") as found:
        yield found


@contextlib.contextmanager
def shared_stack(name: str) -> Iterator[Stack]:
    """Use the stack of this name. The first user begins with empty data, the last one stops it.

    Each user holds a shared lock, which ends with its process; who can take the lock alone is the only user.
    """
    state = STATES / name
    make_folder(state)
    with (state.parent / f"{name}.users").open("w") as users:
        if alone(users.fileno()) and not kept():
            lifecycle.forget(state, lambda _: None)  # what a run that was killed left behind
        fcntl.flock(users, fcntl.LOCK_SH)
        yield servers.resolve(state, durable=False)
        fcntl.flock(users, fcntl.LOCK_UN)
        if not kept() and alone(users.fileno()):
            servers.stop(state)


def alone(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def kept() -> bool:
    return os.environ.get("CASELIGHT_KEEP_STACK") == "1"


@pytest.fixture(scope="session")
async def databases(stack: Stack) -> AsyncIterator[str]:
    """Prefix of the databases of this test process."""
    async with copies(stack, f"t{os.getpid()}_", services()) as prefix:
        yield prefix


@pytest.fixture(scope="session")
def used() -> Sequence[str]:
    """Names of the services whose databases a module uses."""
    return services()


@pytest.fixture(scope="module")
async def own_databases(stack: Stack, request: pytest.FixtureRequest, used: Sequence[str]) -> AsyncIterator[str]:
    """Prefix of the databases of this module, empty but for what migrations put there."""
    async with copies(stack, f"t{os.getpid()}_{short(request.node.nodeid)}_", used) as prefix:
        yield prefix


@contextlib.asynccontextmanager
async def copies(stack: Stack, prefix: str, used: Sequence[str]) -> AsyncIterator[str]:
    """Copy the migrated templates of some services, and drop the copies in the end."""
    await ensure_template(stack)
    await administration.clone(stack.postgres_url, TEMPLATE, prefix, used)
    yield prefix
    await administration.drop(stack.postgres_url, prefix, used)


async def ensure_template(stack: Stack) -> None:
    """Migrate once per state of the migrations; other processes wait for the one that does it."""
    home = Home(stack.state)
    with (home.folder / "template.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        wanted = fingerprint()
        there = await administration.exist(stack.postgres_url, TEMPLATE, services())
        if there and home.values("template").get("fingerprint") == wanted:
            return
        await administration.drop(stack.postgres_url, TEMPLATE, services())
        await administration.create(stack.postgres_url, TEMPLATE, services(), PASSWORD)
        settings = settings_of(stack, TEMPLATE, "none.")
        for service in services():
            await migrations.upgrade(settings, service)
        home.change("template", "fingerprint", wanted)


def fingerprint() -> str:
    digest = hashlib.sha256()
    # Migrations take statements from modules beside them: the common tables, the keys, a service's own.
    shared = (ROOT / "shared" / "storage", ROOT / "shared" / "privacy")
    for folder in (*shared, *sorted(ROOT.glob("services/*/storage"))):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
async def topic_prefix(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Prefix of this module's topics, which exist while it runs."""
    prefix = f"{short(request.node.nodeid)}-{os.getpid()}."
    wanted = declared(prefix)
    await topics.apply(stack.kafka_bootstrap, wanted)
    yield prefix
    await topics.delete(stack.kafka_bootstrap, [topic.name for topic in wanted])


@pytest.fixture(scope="module")
def settings(stack: Stack, own_databases: str, topic_prefix: str) -> Settings:
    """Settings of services on this module's own databases and topics."""
    return settings_of(stack, own_databases, topic_prefix)


def settings_of(stack: Stack, database_prefix: str, prefix: str) -> Settings:
    """Return test settings on a stack, with keys that this checkout's tests share."""
    keys = STATES / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    with (keys / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        signing, verify = make_keys(keys)
        master = make_master_key(keys / MASTER_KEY)
    return Settings(
        environment="test",
        oidc_issuer="http://sign-in.test",
        oidc_client_secret=SecretStr("made-up"),
        postgres_url=stack.postgres_url,
        database_prefix=database_prefix,
        database_password=PASSWORD,
        kafka_bootstrap=stack.kafka_bootstrap,
        topic_prefix=prefix,
        redis_url=stack.redis_url,
        state=Path(stack.state),
        signing_key=signing,
        verify_keys=verify,
        master_key=master,
    )


def short(name: str) -> str:
    """Return a name that databases and topics may have, still telling which module it is."""
    words = re.sub(r"[^a-z0-9]+", "_", name.rsplit("/", 1)[-1].removesuffix(".py").lower())
    return f"{words[:20]}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"
