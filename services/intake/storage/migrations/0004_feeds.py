"""Feeds: sources, their tokens and mappings, what was set aside, and further sources of one flag; their health."""

from alembic import op

from shared.storage.security import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_FEEDS = """
CREATE TABLE feeds (
    feed_id uuid PRIMARY KEY,
    campus text NOT NULL,
    code text NOT NULL UNIQUE,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN (
        'file_drop', 'http_push', 'canvas', 'caliper', 'oneroster', 'topic', 'referrals_api')),
    brings text NOT NULL CHECK (brings IN ('flags', 'referrals', 'roster')),
    owner_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'active', 'paused', 'retired')),
    mapping_version integer NOT NULL,
    rate_per_minute integer NOT NULL CHECK (rate_per_minute > 0),
    expected text NOT NULL,
    settings text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    version bigint NOT NULL
)
"""

# Versions are never edited: what came in by one can be read by it again.
_MAPPINGS = """
CREATE TABLE feed_mappings (
    feed_id uuid NOT NULL,
    version integer NOT NULL,
    campus text NOT NULL,
    document text NOT NULL,
    note text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (feed_id, version)
)
"""

# `digest` finds a token that is sent, `sealed` signs. `outgoing` ones are what we show to others.
_TOKENS = """
CREATE TABLE feed_tokens (
    token_id uuid PRIMARY KEY,
    feed_id uuid NOT NULL,
    campus text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('delivery', 'outgoing')),
    digest bytea NOT NULL,
    sealed bytea NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    ends_at timestamptz
)
"""

_DELIVERIES = (
    "ALTER TABLE imports ADD COLUMN feed_id uuid",
    "ALTER TABLE imports ADD COLUMN mapping_version integer NOT NULL DEFAULT 0",
    "ALTER TABLE imports ADD COLUMN digest bytea",
    "ALTER TABLE imports ADD COLUMN merged bigint NOT NULL DEFAULT 0",
    "ALTER TABLE imports ADD COLUMN skipped bigint NOT NULL DEFAULT 0",
    "ALTER TABLE imports ADD COLUMN new_columns text[] NOT NULL DEFAULT '{}'",
    "CREATE INDEX imports_feed ON imports (feed_id, import_id) WHERE feed_id IS NOT NULL",
)

# What comes again while it waits is counted, and kept once.
_QUARANTINE = """
CREATE TABLE quarantine (
    item_id uuid PRIMARY KEY,
    feed_id uuid NOT NULL,
    campus text NOT NULL,
    import_id uuid NOT NULL,
    mapping_version integer NOT NULL,
    place text NOT NULL,
    code text NOT NULL,
    column_name text NOT NULL,
    reason text NOT NULL,
    accepted text NOT NULL,
    form text NOT NULL CHECK (form IN ('json', 'csv', 'bytes')),
    raw bytea NOT NULL,
    mended bytea,
    digest bytea NOT NULL,
    times integer NOT NULL DEFAULT 1,
    state text NOT NULL CHECK (state IN ('waiting', 'replayed', 'discarded')),
    received_at timestamptz NOT NULL,
    decided_by text NOT NULL DEFAULT '',
    decided_at timestamptz,
    decision_reason text NOT NULL DEFAULT '',
    replayed_in uuid
);
CREATE UNIQUE INDEX quarantine_once ON quarantine (feed_id, digest) WHERE state = 'waiting';
CREATE INDEX quarantine_groups ON quarantine (feed_id, code, column_name, item_id) WHERE state = 'waiting'
"""

_FLAG_SOURCES = """
CREATE TABLE flag_sources (
    flag_id uuid NOT NULL,
    campus text NOT NULL,
    source text NOT NULL,
    source_key text NOT NULL,
    content bytea NOT NULL,
    import_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (source, source_key)
);
CREATE INDEX flag_sources_flag ON flag_sources (flag_id)
"""

# As before, and what is known as a further source of a flag.
_IDS_IN_USE = """
CREATE OR REPLACE FUNCTION ids_in_use(kind text, of_source text, ids text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT number FROM students WHERE kind = 'roster' AND number = ANY (ids)
    UNION ALL SELECT source_key FROM flags WHERE kind = 'flags' AND source = of_source AND source_key = ANY (ids)
    UNION ALL SELECT source_key FROM flag_sources
        WHERE kind = 'flags' AND source = of_source AND source_key = ANY (ids)
    UNION ALL SELECT source_event_id FROM referrals
        WHERE kind = 'referrals' AND source = of_source AND source_event_id = ANY (ids)
$body$
"""

_ACTOR = "current_setting('caselight.actor', true)"
# Whoever owns a feed sees it wherever their roles are, and a feed that delivers sees itself.
_OWN = f"owner_id = {_ACTOR} OR 'feed:' || feed_id = {_ACTOR}"
_OF_OWN = """EXISTS (
    SELECT 1 FROM feeds AS own WHERE own.feed_id = {table}.feed_id
      AND (own.owner_id = {actor} OR 'feed:' || own.feed_id = {actor}))"""


def upgrade() -> None:
    """Make them."""
    for made in (_FEEDS, _MAPPINGS, _TOKENS, _QUARANTINE, _FLAG_SOURCES):
        for statement in made.split(";"):
            op.execute(statement)
    for statement in (*_DELIVERIES, _IDS_IN_USE, *protect("intake", "feeds", also=_OWN)):
        op.execute(statement)
    for table in ("feed_mappings", "feed_tokens", "quarantine"):
        for statement in protect("intake", table, also=_OF_OWN.format(table=table, actor=_ACTOR)):
            op.execute(statement)
    for statement in protect("intake", "flag_sources"):
        op.execute(statement)
    _health()


# ---- Health of feeds -------------------------------------------------------------------------------------------

# `watched_since`: nothing was expected before. `state` is the gravest signal that is open, `well` for none.
_HEALTH = """
CREATE TABLE feed_health (
    feed_id uuid PRIMARY KEY,
    campus text NOT NULL,
    watched_since timestamptz NOT NULL,
    last_at timestamptz,
    state text NOT NULL,
    looked_at timestamptz NOT NULL
);
CREATE TABLE feed_days (
    feed_id uuid NOT NULL,
    day date NOT NULL,
    campus text NOT NULL,
    deliveries bigint NOT NULL,
    items bigint NOT NULL,
    accepted bigint NOT NULL,
    unchanged bigint NOT NULL,
    merged bigint NOT NULL,
    skipped bigint NOT NULL,
    quarantined bigint NOT NULL,
    refused bigint NOT NULL,
    PRIMARY KEY (feed_id, day)
);
CREATE TABLE feed_signals (
    signal_id uuid PRIMARY KEY,
    feed_id uuid NOT NULL,
    campus text NOT NULL,
    signal text NOT NULL CHECK (signal IN (
        'silent', 'late', 'refused', 'errors', 'unknown_codes', 'new_columns', 'volume_low', 'volume_high')),
    facts text NOT NULL,
    since timestamptz NOT NULL,
    resolved_at timestamptz
);
CREATE UNIQUE INDEX feed_signals_open ON feed_signals (feed_id, signal) WHERE resolved_at IS NULL;
CREATE INDEX feed_signals_past ON feed_signals (feed_id, since);
CREATE TABLE feed_refusals (
    feed_id uuid NOT NULL,
    at_hour timestamptz NOT NULL,
    code text NOT NULL,
    campus text NOT NULL,
    detail text NOT NULL,
    times bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (feed_id, at_hour, code)
);
CREATE INDEX imports_feed_time ON imports (feed_id, started_at) WHERE feed_id IS NOT NULL
"""

# Roster files that say only what changed need what was said before: OneRoster's rows, as far as a roster needs them.
_ROSTER_OBJECTS = """
CREATE TABLE roster_objects (
    feed_id uuid NOT NULL,
    kind text NOT NULL,
    sourced_id text NOT NULL,
    campus text NOT NULL,
    fields jsonb NOT NULL,
    changed_in uuid NOT NULL,
    seen_in uuid NOT NULL,
    gone boolean NOT NULL,
    PRIMARY KEY (feed_id, kind, sourced_id)
);
CREATE INDEX roster_objects_user ON roster_objects (feed_id, (fields ->> 'userSourcedId'))
    WHERE kind IN ('roles', 'enrollments');
CREATE INDEX roster_objects_class ON roster_objects (feed_id, (fields ->> 'classSourcedId'))
    WHERE kind = 'enrollments'
"""

# Learning systems name students by ids of their own; where one event says both, the others can be understood.
_LMS_IDS = """
CREATE TABLE lms_ids (
    feed_id uuid NOT NULL,
    lms_id text NOT NULL,
    campus text NOT NULL,
    number text NOT NULL,
    learned_at timestamptz NOT NULL,
    PRIMARY KEY (feed_id, lms_id)
)
"""
_KEPT = ("feed_health", "feed_days", "feed_signals", "feed_refusals", "roster_objects", "lms_ids")


def _health() -> None:
    """Make what the health of feeds is kept in, and what feeds have taught us."""
    for made in (_HEALTH, _ROSTER_OBJECTS, _LMS_IDS):
        for statement in made.split(";"):
            op.execute(statement)
    for table in _KEPT:
        for statement in protect("intake", table, also=_OF_OWN.format(table=table, actor=_ACTOR)):
            op.execute(statement)
