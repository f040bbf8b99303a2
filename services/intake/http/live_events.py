"""How learning systems prove themselves, and how what they send is told apart: Canvas Live Events and Caliper."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.intake.domain.decoders import canvas
from services.intake.domain.decoders.parts import Item, Part, json_of, mapping, text
from services.intake.domain.decoders.signatures import UnknownKey
from services.intake.domain.feeds import Feed
from services.intake.domain.signatures import NotProven, Token, check_token
from services.intake.http.key_sets import KeySets


async def canvas_items(body: bytes, feed: Feed, key_sets: KeySets, now: datetime) -> Sequence[Item]:
    """Return what a delivery of Canvas says. Raises Refused unless it is signed as the feed wants it.

    Canvas signs the events of every institution with the same keys, so a signature proves Canvas and no more: the
    account must be one that the feed names.
    """
    keys = await key_sets.of(feed, now)
    try:
        items = canvas.decode(body, now, keys=keys)
    except UnknownKey:
        newer = await key_sets.of(feed, now, newer=True)
        items = canvas.decode(body, now, keys=newer)
    if keys is not None:
        _check_account(feed, items)
    return items


def check_unsigned(feed: Feed, tokens: Sequence[Token], authorization: str, query_token: str) -> None:
    """Check the token of what is not signed: in a header, or in the address where its sender can set nothing else."""
    if feed.settings.get("unsigned") is True:
        check_token(tokens, authorization or f"Bearer {query_token}")


def _check_account(feed: Feed, items: Sequence[Item]) -> None:
    accounts = feed.settings.get("accounts")
    wanted = {str(each) for each in accounts} if isinstance(accounts, list) else set()
    if not wanted:
        raise NotProven(
            "no_accounts",
            "This feed does not say which Canvas accounts it is for: name their root_account_uuid or host name in its"
            " settings, under accounts.",
        )
    for item in items:
        said = _accounts_of(item.value if isinstance(item, Part) else mapping(json_of(item.raw)))
        if not said & wanted:
            raise NotProven("other_account", "This is of a Canvas account that the feed is not for.")


def _accounts_of(value: Any) -> set[str]:  # noqa: ANN401 - any JSON object
    """Return by what an event says whose it is: Canvas's metadata, or what Canvas adds to a Caliper event."""
    event = mapping(value.get("event", value))
    beside = mapping(mapping(event.get("extensions")).get("com.instructure.canvas"))
    actor = mapping(mapping(mapping(event.get("actor")).get("extensions")).get("com.instructure.canvas"))
    places = (mapping(value.get("metadata")), beside, actor)
    found = {text(each.get(name)) for each in places for name in ("root_account_uuid", "hostname")}
    return found - {""}
