"""The tables every service has: outbox, inbox, replicas, dead letters, parked keys, timers, idempotency keys.

`create` is called by the first migration of each service, so that one shape serves all.
"""

from collections.abc import Iterator

from shared.storage.security import protect

_COMMON = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    partition smallint NOT NULL,
    key bytea NOT NULL,
    headers bytea NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    PRIMARY KEY (consumer, event_id)
);

CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    log_offset bigint NOT NULL,
    key bytea NOT NULL,
    headers bytea NOT NULL,
    payload bytea,
    event_type text NOT NULL,
    event_id text NOT NULL,
    error_class text NOT NULL,
    error_place text NOT NULL,
    attempts integer NOT NULL,
    waiting_behind uuid,
    state text NOT NULL CHECK (state IN ('dead', 'waiting', 'retried', 'discarded')),
    state_reason text NOT NULL DEFAULT '',
    recorded_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by text,
    UNIQUE (consumer, topic, partition, log_offset)
);
CREATE INDEX dead_letters_open ON dead_letters (consumer, key, id) WHERE state IN ('dead', 'waiting');

CREATE TABLE parked (
    consumer text NOT NULL,
    key bytea NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (consumer, key)
);

CREATE TABLE replica_ready (
    topic text NOT NULL,
    partition integer NOT NULL,
    target_offset bigint NOT NULL,
    reached boolean NOT NULL DEFAULT false,
    PRIMARY KEY (topic, partition)
);

CREATE TABLE timers (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    subject uuid NOT NULL,
    step integer NOT NULL,
    campus text NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    UNIQUE (kind, subject, step)
);
CREATE INDEX timers_due ON timers (due_at);

CREATE TABLE idempotency_keys (
    caller text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status integer NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (caller, key)
);
"""

_SNAPSHOTS = """
CREATE TABLE {topic}_snapshots (
    key text PRIMARY KEY,
    version bigint NOT NULL,
    campus text NOT NULL,
    status text NOT NULL,
    type text NOT NULL,
    body bytea NOT NULL
);
"""
_COMMON_TABLES = ("outbox", "inbox", "dead_letters", "parked", "replica_ready", "timers", "idempotency_keys")

# A change that is rolled back takes its stamp with it, so any two states of the table differ in theirs.
_STAMP = """
CREATE TABLE {topic}_stamp (stamp uuid NOT NULL);
INSERT INTO {topic}_stamp VALUES (gen_random_uuid());
CREATE FUNCTION stamp_{topic}() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $body$
BEGIN
    UPDATE {topic}_stamp SET stamp = gen_random_uuid()~
    RETURN NULL~
END $body$;
CREATE TRIGGER stamped AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {topic}_snapshots
    FOR EACH STATEMENT EXECUTE FUNCTION stamp_{topic}();
"""


def stamp(service: str, topic: str) -> Iterator[str]:
    """Yield the statements that make `<topic>_stamp`: one row that is another whenever a snapshot has changed.

    So that a process may keep what it read of a few thousand rows, and know by reading one that it still holds.
    """
    yield from (part.replace("~", ";") for part in _STAMP.format(topic=topic).split(";") if part.strip())
    yield from protect(service, f"{topic}_stamp", "actor")


def create(service: str, *snapshots: str) -> Iterator[str]:
    """Yield the statements that make the common tables, and one snapshot table per compacted topic kept here.

    A service that owns a compacted topic keeps its own snapshots in a table of the same shape, so that everything
    that reads them (roles, teams) is the same code everywhere.
    """
    yield from (statement for statement in _COMMON.split(";") if statement.strip())
    for table in _COMMON_TABLES:
        yield from protect(service, table, "actor")
    for topic in snapshots:
        yield _SNAPSHOTS.format(topic=topic)
        yield from protect(service, f"{topic}_snapshots", "actor")
