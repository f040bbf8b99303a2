"""What people do with feeds: add and change one, give it tokens and mappings, put a mapping in use or take it back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.intake.domain.feeds import Brings, Expected, Feed, Kind, State
from services.intake.domain.mapping import compiled
from services.intake.domain.signatures import MOST_LIVE, Token, new_secret
from services.intake.storage import feed_tokens, feeds
from services.intake.usecases.check_settings import check_settings
from shared.access.actors import EVERYWHERE
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.program import load_program
from shared.refusal import Refused
from shared.storage.tx import Tx

# What these bring is proven by the folder they come from, or by our own connection.
_WITHOUT_TOKEN: tuple[Kind, ...] = ("file_drop", "topic")
_AT_ONCE = timedelta(0)
MOST_VERSIONS = 1_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A feed as somebody wants it."""

    code: str
    name: str
    kind: Kind
    brings: Brings
    campus: str
    owner_id: str
    rate_per_minute: int
    expected: Expected
    settings: Mapping[str, Any]


class NewToken(NamedTuple):
    """A token just made: the only time that its secret is told."""

    token_id: UUID
    secret: str


async def add_feed(tx: Tx, keys: KeyRing, wanted: Wanted) -> tuple[Feed, NewToken | None]:
    """Add a feed. It is a draft, and takes nothing in, until a mapping is put in use."""
    await _check_people(tx, wanted.campus, wanted.owner_id)
    check_settings(wanted.kind, wanted.settings)
    feed = Feed(
        feed_id=new_id(),
        code=wanted.code,
        name=wanted.name,
        kind=wanted.kind,
        brings=wanted.brings,
        campus=wanted.campus,
        owner_id=wanted.owner_id,
        state="draft",
        mapping_version=0,
        rate_per_minute=wanted.rate_per_minute,
        expected=wanted.expected,
        settings=dict(wanted.settings),
        made_at=tx.now,
    )
    if not await feeds.add(tx, feed):
        raise Refused("code_used", "Another feed has this code.", status=409, pointer="/body/code")
    if feed.kind in _WITHOUT_TOKEN:
        return feed, None
    return feed, await _token(tx, keys, feed)


def check_version(feed: Feed, seen: int) -> None:
    """Refuse a change that was made looking at an earlier state."""
    if feed.version != seen:
        raise Refused("changed_meanwhile", "Somebody else has changed this feed. Look at it again.", status=409)


async def change_feed(tx: Tx, feed: Feed, changes: Mapping[str, Any]) -> Feed:
    """Change what may be changed: name, owner, state, rate, what is expected, settings. The feed is locked."""
    if "owner_id" in changes:
        await _check_people(tx, feed.campus, changes["owner_id"])
    if "settings" in changes:
        check_settings(feed.kind, changes["settings"])
    state: State = changes.get("state", feed.state)
    if state == "active" and not feed.mapping_version:
        raise Refused("no_mapping", "Put a mapping in use first.", status=409, pointer="/body/state")
    if feed.state == "retired":
        raise Refused("feed_retired", "This feed has ended. Add a new one.", status=409)
    changed = replace(feed, **changes)
    await _save(tx, changed)
    if state == "retired":
        tokens = (await feed_tokens.of_feeds(tx.connection, [feed.feed_id], tx.now))[feed.feed_id]
        await feed_tokens.end(tx, feed, [token.token_id for token in tokens], tx.now)
    return replace(changed, version=feed.version + 1)


async def rotate_token(tx: Tx, keys: KeyRing, feed: Feed, overlap: timedelta) -> NewToken:
    """Make a new token; those before it stay good for the overlap, so that the sender can change over in between.

    Two are good at once and no more: a third would mean that nobody knows which are in use.
    """
    live = await feed_tokens.live(tx, keys, feed)
    if len(live) >= MOST_LIVE and overlap > _AT_ONCE:
        ends = max((token.ends_at for token in live if token.ends_at is not None), default=None)
        until = f" The older ends {ends:%Y-%m-%d %H:%M} UTC." if ends else ""
        raise Refused("two_tokens", f"Two tokens are good already; end one first.{until}", status=409)
    await feed_tokens.end(tx, feed, [token.token_id for token in live], tx.now + overlap)
    return await _token(tx, keys, feed)


async def end_token(tx: Tx, keys: KeyRing, feed: Feed, token_id: UUID) -> None:
    """End a token at once. The last one of an active feed may end too: then nothing can come any more."""
    live: list[Token] = await feed_tokens.live(tx, keys, feed)
    if all(token.token_id != token_id for token in live):
        raise Refused("no_such_token", "This feed has no such token, or it has ended.", status=404)
    await feed_tokens.end(tx, feed, [token_id], tx.now)


async def add_mapping(tx: Tx, feed: Feed, document: Mapping[str, Any], note: str) -> int:
    """Check a mapping and keep it as the next version. It is not in use yet."""
    mapping = compiled(document, feed.campus)
    if mapping.brings != feed.brings:
        raise Refused("other_kind", f"This feed brings {feed.brings}.", status=422, pointer="/body/document/brings")
    return await feeds.add_mapping(tx, feed, document, note)


async def activate(tx: Tx, feed: Feed, version: int) -> Feed:
    """Put a version in use, a newer or an older one. What came in by another stays as it came."""
    document = await feeds.mapping(tx.connection, feed.feed_id, version)
    if document is None:
        raise Refused("no_mapping", "This feed has no such version of its mapping.", status=404)
    compiled(document, feed.campus)  # an older release may have taken what this one does not
    if feed.state == "retired":
        raise Refused("feed_retired", "This feed has ended. Add a new one.", status=409)
    changed = replace(feed, mapping_version=version, state="active" if feed.state == "draft" else feed.state)
    await _save(tx, changed)
    return replace(changed, version=feed.version + 1)


async def _token(tx: Tx, keys: KeyRing, feed: Feed) -> NewToken:
    secret = new_secret()
    return NewToken(await feed_tokens.add(tx, keys, feed, secret), secret)


async def _save(tx: Tx, feed: Feed) -> None:
    if not await feeds.save(tx, feed):
        raise RuntimeError("a feed that is locked was changed")


async def _check_people(tx: Tx, campus: str, owner_id: str) -> None:
    program = await load_program(tx.connection)
    if campus != EVERYWHERE and campus not in program.campuses:
        raise Refused("unknown_campus", "There is no such campus.", status=422, pointer="/body/campus")
    if owner_id not in program.staff:
        raise Refused("unknown_owner", "The owner is not on the staff.", status=422, pointer="/body/owner_id")
