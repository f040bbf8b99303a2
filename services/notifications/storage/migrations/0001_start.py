"""Pages, deliveries, links, late reviews, matters, and the owners who were told of a case."""

from alembic import op

from shared.storage import tables
from shared.storage.security import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ADDRESSEE = "coalesce(current_setting('caselight.actor', true), '') = ANY (addressees)"

# `body` is the whole page as the domain knows it; the other columns are what it is looked for by.
_PAGES = """
CREATE TABLE pages (
    id uuid PRIMARY KEY,
    cause_id uuid NOT NULL UNIQUE,
    campus text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'sensitive', 'clinical', 'titleix')),
    function text NOT NULL CHECK (function IN ('danger', 'titleix')),
    state text NOT NULL CHECK (state IN ('notifying', 'accepted', 'unreached_owned')),
    referral_id uuid NOT NULL,
    case_id uuid,
    addressees text[] NOT NULL,
    raised_at timestamptz NOT NULL,
    body jsonb NOT NULL
)
"""

# `subject` is what a message is about: a page's id, or `cases`. One waiting message per kind, subject and person:
# whoever could not be reached for an hour gets one message after it and not one for each that was missed.
# `due_at` of a claimed row is when another courier may take it for lost.
_DELIVERIES = """
CREATE TABLE deliveries (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('page', 'emergency', 'taken', 'notice')),
    subject text NOT NULL,
    page_id uuid,
    turn integer NOT NULL,
    campus text NOT NULL,
    person text NOT NULL,
    address text NOT NULL,
    priority smallint NOT NULL,
    facts jsonb NOT NULL,
    bundled integer NOT NULL DEFAULT 1,
    state text NOT NULL CHECK (state IN ('waiting', 'claimed', 'sent', 'failed', 'cancelled')),
    attempts integer NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    sent_at timestamptz,
    reply_code integer,
    error_class text NOT NULL DEFAULT ''
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)
"""

_LINKS = """
CREATE TABLE links (
    page_id uuid NOT NULL,
    staff_id text NOT NULL,
    campus text NOT NULL,
    fingerprint bytea NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (page_id, staff_id)
)
"""

_LATE_REVIEWS = """
CREATE TABLE late_reviews (
    id uuid PRIMARY KEY,
    cause_id uuid NOT NULL UNIQUE,
    campus text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'sensitive', 'clinical', 'titleix')),
    function text NOT NULL CHECK (function IN ('danger', 'titleix')),
    level text NOT NULL,
    reference text NOT NULL,
    referral_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'finished')),
    happened_at timestamptz NOT NULL,
    asked_at timestamptz NOT NULL,
    finished_at timestamptz,
    finished_by text,
    outcome_code text NOT NULL DEFAULT ''
)
"""

# What came before the page it belongs to waits here for it. Both write the row, so neither can miss the other.
_MATTERS = """
CREATE TABLE matters (
    referral_id uuid PRIMARY KEY,
    campus text NOT NULL,
    case_id uuid,
    student_id uuid
)
"""

_CASE_OWNERS = """
CREATE TABLE case_owners (
    case_id uuid PRIMARY KEY,
    campus text NOT NULL,
    owner_id text NOT NULL
)
"""

_INDEXES = (
    "CREATE INDEX pages_referral ON pages (referral_id)",
    "CREATE INDEX pages_case ON pages (case_id) WHERE case_id IS NOT NULL",
    "CREATE INDEX pages_open ON pages (id) WHERE state <> 'accepted'",
    "CREATE UNIQUE INDEX deliveries_one_waiting ON deliveries (kind, subject, person) WHERE state = 'waiting'",
    "CREATE INDEX deliveries_due ON deliveries (priority, due_at, id) WHERE state IN ('waiting', 'claimed')",
    "CREATE INDEX deliveries_page ON deliveries (page_id, turn) WHERE page_id IS NOT NULL",
    "CREATE INDEX late_reviews_open ON late_reviews (id) WHERE state = 'open'",
    "CREATE INDEX matters_case ON matters (case_id) WHERE case_id IS NOT NULL",
)

# Looks into a snapshot, so that the teams of a student are found without reading every team there is.
_STUDENT_OF = """
CREATE FUNCTION student_of(body bytea) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CAST(CAST(convert_from(body, 'UTF8') AS jsonb) ->> 'student_id' AS uuid) $$
"""


def upgrade() -> None:
    """Make everything."""
    statements = (
        *tables.create("notifications", "program", "teams"),
        _PAGES,
        _DELIVERIES,
        _LINKS,
        _LATE_REVIEWS,
        _MATTERS,
        _CASE_OWNERS,
        *_INDEXES,
        _STUDENT_OF,
        "CREATE INDEX teams_student ON teams_snapshots (student_of(body))",
        *protect("notifications", "pages", also=_ADDRESSEE, walled=True),
        # Addresses of staff and ids: whoever acts on a page queues and cancels its messages, wherever they work.
        *protect("notifications", "deliveries", "actor"),
        *protect("notifications", "links", "actor"),
        *protect("notifications", "late_reviews", walled=True),
        *protect("notifications", "matters", "actor"),
        *protect("notifications", "case_owners", "actor"),
    )
    for statement in statements:
        op.execute(statement)
