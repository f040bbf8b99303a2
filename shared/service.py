"""What the composition root of a service gives back: an HTTP application and the loops that work beside it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

# A loop runs until it is cancelled, and drains before it lets go: finish the batch, commit, flush.
Loop = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """A service, built but not started.

    `loops` are named (`relay`, `stream`, `timers`, `replicas`, ...); the launcher runs them as tasks, restarts none
    and stops the process when one fails. `close` gives back connections when all loops have ended.
    """

    name: str
    api: "FastAPI"
    loops: Mapping[str, Loop] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] | None = None
