"""Making topics and comparing them with what was declared: the only place that speaks to Kafka as an administrator."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

_TIMEOUT_MS = 10_000
# A topic just made is known to its controller first, and to everybody a moment later.
_VISIBLE_WITHIN_S = 10.0


@dataclass(frozen=True)
class Topic:
    """A topic as declared. Not compacted means that records older than `retention_ms` are dropped."""

    name: str
    partitions: int
    compacted: bool
    retention_ms: int = -1

    @property
    def config(self) -> dict[str, str]:
        """Return Kafka's settings for it."""
        if self.compacted:
            return {"cleanup.policy": "compact"}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}


class TopicError(RuntimeError):
    """Kafka cannot be reached or refuses; the text says which."""


async def apply(bootstrap: str, topics: Sequence[Topic], *, replication: int = -1) -> list[str]:
    """Make the topics that are missing and return their names. Existing ones stay as they are.

    `replication` -1 leaves the number of copies to the broker's own default.
    """
    async with _admin(bootstrap) as admin:
        missing = [topic for topic in topics if topic.name not in set(await admin.list_topics())]
        if not missing:
            return []
        response = await admin.create_topics([_new(topic, replication) for topic in missing])
        for name, code, *_ in response.topic_errors:
            error = for_code(code)
            if code != 0 and error is not TopicAlreadyExistsError:  # somebody else made it meanwhile
                raise TopicError(f"topic {name} cannot be made: {error.__name__}")
        await _wait_visible(admin, missing)
        return [topic.name for topic in missing]


def _new(topic: Topic, replication: int) -> NewTopic:
    # aiokafka takes a replication of -1 only beside a list of assignments, which may be empty.
    assignments: dict[int, list[int]] | None = {} if replication == -1 else None
    return NewTopic(topic.name, topic.partitions, replication, assignments, topic.config)


async def check(bootstrap: str, topics: Sequence[Topic]) -> list[str]:
    """Return what differs from the declaration, one sentence each; nothing when all is well."""
    async with _admin(bootstrap) as admin:
        counts = await _partition_counts(admin, [topic.name for topic in topics])
        present = [topic for topic in topics if topic.name in counts]
        configs = await _configs(admin, present)
    problems = [f"topic {topic.name} is missing" for topic in topics if topic.name not in counts]
    for topic in present:
        if counts[topic.name] != topic.partitions:
            problems.append(f"topic {topic.name} has {counts[topic.name]} partitions, declared are {topic.partitions}")
        for setting, wanted in topic.config.items():
            found = configs[topic.name].get(setting)
            if found != wanted:
                problems.append(f"topic {topic.name} has {setting}={found}, declared is {wanted}")
    return problems


async def partitions(bootstrap: str, names: Iterable[str]) -> dict[str, int]:
    """Return how many partitions each of these topics has; a missing topic is left out."""
    async with _admin(bootstrap) as admin:
        return await _partition_counts(admin, list(names))


async def delete(bootstrap: str, names: Sequence[str]) -> None:
    """Remove topics with their records. For tests."""
    async with _admin(bootstrap) as admin:
        await admin.delete_topics(list(names))


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap, client_id="caselight-admin", request_timeout_ms=_TIMEOUT_MS
    )
    try:
        await admin.start()
        yield admin
    except KafkaError as trouble:
        raise TopicError(f"Kafka at {bootstrap} does not answer as it should: {type(trouble).__name__}") from trouble
    finally:
        await admin.close()


async def _partition_counts(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    # Asking for a topic by name could create it on a broker where auto-create is on, so all are listed first.
    known = [name for name in names if name in set(await admin.list_topics())]
    if not known:
        return {}
    found = await admin.describe_topics(known)
    return {topic["topic"]: len(topic["partitions"]) for topic in found if topic["partitions"]}


async def _configs(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:
    if not topics:
        return {}
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=dict.fromkeys(topic.config)) for topic in topics
    ]
    responses = await admin.describe_configs(asked)
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in responses
        for _code, _message, _kind, name, entries in response.resources
    }


async def _wait_visible(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    async with asyncio.timeout(_VISIBLE_WITHIN_S):
        wanted = {topic.name: topic.partitions for topic in topics}
        while await _partition_counts(admin, list(wanted)) != wanted:  # noqa: ASYNC110 - a broker sets no asyncio.Event
            await asyncio.sleep(0.02)
