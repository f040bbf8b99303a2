"""A topic of the organisation's Kafka: at least once, nothing passed over, and poison stops nobody."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.intake.topics import Topics
from shared.ids import new_id
from shared.messaging import health
from shared.messaging import topics as declared
from shared.privacy.keys import KeyRing
from shared.telemetry import counters
from tests.integration.intake.conftest import Intake
from tests.integration.intake.feeds.feeding import Sender, add_feed, forget_feeds
from tests.support.eventually import eventually
from tests.unit.intake.decoders.events import as_bytes, caliper_event, envelope


def alert(number: int, **more: Any) -> dict[str, Any]:
    said = {
        "alert_id": f"A-{number}", "student_id": "N1", "course_code": "BIO101", "reason_code": "ABSENCE",
        "raised_at": "2026-09-11T10:00:00Z", "campus_code": "NORTH",
    }  # fmt: skip
    return said | more


@dataclass
class Broker:
    """Their Kafka, with one topic of theirs."""

    intake: Intake
    topic: str
    producer: AIOKafkaProducer

    async def send(self, *values: Any, key: bytes = b"k", headers: list[tuple[str, bytes]] | None = None) -> None:
        for value in values:
            data = value if isinstance(value, bytes) or value is None else as_bytes(value)
            await self.producer.send_and_wait(self.topic, data, key=key, headers=headers)

    async def feed(self, mapping: str = "plain-flags-json", **settings: Any) -> Sender:
        said = {
            "bootstrap": self.intake.settings.kafka_bootstrap, "topic": self.topic, "security": "PLAINTEXT",
            "group": f"{self.topic}.group",
        }  # fmt: skip
        return await add_feed(self.intake, "topic", mapping, settings=said | settings)

    async def committed(self) -> int:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.intake.settings.kafka_bootstrap, group_id=f"{self.topic}.group"
        )
        await consumer.start()
        try:
            return await consumer.committed(TopicPartition(self.topic, 0)) or 0
        finally:
            await consumer.stop()


@pytest.fixture
async def broker(intake: Intake) -> AsyncIterator[Broker]:
    await forget_feeds(intake)
    topic = f"{intake.settings.topic_prefix}theirs.{new_id()}"
    bootstrap = intake.settings.kafka_bootstrap
    await declared.apply(bootstrap, [declared.Topic(topic, 1, compacted=False)])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type="gzip", max_request_size=8 * 1024 * 1024)
    await producer.start()
    yield Broker(intake, topic, producer)
    await producer.stop()


@pytest.fixture
async def topics(intake: Intake) -> AsyncIterator[Topics]:
    made = Topics(intake.worker, intake.settings, KeyRing(intake.settings))
    yield made
    await made.stop()


async def flags(intake: Intake) -> list[str]:
    return [row.source_key for row in await intake.rows("SELECT source_key FROM flags ORDER BY source_key")]


async def until(intake: Intake, count: int, table: str = "flags") -> None:
    async def there() -> bool:
        return len(await intake.rows(f"SELECT 1 FROM {table}")) == count

    await eventually(there, within=30)


async def test_records_become_flags_and_their_offsets_are_committed_after_them(broker: Broker, topics: Topics) -> None:
    await broker.feed()
    await broker.send(alert(1), alert(2))
    assert await topics.look() == 1
    await until(broker.intake, 2)
    await eventually(lambda: _is(broker.committed(), 2), within=30)
    await broker.send(alert(3), alert(1))
    await until(broker.intake, 3)
    assert await flags(broker.intake) == ["A-1", "A-2", "A-3"]


async def _is(what: Any, expected: int) -> bool:
    return bool(await what == expected)


async def test_poison_is_set_aside_and_stops_nobody(broker: Broker, topics: Topics) -> None:
    sender = await broker.feed()
    deep = b"[" * 100_000
    await broker.send(
        b"\xff\x00", b"[1]", deep, alert(1, raised_at="soon"), alert(2, comment="\x00"), None, b"",
        b'{"a": "' + b"x" * (2 * 1024 * 1024) + b'"}', alert(3, alert_id="A-1\u202e"), alert(4),
    )  # fmt: skip
    await topics.look()
    await eventually(lambda: _is(broker.committed(), 10), within=30)
    assert "A-4" in await flags(broker.intake)
    waiting = await sender.waiting()
    assert waiting["not_json"] == 1
    assert waiting["not_an_object"] == 1
    assert waiting["nested_too_deep"] == 1
    assert waiting["unstorable_text"] == 1
    assert waiting["too_large"] == 1
    assert sum(waiting.values()) == 6
    rows = await broker.intake.rows("SELECT place, code, whole, octet_length(raw) AS size FROM quarantine")
    assert all(row.place.startswith(broker.topic) for row in rows)
    # What is taken at all is kept whole; of what is too large there is the beginning, and it says so.
    kept = {row.code: (row.whole, row.size) for row in rows}
    assert kept["nested_too_deep"] > (True, len(deep))
    assert kept["too_large"] < (True, 0)


async def test_a_record_without_an_id_read_twice_is_one_flag(broker: Broker, topics: Topics) -> None:
    await broker.feed()
    await broker.send({**alert(1), "alert_id": ""}, {**alert(1), "alert_id": ""})
    await topics.look()
    await until(broker.intake, 2)
    await topics.stop()
    await broker.intake.rows("UPDATE feeds SET settings = replace(settings, '.group', '.again')")  # from the beginning
    await topics.look()
    await broker.send(alert(7))
    await until(broker.intake, 3)


async def test_a_topic_of_caliper_envelopes_is_taken_event_by_event(broker: Broker, topics: Topics) -> None:
    sender = await broker.feed("caliper-grades", format="caliper")
    await broker.send(envelope(caliper_event(), {"id": "x"}), caliper_event(id="urn:uuid:9"), envelope(), b"{}")
    await topics.look()
    await until(broker.intake, 2)
    await eventually(lambda: _is(broker.committed(), 4), within=30)
    assert (await sender.waiting()) == {"not_an_event": 2, "empty_envelope": 1}


async def test_a_paused_feed_leaves_its_records_where_they_are(broker: Broker, topics: Topics) -> None:
    sender = await broker.feed()
    await broker.intake.rows("UPDATE feeds SET state = 'paused', version = version + 1")
    await broker.send(alert(1))
    assert await topics.look() == 0
    await broker.intake.rows("UPDATE feeds SET state = 'active', version = version + 1")
    assert await topics.look() == 1
    await until(broker.intake, 1)
    assert sender.secret == ""


async def test_a_feed_paused_in_the_middle_passes_nothing_over(broker: Broker, topics: Topics) -> None:
    await broker.feed()
    await topics.look()
    await broker.intake.rows("UPDATE feeds SET state = 'paused'")
    before = counters["foreign_batches_read_again"]
    await broker.send(alert(1), alert(2))
    await eventually(lambda: counters["foreign_batches_read_again"] > before, within=30)
    assert await flags(broker.intake) == []
    await broker.intake.rows("UPDATE feeds SET state = 'active'")
    await until(broker.intake, 2)


_POISON = """
    CREATE FUNCTION poisoned() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.course = 'POISON' THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NEW; END $$
"""
_TRIGGER = "CREATE TRIGGER poisoned BEFORE INSERT ON flags FOR EACH ROW EXECUTE FUNCTION poisoned()"


async def test_a_record_that_cannot_be_stored_costs_no_other_and_is_kept(broker: Broker, topics: Topics) -> None:
    sender = await broker.feed()
    settings = broker.intake.settings
    owner = make_url(settings.postgres_url).set(
        drivername="postgresql+asyncpg", database=f"{settings.database_prefix}intake"
    )
    engine = create_async_engine(owner)
    async with engine.begin() as connection:
        for statement in (_POISON, _TRIGGER):
            await connection.execute(text(statement))
    await broker.send(alert(1), alert(2, course_code="POISON"), alert(3))
    await topics.look()
    await eventually(lambda: _is(broker.committed(), 3), within=30)
    assert await flags(broker.intake) == ["A-1", "A-3"]
    assert await sender.waiting() == {"not_stored": 1}
    async with engine.begin() as connection:
        await connection.execute(text("DROP FUNCTION poisoned() CASCADE"))
    await engine.dispose()
    done = await broker.intake.post("fred", f"{sender.path}/quarantine/replay")
    assert (done["done"], done["still"]) == (1, 0)
    assert await flags(broker.intake) == ["A-1", "A-2", "A-3"]


async def test_settings_that_name_no_connection_are_told_to_the_owner_once(broker: Broker, topics: Topics) -> None:
    sender = await broker.feed(security="SASL_PLAINTEXT", username="caselight")
    for _ in range(3):
        assert await topics.look() == 0
    assert await sender.health() == {"unfit_connection": 1}
    answer = await broker.intake.call("fred", "PUT", f"{sender.path}/secret", json={"secret": "correct horse"})
    assert answer.status_code == 200, answer.text
    assert "correct horse" not in answer.text
    assert await topics.look() == 1


async def test_brokers_that_are_away_are_told_and_waited_for(broker: Broker, topics: Topics) -> None:
    sender = await broker.feed(bootstrap="127.0.0.1:1")
    await topics.look()

    async def told() -> bool:
        return "brokers_away" in await sender.health()

    await eventually(told, within=30)
    assert health.troubles("intake")


async def test_a_secret_is_given_only_to_a_feed_that_shows_one(broker: Broker) -> None:
    other = await add_feed(broker.intake, "http_push", "plain-flags-json")
    refused = await broker.intake.call("fred", "PUT", f"{other.path}/secret", json={"secret": "x"})
    assert refused.status_code == 409
    mine = await broker.feed()
    stranger = await broker.intake.call("stu", "PUT", f"{mine.path}/secret", json={"secret": "x"})
    assert stranger.status_code in {403, 404}


@pytest.mark.parametrize(
    ("kind", "said", "why"),
    [
        ("topic", {"bootstrap": "kafka.example.edu:9093"}, "topic"),
        ("topic", {"bootstrap": "b:1", "topic": "t", "security": "TLS"}, "security"),
        ("topic", {"bootstrap": "b:1", "topic": "t", "ca": "none"}, "ca holds"),
        ("canvas", {"accounts": "mine"}, "accounts"),
        ("canvas", {"jwks": {"keys": []}}, "keys"),
    ],
)
async def test_settings_that_cannot_work_are_refused_when_they_are_given(
    broker: Broker, kind: str, said: dict[str, Any], why: str
) -> None:
    body = {
        "code": "unfit", "name": "Unfit", "kind": kind, "brings": "flags", "campus": "NORTH", "owner_id": "fred",
        "settings": said,
    }  # fmt: skip
    refused = await broker.intake.call("fred", "POST", "/feeds", json=body)
    assert (refused.status_code, why in refused.json()["detail"]) == (422, True), refused.text
    added = (await broker.intake.call("fred", "POST", "/feeds", json=body | {"settings": {}})).json()["feed"]
    change = {"version": added["version"], "settings": said}
    changed = await broker.intake.call("fred", "PATCH", f"/feeds/{added['feed_id']}", json=change)
    assert changed.status_code == 422
