"""1EdTech Caliper 1.1 and 1.2: an envelope of events, each with an id of its own, taken one by one.

Beside the event a part carries who and what it is about in one shape, wherever its sender puts it: Canvas writes SIS
ids into extensions, Blackboard into others, and Caliper 1.2 has `otherIdentifiers` for them.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import msgspec

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
from shared.refusal import Refused

VERSIONS = ("http://purl.imsglobal.org/ctx/caliper/v1p1", "http://purl.imsglobal.org/ctx/caliper/v1p2")
MOST_EVENTS = 1_000
_CANVAS = "com.instructure.canvas"
# Dropped wherever they stand: where somebody was and with what, their sign-in, their session, what they wrote.
_DROPPED = frozenset({
    "client_ip", "ipAddress", "user_agent", "userAgent", "user_login", "request_url", "redirect_url", "referrer",
    "session", "federatedSession", "client", "body", "value", "name", "description", "bb:user.userName",
    "bb:session.id", "email",
})  # fmt: skip
_LONGEST_ID = 255


class _Envelope(msgspec.Struct):
    """`data` stays as it came, so that one item that is no text does not cost the others."""

    sensor: str
    sendTime: str  # noqa: N815 - Caliper's name
    data: list[msgspec.Raw]
    dataVersion: str = ""  # noqa: N815


def decode(body: bytes) -> list[Item]:
    """Return the parts of an envelope, in its order. Raises Refused (422) when it is none."""
    envelope = _envelope(body)
    if not envelope.data:
        refuse("empty_envelope", "The envelope holds no event.")
    if len(envelope.data) > MOST_EVENTS:
        refuse("too_many_events", f"The envelope holds more than {MOST_EVENTS} events. Send fewer at a time.", 413)
    return [_item(place, bytes(raw), envelope.dataVersion) for place, raw in enumerate(envelope.data)]


def _envelope(body: bytes) -> _Envelope:
    try:
        return msgspec.json.decode(body, type=_Envelope)
    except RecursionError:
        refuse("nested_too_deep", "The JSON is nested too deep for any Caliper event. Look at what sends it.")
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return _leniently(body)


def _leniently(body: bytes) -> _Envelope:
    """Read an envelope in which one item holds half a surrogate pair or a NaN: each is then read for itself."""
    try:
        said = mapping(json.loads(body))
        envelope = msgspec.convert({**said, "data": []}, _Envelope)
        items: list[Any] = said["data"] if isinstance(said["data"], list) else _none()
        envelope.data = [msgspec.Raw(json.dumps(each).encode()) for each in items]
    except (ValueError, RecursionError, KeyError):
        _none()
    return envelope


def _none() -> NoReturn:
    refuse("not_an_envelope", "This is no Caliper envelope: it has sensor, sendTime, dataVersion and a list, data.")


def _item(index: int, raw: bytes, version: str) -> Item:
    place = f"data[{index}]"
    try:
        event = json_of(raw)
    except Refused as refused:
        return Unread(place, refused.code, refused.detail, _kept(raw))
    return item_of(event, place, version)


def item_of(event: object, place: str, version: str = "") -> Item:
    """Return what one event is. `version` is that of its envelope, for an event that does not say its own."""
    kept = scrubbed(event)
    try:
        return _part(place, kept, version)
    except BadPart as bad:
        return Unread(place, bad.code, bad.reason, bytes_of(kept))


def _kept(raw: bytes) -> bytes:
    """Return what is kept of an item that does not read as JSON: what is to be dropped is, if it can be told at all."""
    try:
        return json.dumps(scrubbed(json.loads(raw))).encode()
    except (ValueError, RecursionError):
        return raw


def scrubbed(event: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return an event without what is dropped on the way in."""
    return without(event, _DROPPED)


def _part(place: str, event: object, version: str) -> Part:
    said = mapping(event)
    if not said:
        raise BadPart("not_an_event", "This is no Caliper event: it is no JSON object.")
    check_text(said)
    context = said.get("@context") or version
    if not any(text(each) in VERSIONS for each in (context if isinstance(context, list) else [context])):
        raise BadPart("unknown_version", "Only Caliper 1.1 and 1.2 are read; @context names neither.")
    if not text(said.get("type")).endswith("Event"):
        raise BadPart("not_an_event", "This describes a thing and is no event: only events are taken.")
    event_id = text(said.get("id"))
    if not event_id or len(event_id) > _LONGEST_ID:
        raise BadPart("no_event_id", "The event has no id (urn:uuid:…), so a repeat could not be told. Give it one.")
    if not text(said.get("eventTime")):
        raise BadPart("no_time", "The event does not say when it happened (eventTime).")
    value = {
        "event": said,
        "student": _person(said),
        "course": _course(said),
        "score": _score(said),
    }
    return again(value, place)


def again(value: Mapping[str, Any], place: str) -> Part:
    """Return the part that a value is which was read before, and may have been mended since."""
    said = mapping(value.get("event"))
    event_id, kind, action = text(said.get("id")), text(said.get("type")), text(said.get("action"))
    return Part(place, event_id, f"{kind}.{action}" if action else kind, value, bytes_of(value))


# -- who and what --------------------------------------------------------------------------------------------------


def _person(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the ids of the student: whose attempt it is where there is one, else whoever acted."""
    generated = mapping(event.get("generated"))
    whose = (
        mapping(mapping(event.get("object")).get("assignee")),
        mapping(mapping(generated.get("attempt")).get("assignee")),
        mapping(generated.get("assignee")),
    )
    entity = next((each for each in whose if each), event.get("actor"))
    extensions = mapping(mapping(entity).get("extensions"))
    canvas = mapping(extensions.get(_CANVAS))
    sis = (
        text(canvas.get("sis_id"))
        or text(canvas.get("user_sis_id"))
        or text(extensions.get("bb:user.externalId"))
        or _other(entity, "SisSourcedId")
    )
    return {"sis_id": sis, "email": _other(entity, "EmailAddress"), "lms_id": _last_of(entity)}


def _course(event: Mapping[str, Any]) -> dict[str, str]:
    group = event.get("group")
    said = mapping(group)
    extensions = mapping(said.get("extensions"))
    sis = (
        text(said.get("courseNumber"))
        or text(mapping(extensions.get(_CANVAS)).get("sis_id"))
        or text(extensions.get("bb:course.externalId"))
        or _other(group, "SisSourcedId")
    )
    return {"sis_id": sis, "lms_id": _last_of(group), "term": text(said.get("academicSession"))}


def _score(event: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the score given, the most there was, and the share of it; None where it is not said."""
    generated = mapping(event.get("generated"))
    given, most = number(generated.get("scoreGiven")), number(generated.get("maxScore"))
    share = given / most if given is not None and most else None
    return {"given": given, "max": most, "share": share}


def _other(entity: object, kind: str) -> str:
    """Return one of Caliper 1.2's system identifiers."""
    return next((text(each.get("identifier")) for each in _others(entity) if each.get("identifierType") == kind), "")


def _others(entity: object) -> Iterator[Mapping[str, Any]]:
    listed = mapping(entity).get("otherIdentifiers")
    return (mapping(each) for each in listed) if isinstance(listed, list) else iter(())


def _last_of(entity: object) -> str:
    """Return the last part of an entity's id, which may be given as its id alone: `urn:…:user:210` is 210."""
    iri = text(entity) or text(mapping(entity).get("id"))
    last = iri.rstrip("/").replace(":", "/").rsplit("/", 1)[-1]
    return str(int(last) % 10**13) if last.isascii() and last.isdigit() and len(last) > 13 else last  # noqa: PLR2004
