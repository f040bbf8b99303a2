"""The embedded stack comes back from whatever happened to it: on the same ports, with what it had acknowledged."""

import asyncio
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local import lifecycle, processes
from deploy.local import stack as servers
from deploy.local.home import Home
from deploy.local.stack import Component, Stack
from deploy.local.topics import declared
from shared.messaging import topics
from tests.stack import STATES

COMPONENTS: tuple[Component, ...] = ("postgres", "kafka", "valkey")


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack that only this module uses, beside the one that other tests run on."""
    state = STATES / f"own-{os.getpid()}"
    try:
        yield servers.resolve(state, durable=False)
    finally:
        lifecycle.forget(state, quiet)


def pids(stack: Stack) -> dict[str, int]:
    return {name: found.pid for name in COMPONENTS if (found := Home(stack.state).process(name))}


def gone(pid: int) -> bool:
    """Nothing is left but, for a moment, the entry that its parent has not collected."""
    try:
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() == 1
    except psutil.NoSuchProcess:
        return True


async def count(stack: Stack) -> int:
    connection = await asyncpg.connect(stack.postgres_url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (at timestamptz DEFAULT now())")
        await connection.execute("INSERT INTO kept DEFAULT VALUES")
        return int(await connection.fetchval("SELECT count(*) FROM kept"))
    finally:
        await connection.close()


def test_what_runs_is_reused_at_once(own: Stack) -> None:
    before, began = pids(own), time.monotonic()
    again = servers.resolve(own.state, durable=False)
    assert time.monotonic() - began < 5
    assert again == own
    assert pids(own) == before


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_killed_server_comes_back_on_its_port(own: Stack, component: Component) -> None:
    before = pids(own)
    own.kill(component)
    assert gone(before[component])
    own.start(component)
    again = servers.resolve(own.state, durable=False)
    assert again == own
    assert pids(own)[component] != before[component]


async def test_rows_that_were_committed_survive_a_kill(own: Stack) -> None:
    before = await count(own)
    await asyncio.to_thread(own.kill, "postgres")
    await asyncio.to_thread(own.start, "postgres")
    assert await count(own) == before + 1


async def test_topics_survive_a_kill(own: Stack) -> None:
    wanted = declared("kept.")
    await topics.apply(own.kafka_bootstrap, wanted)
    await asyncio.to_thread(own.kill, "kafka")
    await asyncio.to_thread(own.start, "kafka")
    assert await topics.check(own.kafka_bootstrap, wanted) == []


def test_an_orderly_restart_keeps_the_port(own: Stack) -> None:
    for component in COMPONENTS:
        own.restart(component)
    assert servers.resolve(own.state, durable=False) == own


def test_a_pid_file_of_a_dead_server_is_no_obstacle(own: Stack) -> None:
    own.kill("postgres")
    lock = Path(Home(own.state).values("places")["postgres"]) / "postmaster.pid"
    # The pid of a living process that is not this server, as after a restart of the machine.
    lines = lock.read_text().split("\n")
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    own.start("postgres")


def test_a_remembered_process_that_became_somebody_else_is_left_alone(own: Stack) -> None:
    home = Home(own.state)
    own.kill("valkey")
    home.change("processes", "valkey", {"pid": os.getpid(), "started": 1.0, "program": "valkey-server"})
    own.start("valkey")
    assert pids(own)["valkey"] != os.getpid()


@pytest.mark.parametrize("component", ["postgres", "valkey"])
def test_a_port_that_a_stranger_took_is_given_up(own: Stack, component: Component) -> None:
    own.kill(component)
    home = Home(own.state)
    port = home.port(component)
    with socket_on(port):
        own.start(component)
        assert home.port(component) != port
    found = servers.resolve(own.state, durable=False)
    assert str(home.port(component)) in (found.postgres_url + found.redis_url)
    # Later tests of this module compare with the addresses of the beginning.
    own.kill(component)
    home.change("ports", component, port)
    own.start(component)


def socket_on(port: int) -> socket.socket:
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", port))
    taken.listen()
    return taken


def test_two_stacks_run_side_by_side(own: Stack, stack: Stack) -> None:
    assert {own.postgres_url, own.kafka_bootstrap, own.redis_url}.isdisjoint(
        {stack.postgres_url, stack.kafka_bootstrap, stack.redis_url}
    )
    own.kill("kafka")
    assert asyncio.run(topics.partitions(stack.kafka_bootstrap, [])) == {}
    own.start("kafka")


def test_postgres_logs_nothing_that_a_person_wrote(own: Stack) -> None:
    async def settings() -> dict[str, str]:
        connection = await asyncpg.connect(own.postgres_url)
        names = (
            "log_error_verbosity",
            "log_parameter_max_length",
            "log_parameter_max_length_on_error",
            "max_connections",
        )
        found = {name: str(await connection.fetchval(f"SHOW {name}")) for name in names}
        await connection.close()
        return found

    assert asyncio.run(settings()) == {
        "log_error_verbosity": "terse",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "max_connections": "300",
    }


def test_stopping_leaves_nothing_running() -> None:
    state = STATES / f"stopped-{os.getpid()}"
    try:
        started = servers.resolve(state, durable=False)
        ours = pids(started)
        children = [child.pid for pid in ours.values() for child in psutil.Process(pid).children(recursive=True)]
        servers.stop(state)
        assert all(gone(pid) for pid in (*ours.values(), *children))
    finally:
        lifecycle.forget(state, quiet)
    assert not state.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as another user")
def test_a_checkout_that_nobody_may_enter_keeps_its_modes(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    state = closed / "state"
    try:
        started = servers.resolve(state, durable=False)
        place = Path(Home(state).values("places")["postgres"])
        assert not place.is_relative_to(closed)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert asyncio.run(count(started)) == 1
    finally:
        lifecycle.forget(state, quiet)
    assert not place.exists()


def test_processes_of_the_stack_are_not_root_where_they_need_not_be(own: Stack) -> None:
    found = Home(own.state).process("postgres")
    assert found is not None
    assert processes.alive(found)
    assert psutil.Process(found.pid).uids().effective != 0
