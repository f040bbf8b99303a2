"""Kafka is down: referrals are accepted all the same, and danger still reaches somebody."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.stack import Stack
from shared.messaging.brokers import end_offsets
from shared.settings import Settings
from tests.faults.rows import rows
from tests.faults.works import WITHIN, Works, works
from tests.support.eventually import eventually
from tests.support.figures import figure

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

WORRY = "She has been crying in class and says she feels low most days."
IN_DANGER = "He told his roommate that he is going to kill himself tonight and has the pills in his room."
CONTACT = "emergency@example.edu"


@pytest.fixture(scope="module")
async def at(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Works]:
    """Intake and notifications."""
    async with works(settings, tmp_path_factory.mktemp("mail"), "intake", "notifications") as made:
        yield made


async def test_a_referral_is_accepted_while_kafka_is_down_and_published_in_order_after(at: Works, stack: Stack) -> None:
    before = await end_offsets(at.settings, [at.settings.topic("referrals")])
    early = await at.refer("fay", WORRY)
    await at.sent("intake")
    await asyncio.to_thread(stack.kill, "kafka")
    try:
        began = time.monotonic()
        made = [UUID((await at.refer("fay", WORRY))["referral_id"]) for _ in range(10)]
        figure(f"ten referrals accepted in {time.monotonic() - began:.2f} s while Kafka was down")
        for referral_id in (UUID(early["referral_id"]), *made):
            decision = {"decision": "watch_no_case", "reason_code": "level"}
            await at.post("ana", "intake", f"/referrals/{referral_id}/triage", decision)
        committed = await _waiting(at)
        assert {*made} <= {key for key, *_ in committed}
    finally:
        await asyncio.to_thread(stack.start, "kafka")
    began = time.monotonic()
    await at.sent("intake")
    figure(f"all of it published {time.monotonic() - began:.2f} s after Kafka was back")

    log = await _published(at, before)
    for referral_id in (UUID(early["referral_id"]), *made):
        versions = [version for of_partition in log.values() for key, version in of_partition if key == referral_id]
        assert versions == [1, 2]  # received, then triaged
    for partition, of_partition in log.items():
        expected = [(key, version) for key, version, of in committed if of == partition]
        assert [each for each in of_partition if each in expected] == expected


async def _waiting(at: Works) -> list[tuple[UUID, int, int]]:
    """Return (referral, version, partition) of what waits about referrals, in the order of the commits."""
    query = "SELECT payload, partition FROM outbox WHERE topic = $1 ORDER BY id"
    found = await rows(at.settings, "intake", query, at.settings.topic("referrals"))
    return [(*_what(row["payload"]), row["partition"]) for row in found]


async def _published(at: Works, since: dict[tuple[str, int], int]) -> dict[int, list[tuple[UUID, int]]]:
    """Return by partition the (referral, version) of what came, in the order in which each came first."""
    ends = await end_offsets(at.settings, [at.settings.topic("referrals")])
    found: dict[int, dict[tuple[UUID, int], None]] = defaultdict(dict)
    reader = AIOKafkaConsumer(bootstrap_servers=at.settings.kafka_bootstrap, enable_auto_commit=False)
    await reader.start()
    try:
        places = [TopicPartition(*place) for place in ends]
        reader.assign(places)
        for place in places:
            reader.seek(place, since[place.topic, place.partition])

        async def all_read() -> bool:
            for place, records in (await reader.getmany(timeout_ms=200)).items():
                found[place.partition].update(dict.fromkeys(_what(record.value) for record in records))
            return all([await reader.position(place) >= ends[place.topic, place.partition] for place in places])

        await eventually(all_read, within=WITHIN)
    finally:
        await reader.stop()
    return {partition: list(events) for partition, events in found.items()}


def _what(payload: bytes) -> tuple[UUID, int]:
    event = msgspec.json.decode(payload)
    return UUID(event["referral_id"]), int(event["sequence"])


async def test_a_danger_referral_stuck_behind_a_dead_broker_reaches_the_emergency_contact(
    at: Works, stack: Stack
) -> None:
    await asyncio.to_thread(stack.kill, "kafka")
    try:
        referral = await at.refer("fay", IN_DANGER)
        await at.pass_time(seconds=19)
        assert not at.mails_to(CONTACT)
        await at.pass_time(seconds=2)
        mail = await at.mail_to(CONTACT, referral["reference"])
        assert not at.mails_to("uma", referral["reference"])  # nobody else knows
        for told in ("kill", "pills", "roommate"):
            assert told not in mail.as_string()
    finally:
        await asyncio.to_thread(stack.start, "kafka")

    await at.mail_to("uma", referral["reference"])  # the page comes all the same
    await _watched_no_more(at)
    await at.pass_time(minutes=10)
    await at.mail_to("bea", referral["reference"])
    assert len(at.mails_to(CONTACT)) == 1


async def _watched_no_more(at: Works) -> None:
    async def none() -> bool:
        return not await rows(at.settings, "intake", "SELECT FROM danger_watches")

    await eventually(none, within=WITHIN, why="intake hears of the page")
