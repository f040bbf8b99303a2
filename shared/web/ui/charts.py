"""Pictures of figures, laid out here and drawn by `ui/macros/charts.html`.

Each is an SVG whose label tells the finding, with the same figures as a table. No script and no style is in it: what a
mark means is its class in theme.css.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 12, 24
_LABELS = 10
_WIDEST = 56


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One picture with its table. Coordinates are within `width` and `height`; kinds are classes."""

    finding: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    width: int = WIDTH
    height: int = HEIGHT
    bars: Sequence[tuple[float, float, float, float, str]] = ()
    lines: Sequence[tuple[float, float, float, float, str]] = ()
    paths: Sequence[tuple[str, str]] = ()
    dots: Sequence[tuple[float, float, float, str]] = ()
    texts: Sequence[tuple[float, float, str, str]] = ()

    def __post_init__(self) -> None:
        if len(self.finding.split()) < 3:  # noqa: PLR2004 - a sentence; a picture nobody can read is worth nothing
            raise ValueError("A chart's finding is a sentence")


def columns(
    finding: str,
    caption: str,
    points: Sequence[tuple[str, float, str]],
    *,
    names: tuple[str, str],
    band: tuple[float, float] | None = None,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Chart:
    """Return bars over labels. A point is (label, value, kind); kind "" is ours, `out` stands apart, `none` is missing.

    `band` draws the expected range as two dashed lines.
    """
    top = max([value for _, value, _ in points] + [band[1] if band else 0, 1])
    frame = _Frame(width, height, top)
    step = frame.inner / max(len(points), 1)
    bars = []
    for place, (_, value, kind) in enumerate(points):
        shown = "bar" + (f" bar--{kind}" if kind else "")
        tall = value if kind != "none" else top
        wide = min(step * 0.76, _WIDEST)
        left = _LEFT + (place + 0.5) * step - wide / 2
        bars.append((_r(left), frame.y(tall), _r(wide), _r(frame.base - frame.y(tall)), shown))
    limits = [(_LEFT, frame.y(at), width - _RIGHT, frame.y(at), "limit limit--warn") for at in band or ()]
    return Chart(
        finding=finding,
        caption=caption,
        columns=names,
        rows=[(label, "missing" if kind == "none" else _number(value)) for label, value, kind in points],
        width=width,
        height=height,
        bars=bars,
        lines=[*frame.grid(), *limits],
        texts=[*frame.scale(), *frame.labels([label for label, _, _ in points], step)],
    )


def line(
    finding: str,
    caption: str,
    points: Sequence[tuple[str, float]],
    *,
    names: tuple[str, str],
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Chart:
    """Return a line through points (label, value)."""
    frame = _Frame(width, height, max([value for _, value in points] + [1]))
    step = frame.inner / max(len(points), 1)
    at = [(_r(_LEFT + (place + 0.5) * step), frame.y(value)) for place, (_, value) in enumerate(points)]
    return Chart(
        finding=finding,
        caption=caption,
        columns=names,
        rows=[(label, _number(value)) for label, value in points],
        width=width,
        height=height,
        lines=frame.grid(),
        paths=[(" ".join(f"{x},{y}" for x, y in at), "line")],
        dots=[(x, y, 3, "dot") for x, y in at],
        texts=[*frame.scale(), *frame.labels([label for label, _ in points], step)],
    )


class _Frame:
    def __init__(self, width: int, height: int, top: float) -> None:
        self.width, self.base, self.top = width, height - _BOTTOM, float(top)
        self.inner = width - _LEFT - _RIGHT

    def y(self, value: float) -> float:
        return _r(self.base - (self.base - _TOP) * min(max(value / self.top, 0), 1))

    def grid(self) -> list[tuple[float, float, float, float, str]]:
        marks = [*((at, "grid") for at in self._marks()), (0, "axis")]
        return [(_LEFT, self.y(at), self.width - _RIGHT, self.y(at), kind) for at, kind in marks]

    def _marks(self) -> list[float]:
        """Return where the scale is marked: its top and its middle, that one only where it is a whole number."""
        return [self.top, self.top / 2] if (self.top / 2).is_integer() else [self.top]

    def scale(self) -> list[tuple[float, float, str, str]]:
        return [(_LEFT - 6, self.y(at) + 4, "end", _number(at)) for at in (*self._marks(), 0)]

    def labels(self, words: Sequence[str], step: float) -> list[tuple[float, float, str, str]]:
        every = max(1, -(-len(words) // _LABELS))
        return [
            (_r(_LEFT + (place + 0.5) * step), self.base + 17, "middle", label)
            for place, label in enumerate(words)
            if place % every == 0
        ]


def _r(value: float) -> float:
    return round(value, 1)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
