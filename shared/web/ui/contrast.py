"""How well one color reads on another, as WCAG 2.2 computes it (relative luminance, contrast ratio)."""

import re

_COLOR = re.compile(r"^#(?:[0-9a-f]{3}|[0-9a-f]{6})$", re.IGNORECASE)
_LINEAR_BELOW = 0.04045


def channels(color: str) -> tuple[int, int, int]:
    """Return red, green and blue of `#rgb` or `#rrggbb`; raises ValueError for anything else."""
    if not _COLOR.match(color):
        raise ValueError("a color is written as # and 3 or 6 hexadecimal digits")
    digits = color[1:] if len(color) == 7 else "".join(digit * 2 for digit in color[1:])  # noqa: PLR2004 - #rrggbb
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def luminance(color: str) -> float:
    """Return relative luminance, 0 for black to 1 for white."""
    red, green, blue = (_linear(value / 255) for value in channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    """Return the contrast ratio of two colors, 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _linear(value: float) -> float:
    return value / 12.92 if value <= _LINEAR_BELOW else ((value + 0.055) / 1.055) ** 2.4
