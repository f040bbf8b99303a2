"""Every pair of colors that the theme puts on each other can be read, in light and in dark; so can every campus's."""

import re
from itertools import product
from pathlib import Path

import pytest

from shared.web.ui import brands
from shared.web.ui.contrast import ratio

SHEET = (Path(brands.__file__).parent / "assets" / "theme.css").read_text()
TEXT, MARK = 4.5, 3.0

GROUNDS = ("page", "surface", "sunken")
# What stands on what. Text needs 4.5, an edge or a mark that carries meaning 3.
READ = [
    *product(("ink", "ink-2"), (*GROUNDS, "accent-wash", "warn-wash", "good-wash", "danger-wash")),
    *product(("accent", "accent-hover"), (*GROUNDS, "accent-wash")),
    *product(("danger-text", "warn-text", "good-text"), ("page", "surface")),
    ("danger-text", "sunken"),
    ("danger-text", "danger-wash"),
    ("warn-text", "warn-wash"),
    ("good-text", "good-wash"),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-hover"),
    ("danger-on", "danger-fill"),
    ("danger-link", "danger-fill"),
    ("focus-ink", "focus"),
    ("campus-on", "campus"),
    ("ink", "ramp-1"),
    ("ink", "ramp-2"),
    ("ink", "ramp-3"),
    ("surface", "ramp-4"),
    ("surface", "ramp-5"),
]
SEEN = [
    *product(("line-strong", "accent", "warn-line", "good-line"), ("page", "surface", "sunken")),
    *product(("danger-fill",), ("page", "surface")),
    *product(("danger-text", "accent"), ("danger-wash", "accent-wash")),
    ("line-strong", "accent-wash"),
    ("warn-line", "warn-wash"),
    ("good-line", "good-wash"),
]
PAIRS = [*((*pair, TEXT) for pair in READ), *((*pair, MARK) for pair in SEEN)]


def tokens(theme: int) -> dict[str, str]:
    """Return the colors of a theme, 0 for light and 1 for dark, as the sheet writes them."""
    found = {}
    for name, value in re.findall(r"^  --cl-([a-z0-9-]+): (.+);$", SHEET.split("@supports")[0], re.MULTILINE):
        colors = re.findall(r"#[0-9a-f]{6}", value)
        if colors:
            found[name] = colors[theme if len(colors) > 1 else 0]
    return found


@pytest.mark.parametrize(("theme", "name"), [(0, "light"), (1, "dark")])
def test_everything_in_a_theme_can_be_read(theme: int, name: str) -> None:
    colors = tokens(theme)
    assert len(PAIRS) * 2 >= 108
    poor = {
        f"{on} on {ground}": round(found, 2)
        for on, ground, least in PAIRS
        if (found := ratio(colors[on], colors[ground])) < least
    }
    assert poor == {}, name


def test_browsers_that_know_one_theme_get_the_light_one_whole() -> None:
    fallback = SHEET.split("@supports not")[1].split("\n}")[0]
    plain = dict(re.findall(r"--cl-([a-z0-9-]+): (#[0-9a-f]{3,6});", fallback))
    light = tokens(0)
    assert {name for name in light if tokens(1)[name] != light[name]} <= set(plain)
    assert all(ratio(value, light[name]) == 1 for name, value in plain.items())


def test_contrast_is_computed_as_the_guidelines_do() -> None:
    assert round(ratio("#000", "#ffffff"), 2) == 21
    assert round(ratio("#777777", "#ffffff"), 2) == 4.48
    assert round(ratio("#767676", "#fff"), 2) == 4.54


def test_a_campus_without_a_color_gets_one_that_stays() -> None:
    first, again, other = (brands.brand(code, "North Campus") for code in ("NORTH", "NORTH", "LAKE"))
    assert first.color == again.color
    assert first.color in brands.PALETTE
    assert other.monogram == "NO"
    assert brands.brand("X", "Harrow Bay").monogram == "HB"


@pytest.mark.parametrize("color", [*brands.PALETTE, "#ffffff", "#000000", "#777777", "#8a8a8a", "#f0b429", "#00ff00"])
def test_a_campus_name_can_be_read_on_its_color(color: str) -> None:
    found = brands.brand("NORTH", "North", color)
    assert found.color == color
    assert ratio(found.on, color) >= brands.READABLE


@pytest.mark.parametrize("color", ["#a3161b", "#d0333a", "#ff0000", "#e0115f", "teal", "#12", "#zzzzzz"])
def test_a_color_that_could_be_danger_or_is_none_gives_way(color: str) -> None:
    assert brands.fault(color)
    assert brands.brand("NORTH", "North", color).color in brands.PALETTE


def test_the_sheet_of_brands_holds_colors_and_nothing_else() -> None:
    campuses = {code: brands.brand(code, "N") for code in ("NORTH", 'a"]{}x')}
    assert re.fullmatch(
        r'\[data-campus="NORTH"\]\{--cl-campus:#[0-9a-f]{6};--cl-campus-on:#[0-9a-f]{6}\}\n', brands.sheet(campuses)
    )
