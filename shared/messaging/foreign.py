"""A topic of somebody else's Kafka: their brokers, their security, their records. At least once, nothing passed over.

Offsets are committed when whoever handles the records has committed. Whatever goes wrong with their brokers, this
waits and tries again; it never stops anything of ours.
"""

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.messaging import health
from shared.messaging.brokers import Pause, started
from shared.messaging.failures import is_transient
from shared.messaging.records import RawRecord
from shared.telemetry import counters, describe, logger

Security = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Begin = Literal["earliest", "latest"]
Handle = Callable[[Sequence[RawRecord]], Awaitable[None]]
OnAway = Callable[[str], Awaitable[None]]

MOST_RECORDS = 500
# Of one record. A larger one still comes, alone, as brokers give at least one; it is for the handler to refuse it.
LARGEST_FETCH = 4 * 1024 * 1024
_WAIT_MS = 500
_LONGEST_PAUSE = 30.0
_GIVE_UP_STOPPING = 10.0
_log = logger("foreign")


class UnfitConnectionError(ValueError):
    """Settings that name no connection. Says which, in words for a person; never a secret."""


@dataclass(frozen=True)
class Connection:
    """Where a topic is and how one may read it. `ca` is a PEM bundle, empty: the system's.

    `secret` is the password of SASL; for SSL alone the client's certificate with its key in PEM, if the brokers ask.
    """

    bootstrap: str
    topic: str
    group: str
    security: Security = "SASL_SSL"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    secret: str = ""
    ca: str = ""
    begin: Begin = "earliest"

    @classmethod
    def of(cls, settings: Mapping[str, Any], group: str, secret: str) -> "Connection":
        """Read a connection out of settings. Raises UnfitConnectionError."""

        def said(name: str, default: str = "") -> str:
            value = settings.get(name, default)
            if not isinstance(value, str):
                raise UnfitConnectionError(f"{name} is no text")
            return value.strip()

        def one_of(name: str, known: tuple[str, ...], default: str) -> Any:  # noqa: ANN401 - one of a Literal's words
            value = said(name, default)
            if value not in known:
                raise UnfitConnectionError(f"{name} is none of {', '.join(known)}")
            return value

        made = cls(
            bootstrap=said("bootstrap"),
            topic=said("topic"),
            group=said("group") or group,
            security=one_of("security", get_args(Security), "SASL_SSL"),
            mechanism=one_of("mechanism", get_args(Mechanism), "SCRAM-SHA-512"),
            username=said("username"),
            secret=secret,
            ca=said("ca"),
            begin=one_of("begin", get_args(Begin), "earliest"),
        )
        if not made.bootstrap or not made.topic:
            raise UnfitConnectionError("bootstrap and topic must be named")
        if made.security.startswith("SASL") and not (made.username and made.secret):
            raise UnfitConnectionError("username and the secret must be given for SASL")
        return made

    def options(self) -> dict[str, Any]:
        """Return the consumer's options. Raises UnfitConnectionError for certificates that are none."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "client_id": "caselight-feed",
            "group_id": self.group,
            "enable_auto_commit": False,
            "auto_offset_reset": self.begin,
            "security_protocol": self.security,
            "max_partition_fetch_bytes": LARGEST_FETCH,
            "isolation_level": "read_committed",
        }
        if self.security.endswith("SSL"):
            options["ssl_context"] = self._tls()
        if self.security.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.secret,
            }
        return options

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cadata=self.ca or None)
        except (ssl.SSLError, ValueError):
            raise UnfitConnectionError("ca holds no certificates in PEM") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.security == "SSL" and self.secret:
            self._show_ourselves(context)
        return context

    def _show_ourselves(self, context: ssl.SSLContext) -> None:
        """Load the client's certificate. Python reads one from a file only; it is there for a moment, for us alone."""
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(self.secret)
            file.flush()
            try:
                context.load_cert_chain(file.name)
            except (ssl.SSLError, OSError, ValueError):
                raise UnfitConnectionError("the secret holds no certificate with its key in PEM") from None


class ForeignTopic:
    """Reads one topic until cancelled. `handle` gets records in order for each partition and commits what it did.

    It must not raise for what a record says; what it does raise is tried again, and again, and holds this topic up.
    `on_away` is told each time their brokers cannot be reached or turn us away, with the class of the error.
    """

    def __init__(self, name: str, connection: Connection, handle: Handle, on_away: OnAway) -> None:
        self.name, self._connection, self._handle, self._on_away = name, connection, handle, on_away
        self._options = connection.options()

    async def run(self) -> None:
        """Read and hand over until cancelled; a broker that is away is waited for."""
        pause = Pause(1.0, _LONGEST_PAUSE)
        try:
            while True:
                health.beat(self.name)
                try:
                    await self._read(pause)
                except (KafkaError, OSError, TimeoutError) as error:  # said; their broker is away, or turns us away
                    counters["foreign_brokers_away"] += 1
                    health.trouble(self.name, "away")
                    _log.warning("a topic of others cannot be read", extra={"error_class": type(error).__name__})
                    await self._on_away(type(error).__name__)
                await pause.wait()
        finally:
            health.gone(self.name)

    async def _read(self, pause: Pause) -> None:
        consumer = await started(AIOKafkaConsumer(self._connection.topic, **self._options))
        try:
            while True:
                health.beat(self.name)
                batch = await consumer.getmany(timeout_ms=_WAIT_MS, max_records=MOST_RECORDS)
                health.trouble(self.name, "")
                pause.reset()
                if batch:
                    await self._take(consumer, batch, pause)
        finally:
            with contextlib.suppress(Exception):  # it is left; whoever holds the group now goes on
                async with asyncio.timeout(_GIVE_UP_STOPPING):
                    await consumer.stop()

    async def _take(self, consumer: Any, batch: Mapping[TopicPartition, Sequence[RawRecord]], pause: Pause) -> None:  # noqa: ANN401
        """Hand records over, then commit their offsets; what fails is read again."""
        try:
            await self._handle([record for records in batch.values() for record in records])
        except Exception as error:  # noqa: BLE001 - said, and read again: nothing is passed over
            error_class, place = describe(error)
            _log.warning("records wait", extra={"error_class": error_class, "error_place": place})
            counters["foreign_batches_read_again"] += 1
            if not is_transient(error):
                counters["foreign_records_held"] += 1
                health.trouble(self.name, "held")
            for partition, records in batch.items():
                consumer.seek(partition, records[0].offset)
            await pause.wait()
            return
        await consumer.commit({partition: records[-1].offset + 1 for partition, records in batch.items()})
