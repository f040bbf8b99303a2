"""The bare way of a danger page: commit with outbox, relay, Kafka, commit, claim, SMTP, mark. Nothing else.

Three processes as in the product: one that accepts and relays, one that consumes and sends, and this one, which paces
the arrivals and is the mail server. Run with `python -m tests.bench.bare.page_latency ROLE ...` by `measure`.
"""

import asyncio
import json
import sys
import time
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.bench.bare.rows import payload
from tests.bench.mailbox import Mailbox

SCHEMA = """
DROP TABLE IF EXISTS bare_referrals, bare_outbox, bare_inbox, bare_pages, bare_deliveries;
CREATE TABLE bare_referrals (id bigint PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE bare_outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea, body bytea NOT NULL);
CREATE TABLE bare_inbox (event_id bigint PRIMARY KEY);
CREATE TABLE bare_pages (id bigint PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE bare_deliveries (id bigint PRIMARY KEY, claimed boolean NOT NULL DEFAULT false, sent timestamptz);
"""


async def accept_and_relay(dsn: str, bootstrap: str, topic: str, rate: float, count: int) -> None:
    """Commit one referral after another at `rate` a second, print when each was accepted, and relay the outbox."""
    pool = await asyncpg.create_pool(dsn, min_size=4, max_size=8)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    woken, accepted = asyncio.Event(), {}

    async def accept(number: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO bare_referrals VALUES ($1, $2)", number, payload(number))
            # As many records as the product writes for such a referral: received, danger, triaged, and its audit row.
            await connection.executemany(
                "INSERT INTO bare_outbox (key, body) VALUES ($1, $2)",
                [(f"{number}:{part}".encode(), payload(number)) for part in range(4)],
            )
        accepted[number] = time.monotonic()
        woken.set()

    async def relay() -> None:
        connection = await asyncpg.connect(dsn)
        while True:
            rows = await connection.fetch("SELECT id, key, body FROM bare_outbox ORDER BY id LIMIT 500")
            if not rows:
                woken.clear()
                try:
                    await asyncio.wait_for(woken.wait(), 0.005)
                except TimeoutError:
                    continue
            await asyncio.gather(
                *[await producer.send(topic, row["body"], key=row["key"], partition=row["id"] % 12) for row in rows]
            )
            await connection.execute("DELETE FROM bare_outbox WHERE id = ANY($1)", [row["id"] for row in rows])

    relaying = asyncio.create_task(relay())
    await asyncio.to_thread(sys.stdin.readline)
    begun = time.monotonic()
    tasks = []
    for number in range(count):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(accept(number)))
    await asyncio.gather(*tasks)
    await asyncio.to_thread(sys.stdin.readline)
    relaying.cancel()
    await producer.stop()


async def consume_and_send(dsn: str, bootstrap: str, topic: str, smtp_port: int) -> None:
    """Consume in batches, commit inbox, page and delivery, then claim, send and mark."""
    pool = await asyncpg.create_pool(dsn, min_size=4, max_size=8)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=topic, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    clients = [aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp_port) for _ in range(8)]
    for client in clients:
        await client.connect()
    free: asyncio.Queue[aiosmtplib.SMTP] = asyncio.Queue()
    for client in clients:
        free.put_nowait(client)
    sending: set[asyncio.Task[None]] = set()

    async def deliver(numbers: list[int]) -> None:
        await pool.execute("UPDATE bare_deliveries SET claimed = true WHERE id = ANY($1)", numbers)
        await asyncio.gather(*[_send(free, number) for number in numbers])
        await pool.execute("UPDATE bare_deliveries SET sent = now() WHERE id = ANY($1)", numbers)

    while True:
        fetched = await consumer.getmany(timeout_ms=1000, max_records=500)
        records = [record for part in fetched.values() for record in part]
        if not records:
            continue
        dangers = [int(record.key.split(b":")[0]) for record in records if record.key.endswith(b":1")]
        ids = [record.partition * 10**12 + record.offset for record in records]
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO bare_inbox SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING", ids)
            await connection.execute(
                "INSERT INTO bare_pages SELECT unnest($1::bigint[]), ''::bytea ON CONFLICT DO NOTHING", dangers
            )
            await connection.execute(
                "INSERT INTO bare_deliveries (id) SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING", dangers
            )
        if dangers:
            task = asyncio.create_task(deliver(dangers))
            sending.add(task)
            task.add_done_callback(sending.discard)
        await consumer.commit()


async def _send(free: "asyncio.Queue[aiosmtplib.SMTP]", number: int) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "caselight@localhost", "duty@example.edu", f"bare {number}"
    mail.set_content("A student may be in danger.")
    client = await free.get()
    try:
        await client.send_message(mail)
    finally:
        free.put_nowait(client)


async def measure(dsn: str, bootstrap: str, *, rate: float, count: int) -> list[float]:
    """Return the seconds from acceptance to the mail server, one for each referral."""
    topic = f"bare-latency-{time.monotonic_ns()}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)
    await connection.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 12, 1)])
    await admin.close()
    mailbox = Mailbox(rb"Subject: bare (\d+)")
    port = await mailbox.start()
    sender = await _role("consume_and_send", dsn, bootstrap, topic, str(port))
    giver = await _role("accept_and_relay", dsn, bootstrap, topic, str(rate), str(count))
    try:
        for process in (sender, giver):
            assert (await _line(process)).strip() == b"ready"
        _say(giver)
        accepted = {int(number): at for number, at in json.loads(await _line(giver)).items()}
        deadline = time.monotonic() + 30
        while len(mailbox.arrived) < count and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        _say(giver)
    finally:
        for process in (sender, giver):
            if process.returncode is None:
                process.terminate()
            await process.wait()
        mailbox.stop()
    assert len(mailbox.arrived) == count, f"{count - len(mailbox.arrived)} mails did not arrive"
    return [mailbox.arrived[str(number)] - at for number, at in accepted.items()]


async def _role(name: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.bare.page_latency", name, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24,
    )  # fmt: skip


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return await process.stdout.readline()


def _say(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")


def _main(role: str, *arguments: Any) -> None:
    if role == "accept_and_relay":
        dsn, bootstrap, topic, rate, count = arguments
        asyncio.run(accept_and_relay(dsn, bootstrap, topic, float(rate), int(count)))
    else:
        dsn, bootstrap, topic, port = arguments
        asyncio.run(consume_and_send(dsn, bootstrap, topic, int(port)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
