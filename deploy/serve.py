"""Runs one service in one process: its HTTP application, its loops, or both."""

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Iterator
from importlib import import_module
from typing import Literal

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.clock import SystemClock
from shared.service import Service
from shared.settings import Settings
from shared.storage import migrations
from shared.telemetry import configure_logging, logger

Role = Literal["api", "worker", "both"]

log = logger("serve")
# How long loops may take to finish their batch; then the process ends all the same, and the inbox makes that safe.
DRAIN_S = 15.0
GRACE_S = 5


class Server(uvicorn.Server):
    """uvicorn without its signal handlers, which end the process before the loops have drained."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(settings: Settings, service: str, role: Role, host: str, port: int) -> int:
    """Run until a signal says stop or a loop fails. Return the exit code."""
    configure_logging(settings.log_level)
    import uvloop  # noqa: PLC0415 - not on Windows; only this command needs it

    return uvloop.run(run(settings, service, role, host, port))


async def run(settings: Settings, service: str, role: Role, host: str, port: int) -> int:
    """Build the service on this loop and run it."""
    await migrations.require(settings, service)
    built: Service = import_module(f"services.{service}.app").build(settings, SystemClock(), role)
    app: ASGIApp = only_health(built.api) if role == "worker" else built.api
    collect_seldom()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    try:
        return await until_stopped(built, Server(config), role)
    finally:
        if built.close is not None:
            await built.close()


def collect_seldom() -> None:
    """Let the garbage collector look seldom, and never again at what was there at the start.

    A batch makes many objects that reference counting frees by itself; looking through them every 700 cost a third
    of the time of a flag file (58 instead of 39 µs a row). Cycles are still found, later.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def until_stopped(built: Service, server: Server, role: Role) -> int:
    """Run the server and the loops side by side. The first of them to end ends them all."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    http = asyncio.create_task(server.serve(), name="http")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    loops = [asyncio.create_task(run_loop(built, name), name=name) for name in built.loops]
    log.info("started", extra={"service": built.name, "role": role, "port": server.config.port})
    done, _ = await asyncio.wait([http, stopped, *loops], return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in done if task is not stopped]
    for task in failed:
        error = task.exception()
        log.error("ended", extra={"service": built.name, "loop": task.get_name()}, exc_info=error)
    server.should_exit = True
    await drain(built, loops)
    await asyncio.wait([http], timeout=GRACE_S + 1)
    stopped.cancel()
    log.info("stopped", extra={"service": built.name, "role": role})
    return 1 if failed else 0


async def run_loop(built: Service, name: str) -> None:
    await built.loops[name]()


async def drain(built: Service, loops: list[asyncio.Task[None]]) -> None:
    """Tell the loops to let go, and wait while they finish what they began."""
    for task in loops:
        task.cancel()
    if not loops:
        return
    _, late = await asyncio.wait(loops, timeout=DRAIN_S)
    for task in late:
        log.error("did not drain", extra={"service": built.name, "loop": task.get_name()})


def only_health(app: ASGIApp) -> ASGIApp:
    """Let through what a supervisor asks for: a worker has no other HTTP."""

    async def filtered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(("/health", "/metrics")):
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return filtered


def port_of(settings: Settings, service: str) -> int:
    """Return the port of a service: its own variable, or the one that settings give it."""
    own = os.environ.get(f"CASELIGHT_{service.upper()}_PORT")
    return int(own) if own else settings.port(service)
