"""Postgres, Valkey and Kafka from containers, for those who set CASELIGHT_CONTAINERS=1.

Needs the package `testcontainers` and a container engine; neither is part of our locks. Containers live until
`stop`, so that several test processes can share them: testcontainers' own reaper is switched off.
"""

import importlib
import importlib.util
import os
from collections.abc import Sequence
from typing import Any, Literal

from deploy.local.home import Home
from deploy.local.processes import StartError

Component = Literal["postgres", "kafka", "valkey"]

PART = "containers"
MISSING = (
    "CASELIGHT_CONTAINERS=1, but the package testcontainers is not installed. "
    "Run: .venv/bin/pip install 'testcontainers[postgres,redis,kafka]'"
)


def wanted() -> bool:
    """Say whether containers were asked for."""
    return os.environ.get("CASELIGHT_CONTAINERS") == "1"


def check() -> None:
    """Raise when containers cannot be used from here."""
    if importlib.util.find_spec("testcontainers") is None:
        raise StartError(MISSING)


def start(home: Home, names: Sequence[Component]) -> dict[Component, str]:
    """Start what does not run yet and return its addresses."""
    if not names:
        return {}
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    known = home.values(PART)
    for name in names:
        if name not in known or not exists(known[name]["id"]):
            home.change(PART, name, run(name))
    return {name: home.values(PART)[name]["url"] for name in names}


def stop(home: Home) -> None:
    """Remove the containers of this stack with their data."""
    for name, kept in home.values(PART).items():
        if exists(kept["id"]):
            docker().containers.get(kept["id"]).remove(force=True, v=True)
        home.change(PART, name, None)


def run(name: Component) -> dict[str, str]:
    """Start one container and return its id and address."""
    server, url = {"postgres": postgres, "valkey": valkey, "kafka": kafka}[name]()
    return {"id": str(server.get_wrapped_container().id), "url": url}


def postgres() -> tuple[Any, str]:
    maker = importlib.import_module("testcontainers.postgres").PostgresContainer
    server = maker("postgres:18", username="postgres", dbname="postgres", driver=None)
    server.with_command("-c max_connections=300").start()
    return server, str(server.get_connection_url())


def valkey() -> tuple[Any, str]:
    server = importlib.import_module("testcontainers.redis").RedisContainer("valkey/valkey:9").start()
    return server, f"redis://{server.get_container_host_ip()}:{server.get_exposed_port(6379)}/0"


def kafka() -> tuple[Any, str]:
    server = importlib.import_module("testcontainers.kafka").KafkaContainer().with_kraft()
    server.with_env("KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS", "1000")
    server.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false").start()
    return server, str(server.get_bootstrap_server())


def exists(container: str) -> bool:
    """Say whether the engine still knows this container."""
    return any(each.id == container for each in docker().containers.list())


def docker() -> Any:  # noqa: ANN401 - comes with testcontainers, which our locks do not hold
    """Return the engine's client."""
    return importlib.import_module("docker").from_env()
