"""Trying rules on past flags takes a while: what was asked for, how far it is, and what came of it."""

from alembic import op

from shared.storage.security import protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE rule_trials (
    trial_id uuid PRIMARY KEY,
    campus text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    question text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    looked_at bigint NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    beat_at timestamptz,
    result text NOT NULL DEFAULT ''
)
"""

_OWN = "asked_by = coalesce(current_setting('caselight.actor', true), '')"


def upgrade() -> None:
    """Make the table. A trial may be of several campuses (`*`); statements show it to its asker alone."""
    op.execute(_TABLE)
    op.execute("CREATE INDEX rule_trials_open ON rule_trials (asked_at) WHERE state IN ('waiting', 'running')")
    for statement in protect("intake", "rule_trials", also=_OWN):
        op.execute(statement)
