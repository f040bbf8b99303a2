"""Notices to referrers and to owners of feeds."""

from alembic import op

from shared.storage.security import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# `referrer`: to whoever brought a referral; `feed`: to the owner of a feed.
_KINDS = (
    "ALTER TABLE deliveries DROP CONSTRAINT deliveries_kind_check",
    """
    ALTER TABLE deliveries ADD CONSTRAINT deliveries_kind_check
        CHECK (kind IN ('page', 'emergency', 'taken', 'notice', 'referrer', 'feed'))
    """,
)

# What the referrer of a referral was last told, and when: so that they are told each thing once, and not too often.
_REFERRERS = """
CREATE TABLE referrer_notices (
    referral_id uuid PRIMARY KEY,
    campus text NOT NULL,
    status text NOT NULL,
    due_at timestamptz NOT NULL
)
"""


def upgrade() -> None:
    """Make them."""
    # -- both kinds of notice
    for statement in _KINDS:
        op.execute(statement)
    # -- notices to referrers
    op.execute(_REFERRERS)
    for statement in protect("notifications", "referrer_notices"):
        op.execute(statement)
