"""The console's tables. What somebody saved shows to them alone; sessions are looked up before anybody is known."""

from collections.abc import Iterator

from shared.privacy import tables as keys
from shared.storage.security import protect

_TABLES = (
    # `token_hash`: whoever reads this table cannot be anybody with it. Ended sessions stay a day, so that what was
    # typed into a form when it ended can be given back to the same person.
    """
    CREATE TABLE sessions (
        session_id uuid PRIMARY KEY,
        token_hash bytea NOT NULL UNIQUE,
        campus text NOT NULL,
        person_id text NOT NULL,
        person_name text NOT NULL,
        keys_on boolean NOT NULL DEFAULT true,
        authenticated_at timestamptz NOT NULL,
        started_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        ended_at timestamptz
    )
    """,
    "CREATE INDEX sessions_ends ON sessions (ends_at)",
    """
    CREATE TABLE sign_ins (
        state_hash bytea PRIMARY KEY,
        browser_hash bytea NOT NULL,
        campus text NOT NULL,
        nonce text NOT NULL,
        verifier text NOT NULL,
        back text NOT NULL,
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX sign_ins_expires ON sign_ins (expires_at)",
    """
    CREATE TABLE saved_filters (
        filter_id uuid PRIMARY KEY,
        campus text NOT NULL,
        person_id text NOT NULL,
        page text NOT NULL,
        name text NOT NULL,
        query text NOT NULL,
        saved_at timestamptz NOT NULL,
        UNIQUE (person_id, page, name)
    )
    """,
    """
    CREATE TABLE drafts (
        draft_id uuid PRIMARY KEY,
        campus text NOT NULL,
        person_id text NOT NULL,
        path text NOT NULL,
        sealed bytea NOT NULL,
        kept_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX drafts_kept ON drafts (kept_at)",
)
_MINE = "person_id = current_setting('caselight.actor', true)"
_CONSOLE = "current_setting('caselight.actor', true) = 'service:console'"


def create(service: str) -> Iterator[str]:
    """Yield the statements that make them."""
    yield from _TABLES
    yield from keys.create(service)
    yield from protect(service, "sessions", also=_CONSOLE)
    yield from protect(service, "sign_ins", also=_CONSOLE)
    yield from protect(service, "saved_filters", also=_MINE)
    yield from protect(service, "drafts", also=f"{_MINE} OR {_CONSOLE}")
