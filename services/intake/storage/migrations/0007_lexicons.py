"""Lexicon editions and corrections by people; the triage desk's order, and who rated what."""

from alembic import op

from shared.storage.security import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# An edition that people made. `document` is the whole word list; once it is in force it is never edited. It holds words
# and no person's text, so it is not sealed. `authors` are those who wrote it: none of them puts it in force.
_EDITIONS = """
CREATE TABLE lexicon_editions (
    edition text PRIMARY KEY,
    campus text NOT NULL CHECK (campus = '*'),
    language text NOT NULL,
    based_on text NOT NULL,
    document text NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'active', 'withdrawn', 'discarded')),
    note text NOT NULL,
    authors text[] NOT NULL,
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    version bigint NOT NULL,
    effective_from timestamptz,
    activated_by text NOT NULL DEFAULT '',
    activated_at timestamptz,
    lower_recall_reason text NOT NULL DEFAULT '',
    withdrawn_by text NOT NULL DEFAULT '',
    withdrawn_at timestamptz,
    withdrawn_reason text NOT NULL DEFAULT '',
    CHECK ((state IN ('active', 'withdrawn')) = (effective_from IS NOT NULL))
)
"""

# What a person said of what screening found. `words` are the sentences it is about, sealed under the referral's key:
# destroying that destroys them too.
_CORRECTIONS = """
CREATE TABLE screening_corrections (
    correction_id uuid PRIMARY KEY,
    referral_id uuid NOT NULL,
    campus text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'titleix')),
    verdict text NOT NULL CHECK (verdict IN ('right', 'not_danger', 'danger_missed', 'misconduct_missed')),
    level text NOT NULL CHECK (level IN ('', 'elevated', 'critical')),
    categories text[] NOT NULL,
    language text NOT NULL,
    screened_with text NOT NULL,
    words bytea,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL
)
"""
_CORRECTIONS_INDEX = "CREATE INDEX screening_corrections_referral ON screening_corrections (referral_id, correction_id)"

# `urgency_rank`: 0 critical danger, 1 other danger, 2 the rest. The desk is read in this order and no other.
_DESK = (
    """
    ALTER TABLE referrals
        ADD COLUMN due_at timestamptz,
        ADD COLUMN rating text NOT NULL DEFAULT '' CHECK (rating IN ('', 'mild', 'moderate', 'elevated', 'critical')),
        ADD COLUMN urgency_rank smallint NOT NULL GENERATED ALWAYS AS (
            CASE WHEN found_by = '' THEN 2 WHEN level = 'critical' THEN 0 ELSE 1 END) STORED
    """,
    "UPDATE referrals SET due_at = received_at + interval '1 day' WHERE due_at IS NULL",
    "ALTER TABLE referrals ALTER COLUMN due_at SET NOT NULL",
    "ALTER TABLE referrals DROP CONSTRAINT referrals_found_by_check",
    """
    ALTER TABLE referrals ADD CONSTRAINT referrals_found_by_check
        CHECK (found_by IN ('', 'screening', 'urgency', 'rule', 'person'))
    """,
    """
    CREATE INDEX referrals_waiting ON referrals (campus, sensitivity, urgency_rank, due_at, referral_id)
        WHERE state IN ('matching', 'triage_due')
    """,
)


def upgrade() -> None:
    """Make them."""
    for statement in (_EDITIONS, _CORRECTIONS, _CORRECTIONS_INDEX, *_DESK):
        op.execute(statement)
    for statement in protect("intake", "lexicon_editions", "actor"):
        op.execute(statement)
    for statement in protect("intake", "screening_corrections", walled=True):
        op.execute(statement)
