"""Rules over flags: what became of flags, which rule made what, what watching rules saw, outreach lists."""

from alembic import op

from shared.storage.security import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# A flag whose `cleared_at` is set with neither reason nor person was cleared by its source.
_FLAGS = """
ALTER TABLE flags
    ADD COLUMN raised_by text NOT NULL DEFAULT '',
    ADD COLUMN cleared_reason text NOT NULL DEFAULT '' CHECK (cleared_reason IN (
        '', 'source', 'expired', 'resolved', 'excused', 'mistake', 'withdrawn', 'duplicate', 'other')),
    ADD COLUMN cleared_by text NOT NULL DEFAULT '',
    ADD COLUMN reopened_at timestamptz,
    ADD COLUMN reopened_by text NOT NULL DEFAULT '',
    ADD COLUMN version integer NOT NULL DEFAULT 1;
CREATE INDEX flags_campus ON flags (campus, raised_at, flag_id);
"""

# What a rule made carries the id of its referral from the start, also while it is on an outreach list and while the
# rule only watches. Whoever is not on the roster yet can have a personal concern.
_FIRINGS = """
ALTER TABLE threshold_firings
    ADD COLUMN rule text NOT NULL DEFAULT 'threshold',
    ADD COLUMN policy_campus text NOT NULL DEFAULT '',
    ADD COLUMN made text NOT NULL DEFAULT 'referral' CHECK (made IN ('referral', 'outreach', 'watch')),
    ADD COLUMN made_at timestamptz,
    ALTER COLUMN student_id DROP NOT NULL,
    DROP CONSTRAINT threshold_firings_student_id_campus_fired_at_key;
UPDATE threshold_firings SET made_at = fired_at;
ALTER TABLE threshold_firings ALTER COLUMN made_at SET NOT NULL;
CREATE UNIQUE INDEX threshold_firings_once ON threshold_firings
    (student_id, campus, rule, (made = 'watch'), fired_at);
CREATE INDEX threshold_firings_made ON threshold_firings (campus, made_at);

CREATE TABLE watched_flags (
    referral_id uuid NOT NULL,
    flag_id uuid NOT NULL,
    campus text NOT NULL,
    PRIMARY KEY (flag_id, referral_id)
);
"""

_OUTREACH = """
CREATE TABLE outreach_lists (
    list_id uuid PRIMARY KEY,
    campus text NOT NULL,
    term text NOT NULL,
    course text NOT NULL,
    section text NOT NULL,
    week_of date NOT NULL,
    opened_at timestamptz NOT NULL,
    UNIQUE (campus, week_of, term, course, section)
);

CREATE TABLE outreach_entries (
    referral_id uuid PRIMARY KEY,
    list_id uuid NOT NULL REFERENCES outreach_lists,
    campus text NOT NULL,
    student_id uuid NOT NULL,
    rule text NOT NULL,
    family text NOT NULL,
    level text NOT NULL,
    concerns text[] NOT NULL,
    fired_at timestamptz NOT NULL,
    listed_at timestamptz NOT NULL,
    refer_at timestamptz NOT NULL,
    messaged_at timestamptz,
    messaged_by text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'ended', 'referred')),
    outcome_code text NOT NULL DEFAULT '',
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT '',
    CHECK (state = 'waiting' OR decided_at IS NOT NULL),
    CHECK (state <> 'ended' OR outcome_code <> '')
);
CREATE INDEX outreach_entries_list ON outreach_entries (list_id, referral_id);
CREATE INDEX outreach_entries_student ON outreach_entries (student_id);
"""


def upgrade() -> None:
    """Make them."""
    for made in (_FLAGS, _FIRINGS, _OUTREACH):
        for statement in made.split(";"):
            if statement.strip():
                op.execute(statement)
    for table in ("watched_flags", "outreach_lists", "outreach_entries"):
        for statement in protect("intake", table):
            op.execute(statement)
