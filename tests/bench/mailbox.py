"""A mail server that only notes when each mail was accepted: the end of the way that `page_latency` measures."""

import asyncio
import re
import time

from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """Listens on a free port. `arrived` has the monotonic time of the first mail with each thing `pattern` finds."""

    def __init__(self, pattern: bytes) -> None:
        self.arrived: dict[str, float] = {}
        self._pattern = re.compile(pattern)
        self._server: asyncio.Server | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's name
        """Note a mail."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        found = self._pattern.search(content)
        if found:
            self.arrived.setdefault(found.group(1).decode(), time.monotonic())
        return "250 kept"

    async def start(self) -> int:
        """Listen, on the loop that runs, and return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
