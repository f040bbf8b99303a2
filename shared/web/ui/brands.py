"""Each campus in its own color: the strip on top, its monogram and its public pages. Computed from program data."""

import colorsys
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.events.program import CampusSnapshot
from shared.web.ui.contrast import channels, ratio

READABLE = 4.5
# For a campus that names no color of its own: calm, dark, apart from each other and from the red of danger.
PALETTE = ("#0f4c5c", "#2f4a2c", "#4a3267", "#22345c", "#5c4310", "#14532d", "#3b4754", "#583046")
# White or a soft black; the colors between, where neither reads well enough, get black itself.
_INKS = ("#ffffff", "#14181d", "#000000")
# Hues of danger red, in turns of the color wheel, where a color is strong enough to be taken for it.
_RED_FROM, _RED_TO, _STRONG = 0.93, 0.045, 0.45
_CODE = re.compile(r"^[A-Za-z0-9_-]+$")


@dataclass(frozen=True)
class Brand:
    """A campus as pages show it. `color` carries `on` with a contrast of at least 4.5."""

    code: str
    name: str
    color: str
    on: str

    @property
    def monogram(self) -> str:
        """Two or three letters that stand for the campus where its name has no room."""
        return monogram(self.name)


def brand(code: str, name: str, color: str = "") -> Brand:
    """Return a campus's brand. A color that cannot be used gives way to one chosen by the code, always the same."""
    usable = color if color and fault(color) is None else _chosen(code)
    return Brand(code, name, usable, next(ink for ink in _INKS if ratio(ink, usable) >= READABLE))


def brand_of(campus: CampusSnapshot) -> Brand:
    """Return the brand of a campus of the program."""
    return brand(campus.campus, campus.name, campus.color or "")


def fault(color: str) -> str | None:
    """Return why a color cannot be a campus's, or None."""
    try:
        red, green, blue = channels(color)
    except ValueError as wrong:
        return str(wrong)
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if (hue >= _RED_FROM or hue <= _RED_TO) and saturation > _STRONG and value > _STRONG:
        return "red is kept for danger; choose another color"
    return None


def monogram(name: str) -> str:
    """Return the initials of up to three words of a campus's name, or the first letters of its only word."""
    words = [word for word in re.split(r"[\s_-]+", name) if word and word.lower() not in {"campus", "of", "the", "at"}]
    return ("".join(word[0] for word in words[:3]) if len(words) > 1 else (words or [name])[0][:2]).upper()


def sheet(brands: Mapping[str, Brand]) -> str:
    """Return the style sheet that gives each `[data-campus]` its two variables."""
    return "".join(
        f'[data-campus="{code}"]{{--cl-campus:{found.color};--cl-campus-on:{found.on}}}\n'
        for code, found in sorted(brands.items())
        if _CODE.match(code)
    )


def _chosen(code: str) -> str:
    return PALETTE[hashlib.sha256(code.encode()).digest()[0] % len(PALETTE)]
