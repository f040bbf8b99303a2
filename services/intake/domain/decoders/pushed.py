"""What a partner's system pushes: one JSON object, a list of them, `{"items": [...]}`, or one object a line.

Each item is kept in the very bytes it came in.
"""

import msgspec

from services.intake.domain.decoders.parts import BadPart, Item, Part, Unread, check_text, json_of, mapping, refuse
from shared.refusal import Refused

MOST_ITEMS = 1_000
LINES = "application/x-ndjson"
_BOM = b"\xef\xbb\xbf"
_WHOLE = msgspec.json.Decoder(msgspec.Raw)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ITEMS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode(body: bytes, content_type: str = "", *, most: int | None = MOST_ITEMS, within: str = "") -> list[Item]:
    """Return the items of a request, or of a file `within` a delivery.

    Raises Refused (422, 413) where there are none to be told apart.
    """
    body = body.removeprefix(_BOM).strip()
    if content_type.partition(";")[0].strip().lower() == LINES:
        pieces = [(f"line {number}", line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    else:
        pieces = [(f"item {number}", raw) for number, raw in enumerate(_pieces(body), 1)]
    if not pieces:
        refuse("no_items", "There is no item in this. Send a JSON object, a list of them, or one a line.")
    if most is not None and len(pieces) > most:
        refuse("too_many_items", f"More than {most} items at once. Send them in several requests.", 413)
    return [item_of(raw, f"{within} {place}".lstrip()) for place, raw in pieces]


def item_of(raw: bytes, place: str) -> Item:
    """Return what one item is."""
    raw = raw.strip()
    try:
        value = json_of(raw)
        check_text(value)
    except Refused as refused:
        return Unread(place, refused.code, refused.detail, raw)
    except BadPart as bad:
        return Unread(place, bad.code, bad.reason, raw)
    if not isinstance(value, dict):
        return Unread(place, "not_an_object", "An item is a JSON object with names and values.", raw)
    return Part(place, "", "", mapping(value), raw)


def _pieces(body: bytes) -> list[bytes]:
    """Return the items of a JSON document as slices of it."""
    if not body:
        return []
    try:
        if body.startswith(b"["):
            return [bytes(each) for each in _LIST.decode(body)]
        if body.startswith(b"{"):
            inside = _ITEMS.decode(body)
            if set(inside) == {"items"} and bytes(inside["items"]).startswith(b"["):
                return [bytes(each) for each in _LIST.decode(inside["items"])]
        _WHOLE.decode(body)
    except RecursionError:
        refuse("nested_too_deep", "The JSON is nested deeper than any item is. Look at what sends it.")
    except (msgspec.DecodeError, UnicodeDecodeError):
        refuse("not_json", "This is no JSON in UTF-8, or it ends before it should. Send it again.")
    return [body]
