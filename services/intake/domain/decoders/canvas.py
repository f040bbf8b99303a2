"""Canvas Live Events over HTTPS: one event in a delivery, in Canvas's own format or in Caliper's, signed or not.

What Canvas says beyond the event itself is dropped here, before anything is kept: addresses, browsers, logins,
sessions, pages, and what students wrote. Events may be lost and may come again. A global id (shard times 10^13 plus the
local one) changes when an account moves to another shard: only local ids are used, and SIS ids before them.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from joserfc.jwk import KeySet

from services.intake.domain.decoders import caliper
from services.intake.domain.decoders.parts import (
    BadPart,
    Item,
    Part,
    Unread,
    bytes_of,
    check_text,
    json_of,
    mapping,
    number,
    refuse,
    text,
    without,
)
from services.intake.domain.decoders.signatures import payload_of, token_in

SHARD = 10**13
# What of the metadata is kept; everything else is nobody's business here.
_METADATA = frozenset({
    "event_name", "event_time", "request_id", "producer", "root_account_uuid", "user_id", "user_sis_id",
    "context_type", "context_id", "context_sis_source_id", "context_role", "time_zone", "hostname",
})  # fmt: skip
# Of the body everything is kept but texts: what a student wrote, where they were, how they sign in.
_BODY_DROPPED = frozenset({
    "body", "message", "text", "title", "url", "redirect_url", "user_login", "login", "login_id", "unique_id",
    "client_ip", "user_agent", "email", "name", "short_name", "user_name", "referrer", "session_id", "avatar_url",
    "display_name", "filename", "description", "syllabus_body", "comment", "comments",
})  # fmt: skip


def decode(body: bytes, now: datetime, *, keys: KeySet | None) -> list[Item]:
    """Return the parts of a delivery. With `keys` it must be signed with one of them; None means it need not be.

    Raises Refused for what cannot be taken at all: 401 for its signature, 422 for what it is.
    """
    token = token_in(body)
    if token is None and keys is not None:
        refuse(
            "not_signed", "This is not signed. Switch on signed payloads where the events are set up in Canvas.", 401
        )
    if token is not None and keys is None:
        refuse("keys_missing", "This is signed, and the feed has no keys to check it with. Give it their address.", 401)
    said = payload_of(token, keys, now) if token is not None and keys is not None else body
    event = json_of(said)
    if isinstance(event, dict) and isinstance(event.get("data"), list):
        return caliper.decode(said)
    return [item_of(event, "event")]


def item_of(event: object, place: str) -> Item:
    """Return what one event is."""
    try:
        return _part(event, place)
    except BadPart as bad:
        return Unread(place, bad.code, bad.reason, bytes_of(scrubbed(event)))


def scrubbed(event: object) -> Mapping[str, Any]:
    """Return an event without what is dropped on the way in."""
    metadata, body = mapping(mapping(event).get("metadata")), mapping(mapping(event).get("body"))
    return {
        "metadata": {name: value for name, value in metadata.items() if name in _METADATA},
        "body": without(body, _BODY_DROPPED),
    }


def _part(event: object, place: str) -> Part:
    kept = scrubbed(event)
    metadata, body = kept["metadata"], kept["body"]
    name = text(metadata.get("event_name"))
    if not name or not isinstance(mapping(event).get("body"), dict):
        raise BadPart("not_an_event", "This is no Canvas event: metadata.event_name and body are missing.")
    check_text(kept)
    if not text(metadata.get("event_time")):
        raise BadPart("no_time", "The event does not say when it happened (metadata.event_time).")
    found = {"student": _student(metadata, body), "course": _course(metadata, body), "score": _score(body)}
    return again({**kept, **found}, place)


def again(value: Mapping[str, Any], place: str) -> Part:
    """Return the part that a value is which was read before, and may have been mended since."""
    metadata = mapping(value.get("metadata"))
    event_id = text(value.get("event_id")) or _event_id(metadata, mapping(value.get("body")))
    value = {**value, "event_id": event_id}
    return Part(place, event_id, text(metadata.get("event_name")), value, bytes_of(value))


def _event_id(metadata: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """Return what makes an event the same when it comes again: its request, its name, and the ids it is about.

    One request may change a hundred grades, and jobs without a request exist, so neither is enough alone.
    """
    ids = sorted((name, local(value)) for name, value in body.items() if name.endswith("_id") or name == "attempt")
    when = text(metadata.get("request_id")) or text(metadata.get("event_time"))
    said = "\x1f".join([when, text(metadata.get("event_name")), *(f"{name}={value}" for name, value in ids)])
    return blake2b(said.encode(), digest_size=16).hexdigest()


def _student(metadata: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, str]:
    """Return the student's ids as far as they are said: of the body, or of whoever acted if that is the same person."""
    lms = local(body.get("student_id") or body.get("user_id"))
    sis = text(body.get("student_sis_id")) or text(body.get("user_sis_id"))
    actor = local(metadata.get("user_id"))
    if not lms and _acts_for_themselves(metadata):
        lms = actor
    if not sis and lms and lms == actor:
        sis = text(metadata.get("user_sis_id"))
    return {"sis_id": sis, "lms_id": lms}


def _acts_for_themselves(metadata: Mapping[str, Any]) -> bool:
    role = text(metadata.get("context_role"))
    return role in {"", "StudentEnrollment"}


def _course(metadata: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, str]:
    lms, sis = local(body.get("course_id")), text(body.get("course_sis_id"))
    if text(metadata.get("context_type")) == "Course":
        context = local(metadata.get("context_id"))
        if not lms or lms == context:
            lms, sis = context, sis or text(metadata.get("context_sis_source_id"))
    return {"sis_id": sis, "lms_id": lms}


def _score(body: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the score given, the most there was, and the share of it; a course's score is of a hundred."""
    whole = body.get("current_score") if "current_score" in body else None
    given = number(body.get("score") if whole is None else whole)
    most = number(body.get("points_possible")) if whole is None else 100.0
    return {"given": given, "max": most, "share": given / most if given is not None and most else None}


def local(value: object) -> str:
    """Return an id without its shard; what is no number stays as it is."""
    said = text(value)
    return str(int(said) % SHARD) if said.isascii() and said.isdigit() and len(said) > len(str(SHARD)) - 1 else said
