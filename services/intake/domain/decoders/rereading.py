"""Reads again what was set aside: the bytes of one item, as a decoder kept them or as somebody mended them."""

from services.intake.domain.decoders import caliper, canvas
from services.intake.domain.decoders.parts import Item, Part, bytes_of, json_of, mapping
from services.intake.domain.feeds import Kind


def item_of(kind: Kind, place: str, raw: bytes) -> Item:
    """Return the item that was kept. Raises Refused when it is no JSON any more."""
    value = json_of(raw)
    said = mapping(value)
    if kind in ("canvas", "caliper", "topic") and "student" in said:
        return canvas.again(said, place) if "metadata" in said else caliper.again(said, place)
    if kind == "canvas" and "metadata" in said:
        return canvas.item_of(value, place)
    if kind in ("canvas", "caliper"):
        return caliper.item_of(value, place)
    return Part(place, "", "", said, bytes_of(value))
