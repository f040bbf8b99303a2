"""Tables only `program` has. Its snapshots are in the table every service has (`shared/storage/tables.py`)."""

from collections.abc import Iterator

from shared.storage.security import protect

# `before` and `after` are whole snapshots; what was added has no `before`.
_CHANGES = """
CREATE TABLE program_changes (
    id uuid PRIMARY KEY,
    key text NOT NULL,
    version bigint NOT NULL,
    campus text NOT NULL,
    change text NOT NULL CHECK (change IN ('add', 'change', 'remove')),
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    before jsonb,
    after jsonb NOT NULL,
    UNIQUE (key, version)
)
"""


def create(service: str) -> Iterator[str]:
    """Yield the statements that make them."""
    yield _CHANGES
    yield from protect(service, "program_changes")
