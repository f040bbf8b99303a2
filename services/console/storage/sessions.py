"""Sessions and sign-ins under way. Tokens and states are kept as digests only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text

from shared.ids import new_id
from shared.storage.tx import Tx

# Writing at every look would cost more than most looks; a session's idleness is known to the minute.
SEEN_EVERY = timedelta(minutes=1)
# How long an ended session can still say whose typed text it was.
KEPT_AFTER = timedelta(days=1)

_BEGIN = text(
    """
    INSERT INTO sessions (session_id, token_hash, campus, person_id, person_name, authenticated_at, started_at,
                          seen_at, ends_at)
    VALUES (:session_id, :token_hash, '*', :person_id, :person_name, :authenticated_at, :now, :now, :ends_at)
    """
)
_FIND = text("SELECT * FROM sessions WHERE token_hash = :token_hash")
_SEEN = text("UPDATE sessions SET seen_at = :now WHERE session_id = :session_id AND seen_at < :now")
_END = text("UPDATE sessions SET ended_at = :now WHERE session_id = :session_id AND ended_at IS NULL")
_CAMPUS = text("UPDATE sessions SET campus = :campus WHERE session_id = :session_id")
_KEYS = text("UPDATE sessions SET keys_on = :keys_on WHERE session_id = :session_id")
_TIDY = text("DELETE FROM sessions WHERE ends_at < :before")

_AWAIT = text(
    """
    INSERT INTO sign_ins (state_hash, browser_hash, campus, nonce, verifier, back, expires_at)
    VALUES (:state_hash, :browser_hash, '*', :nonce, :verifier, :back, :expires_at)
    """
)
_TAKE = text(
    """
    DELETE FROM sign_ins WHERE state_hash = :state_hash AND browser_hash = :browser_hash AND expires_at > :now
    RETURNING nonce, verifier, back
    """
)
_TIDY_SIGN_INS = text("DELETE FROM sign_ins WHERE expires_at < :now")


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in of one person in one browser. `campus` is the one they chose to look at, or `*`."""

    session_id: UUID
    token_hash: bytes
    campus: str
    person_id: str
    person_name: str
    keys_on: bool
    authenticated_at: datetime
    started_at: datetime
    seen_at: datetime
    ends_at: datetime
    ended_at: datetime | None

    def lives(self, now: datetime, idle: timedelta) -> bool:
        """Return whether it still counts: not ended, not too old, not left alone for too long."""
        return self.ended_at is None and now < self.ends_at and now < self.seen_at + idle


@dataclass(frozen=True, slots=True)
class SignIn:
    """What has to come back from the provider with the browser that was sent there."""

    nonce: str
    verifier: str
    back: str


def digest(secret: str) -> bytes:
    """Return what is kept of a secret."""
    return sha256(secret.encode()).digest()


async def begin(tx: Tx, token: str, person: tuple[str, str], *, authenticated_at: datetime, ends_at: datetime) -> None:
    """Keep a new session of a person (id, name), and forget those that ended long ago."""
    await tx.connection.execute(_TIDY, {"before": tx.now - KEPT_AFTER})
    await tx.connection.execute(
        _BEGIN,
        {
            "session_id": new_id(),
            "token_hash": digest(token),
            "person_id": person[0],
            "person_name": person[1],
            "authenticated_at": authenticated_at,
            "now": tx.now,
            "ends_at": ends_at,
        },
    )


async def find(tx: Tx, token: str) -> Session | None:
    """Return the session of a token, alive or not."""
    row = (await tx.connection.execute(_FIND, {"token_hash": digest(token)})).one_or_none()
    return None if row is None else Session(**row._asdict())


async def seen(tx: Tx, session: Session) -> None:
    """Note that the person did something, at most once a minute."""
    if tx.now - session.seen_at >= SEEN_EVERY:
        await tx.connection.execute(_SEEN, {"session_id": session.session_id, "now": tx.now})


async def end(tx: Tx, session: Session) -> None:
    """Note that they signed out."""
    await tx.connection.execute(_END, {"session_id": session.session_id, "now": tx.now})


async def choose_campus(tx: Tx, session: Session, campus: str) -> None:
    """Keep which campus the person looks at."""
    await tx.connection.execute(_CAMPUS, {"session_id": session.session_id, "campus": campus})


async def switch_keys(tx: Tx, session: Session, *, on: bool) -> None:
    """Keep whether single keys act at the desks."""
    await tx.connection.execute(_KEYS, {"session_id": session.session_id, "keys_on": on})


async def await_sign_in(tx: Tx, state: str, browser: str, sign_in: SignIn, expires_at: datetime) -> None:
    """Keep what the provider's answer will be held against, and forget what nobody came back for."""
    await tx.connection.execute(_TIDY_SIGN_INS, {"now": tx.now})
    await tx.connection.execute(
        _AWAIT,
        {
            "state_hash": digest(state),
            "browser_hash": digest(browser),
            "nonce": sign_in.nonce,
            "verifier": sign_in.verifier,
            "back": sign_in.back,
            "expires_at": expires_at,
        },
    )


async def take_sign_in(tx: Tx, state: str, browser: str) -> SignIn | None:
    """Return what was kept for this state and this browser, once."""
    keys = {"state_hash": digest(state), "browser_hash": digest(browser), "now": tx.now}
    row = (await tx.connection.execute(_TAKE, keys)).one_or_none()
    return None if row is None else SignIn(row.nonce, row.verifier, row.back)
