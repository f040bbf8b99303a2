"""Changes that need a second person."""

from alembic import op

from shared.storage.security import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# `before` and `after` are whole snapshots. One proposal waits for a key at a time; a new one takes its place.
_PROPOSALS = """
CREATE TABLE program_proposals (
    proposal_id uuid PRIMARY KEY,
    key text NOT NULL,
    campus text NOT NULL,
    change text NOT NULL CHECK (change IN ('add', 'change', 'remove')),
    base bigint NOT NULL,
    before jsonb,
    after jsonb NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'approved', 'rejected', 'withdrawn', 'replaced')),
    decided_by text NOT NULL,
    decided_at timestamptz,
    reason_code text NOT NULL,
    CHECK (state <> 'approved' OR decided_by <> proposed_by)
);
CREATE UNIQUE INDEX program_proposals_waiting ON program_proposals (key) WHERE state = 'waiting'
"""


def upgrade() -> None:
    """Make them."""
    for statement in (*_PROPOSALS.split(";"), *protect("program", "program_proposals")):
        op.execute(statement)
