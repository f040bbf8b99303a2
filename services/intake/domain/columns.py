"""Which column of a file is which: known names, a few other headings for them, and what to say when one is missing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from shared.refusal import Refused

_OTHER_SIGNS = re.compile(r"[^a-z0-9]+")
ABSENT = -1


@dataclass(frozen=True)
class Shape:
    """The columns a kind of file has. `also` are other headings for them; `keeps_more`: unknown ones are kept."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    also: Mapping[str, str]
    keeps_more: bool = False

    @property
    def known(self) -> tuple[str, ...]:
        """All names a file may use for what is understood."""
        return (*self.required, *self.optional)


@dataclass(frozen=True)
class Columns:
    """Where each column stands in this file. `more` are columns that are kept as attributes, by name."""

    width: int
    places: Mapping[str, int]
    more: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        return self.places.get(name, ABSENT)


def columns_of(header: Sequence[str], shape: Shape) -> Columns:
    """Read a header. Raises Refused (422) that names what is missing, what was found, and what may have been meant.

    Only headings that resemble known ones are quoted: the first line of a file without a header is somebody's data.
    """
    if not any(heading.strip() for heading in header):
        raise Refused("empty_file", "The file is empty.", status=422, pointer="/body/header")
    places: dict[str, int] = {}
    more: dict[str, int] = {}
    for place, heading in enumerate(header):
        name = canonical(heading)
        name = shape.also.get(name, name)
        if name in places:
            raise Refused("column_twice", f"The column {name} is there twice.", status=422, pointer="/body/header")
        if name in shape.known:
            places[name] = place
        elif name and shape.keeps_more:
            more[name] = place
    missing = [name for name in shape.required if name not in places]
    if missing:
        raise Refused("missing_columns", _missing(missing, places, header, shape), status=422, pointer="/body/header")
    return Columns(len(header), places, more)


def canonical(heading: str) -> str:
    """Return a heading in the spelling of column names: lower case, `_` for anything between words."""
    return _OTHER_SIGNS.sub("_", heading.strip().lower()).strip("_")


def _missing(missing: Sequence[str], places: Mapping[str, int], header: Sequence[str], shape: Shape) -> str:
    found = ", ".join(places) or "none that is known"
    said = f"Missing columns: {', '.join(missing)}. Found: {found}."
    strangers = [canonical(heading) for place, heading in enumerate(header) if place not in places.values()]
    for name in missing:
        names = [name, *(other for other, meant in shape.also.items() if meant == name)]
        near = next((match for each in names for match in get_close_matches(each, strangers, n=1, cutoff=0.7)), None)
        if near:
            said += f" Is {near} meant as {name}?"
    others = len(header) - len(places)
    return f"{said} Columns not understood: {others}." if others else said
