"""An HTTP client that costs little, so that what is measured is the service and not who asks it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Self

_PIECE = 256 * 1024


class Client:
    """Keeps some connections to a local port open and sends one request at a time on each."""

    def __init__(self, port: int, connections: int) -> None:
        self._port, self._count = port, connections
        self._free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()

    async def __aenter__(self) -> Self:
        for _ in range(self._count):
            self._free.put_nowait(await asyncio.open_connection("127.0.0.1", self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        while not self._free.empty():
            self._free.get_nowait()[1].close()

    async def get_json(self, path: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        """GET something and return the status and the answer."""
        return await self.send(path, headers, b"", method="GET")

    async def send_json(self, path: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """POST something and return the status and the answer."""
        return await self.send(path, headers, json.dumps(body).encode())

    async def send(self, path: str, headers: Mapping[str, str], body: bytes, method: str = "POST") -> tuple[int, Any]:
        """POST bytes and return the status and the answer."""
        connection = await self._free.get()
        if connection[0].at_eof():  # the service closes what nobody uses for some seconds
            connection[1].close()
            connection = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            return await _ask(*connection, f"{method} {path}", headers, body)
        finally:
            self._free.put_nowait(connection)


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, what: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, Any]:
    lines = [f"{what} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join((*lines, "", "")).encode())
    for start in range(0, len(body), _PIECE):
        writer.write(body[start : start + _PIECE])
        await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    length = next(int(line.partition(":")[2]) for line in head if line.lower().startswith("content-length:"))
    return int(head[0].split()[1]), json.loads(await reader.readexactly(length))
