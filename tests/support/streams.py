"""Listening to a console as an open page does: server-sent events over a real connection."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.eventually import eventually


@dataclass
class Stream:
    """An open stream. `events` are (name, data, id) as they came."""

    events: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    closed: bool = False

    def named(self, name: str) -> list[dict[str, Any]]:
        """Return the data of the events of one name."""
        return [data for each, data, _ in self.events if each == name]

    @property
    def last_id(self) -> str:
        """What a browser would send as Last-Event-ID."""
        return next((id_ for _, _, id_ in reversed(self.events) if id_), "")


@contextlib.asynccontextmanager
async def open_stream(address: str, cookies: dict[str, str], *, last: str = "") -> AsyncIterator[Stream]:
    """Open `/live` with the cookies of somebody signed in; return once the first event is there."""
    stream = Stream()
    reading = asyncio.ensure_future(_read(address, cookies, last, stream))
    try:
        await eventually(lambda: stream.events or stream.closed)
        yield stream
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(address: str, cookies: dict[str, str], last: str, stream: Stream) -> None:
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    if last:
        headers["Last-Event-ID"] = last
    async with (
        httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as client,
        client.stream("GET", "/live", headers=headers) as answer,
    ):
        said: dict[str, str] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(":")
            if line:
                said[name] = value.strip()
            elif "event" in said:
                stream.events.append((said["event"], json.loads(said.get("data", "{}")), said.get("id", "")))
                said = {}
    stream.closed = True
