"""The tables of analytics beside those every service has. Run by the first migration."""

from collections.abc import Iterator

from services.analytics.domain.figures import KINDS
from shared.storage.security import protect

# Event ids are UUIDv7, so a range of ids is a range of time: the months of `history` are ranges of its key, and an
# event id is unique over all of them. What has another kind of id lands in `history_other`.
_HISTORY = """
CREATE TABLE history (
    event_id uuid PRIMARY KEY,
    topic text NOT NULL,
    partition smallint NOT NULL,
    log_offset bigint NOT NULL,
    type text NOT NULL,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    key text NOT NULL,
    sequence bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    payload bytea
) PARTITION BY RANGE (event_id)
"""

# Runs as its owner, because whoever consumes events may not make tables. Says whether it made one.
_MAKE_MONTH = """
CREATE FUNCTION make_history_month(month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    name text := 'history_' || to_char(date_trunc('month', month), 'YYYY_MM');
    low uuid := history_bound(date_trunc('month', month)::date);
    high uuid := history_bound((date_trunc('month', month) + interval '1 month')::date);
    statement text;
BEGIN
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF history FOR VALUES FROM (%L) TO (%L)', name, low, high);
    FOREACH statement IN ARRAY ARRAY[$protect$] LOOP
        EXECUTE replace(statement, 'history_month', name);
    END LOOP;
    RETURN true;
END $body$
"""
_BOUND = """
CREATE FUNCTION history_bound(day date) RETURNS uuid LANGUAGE sql STABLE AS $body$
    SELECT CAST(rpad(lpad(to_hex(CAST(extract(epoch FROM CAST(day AS timestamp) AT TIME ZONE 'UTC') * 1000 AS bigint)),
                          12, '0'), 32, '0') AS uuid)
$body$
"""

_MATTERS = """
CREATE TABLE matters (
    kind text NOT NULL CHECK (kind IN ('referral', 'case', 'page')),
    id uuid NOT NULL,
    campus text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'titleix')),
    start text NOT NULL,
    code text NOT NULL,
    level text NOT NULL,
    day date,
    started_at timestamptz,
    milestones jsonb NOT NULL,
    owner_id text,
    owner_since timestamptz,
    PRIMARY KEY (kind, id)
)
"""
_FIGURES = """
CREATE TABLE figures (
    campus text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ({kinds})),
    code text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'titleix')),
    count bigint NOT NULL,
    milliseconds bigint NOT NULL,
    longest bigint NOT NULL,
    PRIMARY KEY (campus, day, kind, code, sensitivity)
)
"""
_CASELOADS = """
CREATE TABLE caseloads (
    campus text NOT NULL,
    staff_id text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'titleix')),
    open_cases bigint NOT NULL,
    PRIMARY KEY (campus, staff_id, sensitivity)
)
"""
_PROGRESS = """
CREATE TABLE progress (
    topic text NOT NULL,
    partition smallint NOT NULL,
    log_offset bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    counted_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition)
)
"""


def create(service: str) -> Iterator[str]:
    """Yield the statements that make them, each under row security."""
    yield _HISTORY
    yield from protect(service, "history", walled=True)
    yield "CREATE TABLE history_other PARTITION OF history DEFAULT"
    yield from protect(service, "history_other", walled=True)
    yield _BOUND
    quoted = ", ".join("'" + each.replace("'", "''") + "'" for each in protect(service, "history_month", walled=True))
    yield _MAKE_MONTH.replace("$protect$", quoted)
    yield "REVOKE EXECUTE ON FUNCTION make_history_month(date) FROM PUBLIC"
    yield f"GRANT EXECUTE ON FUNCTION make_history_month(date) TO {service}_worker"
    yield "SELECT make_history_month((now() + n * interval '1 month')::date) FROM generate_series(-2, 3) AS n"
    for table, name in ((_MATTERS, "matters"), (_FIGURES, "figures"), (_CASELOADS, "caseloads")):
        yield table.replace("{kinds}", ", ".join(f"'{kind}'" for kind in KINDS))
        yield from protect(service, name, walled=True)
    yield _PROGRESS
    yield from protect(service, "progress", "actor")
