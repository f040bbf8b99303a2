"""Warm connections to the mail server, and what its answers mean."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

# Seconds for one command, and for everything that handing over one message takes; claims last longer.
_TIMEOUT = 8.0
LONGEST_SEND = 15.0
_PERMANENT = range(500, 600)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: `sent`, `refused` (this address, for good) or `later`. `unwanted` was never asked."""

    kind: Literal["sent", "refused", "later", "unwanted"]
    code: int | None = None
    error_class: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over: `smtp://`, `smtp+starttls://` or `smtps://user:password@host:port`."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str | None
    password: str | None

    @classmethod
    def of(cls, url: str) -> "Server":
        """Read the address. Raises ValueError for another scheme."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
            raise ValueError("the mail server's address begins with smtp://, smtp+starttls:// or smtps://")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if tls else 25),
            tls=tls,
            starttls=parts.scheme == "smtp+starttls",
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    def client(self) -> SMTP:
        """Return a connection, not yet opened. An encrypted one must be: no falling back to plain text."""
        return SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.tls,
            start_tls=self.starttls,
            username=self.user,
            password=self.password,
            timeout=_TIMEOUT,
        )


class Connections:
    """Up to `most` connections, opened when needed and kept: setting up TLS alone can take 250 ms."""

    def __init__(self, server: Server, *, most: int = 16) -> None:
        self.most = most
        self._server = server
        self._idle: deque[SMTP] = deque()
        self._places = asyncio.Semaphore(most)

    async def send(self, sender: str, recipient: str, message: bytes) -> Answer:
        """Hand one message over. Never raises for what the server or the network does; the answer says it."""
        async with self._places:
            try:
                async with asyncio.timeout(LONGEST_SEND):
                    return await self._send(sender, recipient, message)
            except SMTPRecipientsRefused as error:
                return _of_address([refused.code for refused in error.recipients], error)
            except SMTPDataError as error:
                return _of_address([error.code], error)
            except SMTPResponseException as error:
                # The server refuses us (sender, sign-in, greeting), not this address: that can be mended.
                return Answer("later", error.code, type(error).__name__)
            except (SMTPException, OSError, TimeoutError) as error:
                return Answer("later", None, type(error).__name__)
            except ValueError as error:  # last, because a certificate that cannot be trusted is an OSError as well
                return Answer("refused", None, type(error).__name__)  # no address that mail can go to

    async def warm(self, count: int) -> None:
        """Open connections ahead of need and speak on idle ones, so that the server does not hang up on them."""
        for _ in range(len(self._idle)):
            client = self._idle.popleft()
            with suppress(SMTPException, OSError, TimeoutError):
                await client.noop()
                self._idle.append(client)
        with suppress(SMTPException, OSError, TimeoutError):
            while len(self._idle) < min(count, self.most):
                self._idle.append(await self._opened())

    async def close(self) -> None:
        """Take leave of the server."""
        while self._idle:
            with suppress(SMTPException, OSError, TimeoutError):
                await self._idle.popleft().quit()

    async def _send(self, sender: str, recipient: str, message: bytes) -> Answer:
        client = self._idle.pop() if self._idle else None
        if client is not None:
            try:
                return await self._by(client, sender, recipient, message)
            except (SMTPServerDisconnected, ConnectionError):
                # The server hung up on an idle connection. Should it have taken the message all the same, the second
                # copy has the same Message-ID.
                client.close()
        return await self._by(await self._opened(), sender, recipient, message)

    async def _by(self, client: SMTP, sender: str, recipient: str, message: bytes) -> Answer:
        try:
            await client.sendmail(sender, [recipient], message)
        except (SMTPResponseException, SMTPRecipientsRefused):
            self._keep(client)  # it answered, and has been reset
            raise
        except BaseException:
            client.close()  # in the middle of something: nobody can tell what it would understand next
            raise
        self._keep(client)
        return Answer("sent")

    def _keep(self, client: SMTP) -> None:
        if client.is_connected:
            self._idle.append(client)

    async def _opened(self) -> SMTP:
        client = self._server.client()
        await client.connect()
        return client


def _of_address(codes: list[int], error: SMTPException) -> Answer:
    """Judge an address: 5xx is for good, 4xx is for now."""
    code = max(codes, default=0)
    return Answer("refused" if code in _PERMANENT else "later", code, type(error).__name__)
