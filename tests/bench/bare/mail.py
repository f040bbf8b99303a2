"""How the bare path sends mail: claimed, sent and marked in separate transactions, over warm connections."""

import asyncio
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

import aiosmtplib

from tests.bench.bare.rows import Connection, Pool

_CONNECTIONS = 8
_FIRST = b":0"


class Mails:
    """Mails about the first record of each referral."""

    def __init__(self, pool: Pool, node: str, told: Mapping[str, Any]) -> None:
        self._pool, self._table, self._port = pool, f"{node}_{told['table']}", int(told["port"])
        self._topic = str(told["topic"])
        self._free: asyncio.Queue[aiosmtplib.SMTP] = asyncio.Queue()
        self._sending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the connections."""
        for _ in range(_CONNECTIONS):
            client = aiosmtplib.SMTP(hostname="127.0.0.1", port=self._port)
            await client.connect()
            self._free.put_nowait(client)

    async def queue(self, connection: Connection, records: Sequence[Any]) -> None:
        """Store what is to be sent, within the transaction of the batch."""
        numbers = self._numbers(records)
        if numbers:
            await connection.execute(
                f"INSERT INTO {self._table} (id, body) SELECT unnest($1::bigint[]), ''::bytea ON CONFLICT DO NOTHING",
                numbers,
            )

    def deliver(self, records: Sequence[Any]) -> None:
        """Begin to send."""
        numbers = self._numbers(records)
        if numbers:
            task = asyncio.create_task(self._deliver(numbers))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _numbers(self, records: Sequence[Any]) -> list[int]:
        return [
            int(record.key[:-2]) for record in records if record.topic == self._topic and record.key.endswith(_FIRST)
        ]

    async def _deliver(self, numbers: list[int]) -> None:
        await self._pool.execute(f"UPDATE {self._table} SET body = 'c' WHERE id = ANY($1)", numbers)
        await asyncio.gather(*map(self._send, numbers))
        await self._pool.execute(f"UPDATE {self._table} SET body = 's' WHERE id = ANY($1)", numbers)

    async def _send(self, number: int) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "caselight@localhost", "duty@example.edu", f"bare {number}"
        mail.set_content("A student may be in danger. To take it, or to say that you cannot, open the link.\n" * 8)
        client = await self._free.get()
        try:
            await client.send_message(mail)
        finally:
            self._free.put_nowait(client)
