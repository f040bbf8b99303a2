"""Postgres, Valkey and Kafka for the demo and for every test: one resolver, never a skip.

    environment (CASELIGHT_POSTGRES_URL, CASELIGHT_KAFKA_BOOTSTRAP, CASELIGHT_REDIS_URL)
    -> containers, when CASELIGHT_CONTAINERS=1 asks for them
    -> embedded: processes of our own from installed packages

Each of the three is resolved by itself, so a university's Kafka can be used with an embedded Postgres.
"""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from deploy.local import containers, kafka, postgres, processes, valkey
from deploy.local.home import Home
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.processes import Running, StartError
from deploy.local.valkey import Valkey

Component = Literal["postgres", "kafka", "valkey"]
Say = Callable[[str], None]

VARIABLES: dict[Component, str] = {
    "postgres": "CASELIGHT_POSTGRES_URL",
    "kafka": "CASELIGHT_KAFKA_BOOTSTRAP",
    "valkey": "CASELIGHT_REDIS_URL",
}
ATTEMPTS = 3


class Part(Protocol):
    """One server that we run."""

    name: str
    port: int

    @property
    def url(self) -> str: ...
    def launch(self) -> Running: ...
    def ready(self) -> bool: ...
    def stop(self, process: Running) -> None: ...
    def settled(self) -> None: ...


@dataclass(frozen=True)
class Stack:
    """Addresses of what runs, and power over what we started ourselves."""

    postgres_url: str
    kafka_bootstrap: str
    redis_url: str
    described: str
    state: Path
    durable: bool = True

    def environment(self) -> dict[str, str]:
        """Return the variables by which a process of ours finds this stack."""
        urls: dict[Component, str] = {
            "postgres": self.postgres_url,
            "kafka": self.kafka_bootstrap,
            "valkey": self.redis_url,
        }
        return {VARIABLES[name]: url for name, url in urls.items()}

    def kill(self, component: Component) -> None:
        """Kill -9, as a crash would, and return once it is gone."""
        home = Home(self.state)
        with home.locked():
            part, process = self._ours(home, component)
            if process is not None and processes.alive(process):
                processes.end(process, how=signal.SIGKILL)
            part.settled()

    def start(self, component: Component) -> None:
        """Start it again on the same port and return once it answers."""
        home = Home(self.state)
        with home.locked():
            part, _ = self._ours(home, component)
            bring_up(home, part)

    def restart(self, component: Component) -> None:
        """Stop it in order, then start it."""
        home = Home(self.state)
        with home.locked():
            part, process = self._ours(home, component)
            if process is not None:
                part.stop(process)
            bring_up(home, part)

    def _ours(self, home: Home, component: Component) -> tuple[Part, Running | None]:
        process = home.process(component)
        if process is None:
            raise StartError(f"{component} is not ours to kill or start: its address came from outside")
        return embedded(home, component, durable=self.durable), process


def resolve(state: Path, *, durable: bool = True, say: Say | None = None) -> Stack:
    """Start what does not run yet, reuse what does, and return where everything is.

    `say` is told first what is used, then each step that takes long. Not durable means that a crash of the machine
    (not of a process) may lose data: for tests. Raises `StartError` when something is to be had nowhere.
    """
    tell = say or (lambda _: None)
    home = Home(state)
    with home.locked():
        sources = {name: source(name) for name in VARIABLES}
        described = describe(sources)
        # Always the first line: whoever reads the output of a test run knows what it ran on.
        tell(f"Stack: {described}")
        urls = {name: url for name, variable in VARIABLES.items() if (url := os.environ.get(variable))}
        ours = [name for name, where in sources.items() if where == "embedded"]
        urls |= containers.start(home, [name for name, where in sources.items() if where == "container"])
        urls |= start_embedded(home, ours, durable=durable, say=tell)
    return Stack(urls["postgres"], urls["kafka"], urls["valkey"], described, state, durable)


def plan() -> str:
    """Say what `resolve` would use, without starting anything."""
    return describe({name: source(name) for name in VARIABLES})


def source(name: Component) -> str:
    """Say where a component comes from, or raise when it is to be had nowhere."""
    if os.environ.get(VARIABLES[name]):
        return "environment"
    if containers.wanted():
        containers.check()
        return "container"
    if {"postgres": postgres, "kafka": kafka, "valkey": valkey}[name].installed():
        return "embedded"
    raise StartError(
        f"no {name}: the embedded one is not installed (run: make setup). Or set {VARIABLES[name]}, "
        "or CASELIGHT_CONTAINERS=1 where containers can be started."
    )


def describe(sources: dict[Component, str]) -> str:
    titles: dict[Component, str] = {"postgres": "Postgres", "kafka": "Kafka", "valkey": "Valkey"}
    by_source: dict[str, list[str]] = {}
    for name, where in sources.items():
        by_source.setdefault(where, []).append(titles[name])
    return "; ".join(f"{', '.join(names)} from {where}" for where, names in by_source.items()).replace(
        "from embedded", "embedded"
    )


def embedded(home: Home, name: Component, *, durable: bool, say: Say = lambda _: None) -> Part:
    match name:
        case "postgres":
            return Postgres(home, durable=durable)
        case "kafka":
            return Kafka(home, durable=durable, say=say)
        case "valkey":
            return Valkey(home, durable=durable)


def start_embedded(home: Home, names: list[Component], *, durable: bool, say: Say) -> dict[Component, str]:
    """Start the parts side by side: Kafka takes the longest, the others are up meanwhile."""
    for name in names:
        home.secret(name)  # made here, one after another; the threads below then only read
    parts = [embedded(home, name, durable=durable, say=say) for name in names]
    idle = [part for part in parts if not runs(home, part)]
    if idle:
        say(f"starting {', '.join(part.name for part in idle)}")
    with ThreadPoolExecutor(max(1, len(idle))) as pool:
        for _ in pool.map(lambda part: bring_up(home, part), idle):
            pass
    return {name: part.url for name, part in zip(names, parts, strict=True)}


def runs(home: Home, part: Part) -> bool:
    return processes.alive(home.process(part.name)) and part.ready()


def bring_up(home: Home, part: Part) -> None:
    """Start one part and wait until it answers. Its port is kept unless a stranger sits on it for good."""
    previous = home.process(part.name)
    if previous is not None and processes.alive(previous):
        if processes.wait_until(part.ready, 5):
            return
        part.stop(previous)  # alive but deaf
    part.settled()
    for attempt in range(1, ATTEMPTS + 1):
        if not processes.wait_until(lambda: processes.is_free(part.port), 3):
            part.port = home.new_port(part.name)
        process = part.launch()
        home.keep_process(part.name, process)
        try:
            processes.wait_ready(part.name, process, part.ready, log=home.log(part.name))
        except StartError:
            part.stop(process)
            if attempt == ATTEMPTS:
                raise
        else:
            return


def stop(state: Path) -> None:
    """Stop everything this state folder started, and leave nothing running."""
    home = Home(state)
    if not home.folder.exists():
        return
    with home.locked():
        containers.stop(home)
        running: list[tuple[Component, Running]] = []
        for name in VARIABLES:
            process = home.process(name)
            if process is not None:
                running.append((name, process))
        with ThreadPoolExecutor(max(1, len(running))) as pool:
            for _ in pool.map(lambda each: stop_one(home, *each), running):
                pass


def stop_one(home: Home, name: Component, process: Running) -> None:
    part = embedded(home, name, durable=True)
    part.stop(process)
    part.settled()
    home.keep_process(name, None)
