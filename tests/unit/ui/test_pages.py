"""Pages are whole, safe and light, whoever makes them."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from jinja2 import UndefinedError
from starlette.requests import Request
from starlette.responses import Response

from shared.web.ui import charts, install, static, templates_of
from shared.web.ui.brands import Brand
from shared.web.ui.times import calendar_day, clock, countdown, date, span, when, zone_name
from tests.unit.ui.samples import FRAME, NORTH, everything

VOID = {"meta", "link", "input", "br", "img", "rect", "line", "circle", "polyline", "path", "hr"}
TEMPLATES = Path(__file__).parent / "templates"
NOW = datetime(2026, 11, 17, 13, 42, tzinfo=UTC)


class Reader(HTMLParser):
    """Collects what a page has, and whether its tags close as they open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that closes itself."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Note what closes out of order."""
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def page() -> Reader:
    reader = Reader()
    reader.feed(everything())
    return reader


def _application() -> FastAPI:
    app = FastAPI()

    async def brands(request: Request) -> dict[str, Brand]:
        return {"NORTH": NORTH}

    install(app, service_templates=TEMPLATES, brands=brands)

    @app.get("/")
    async def home(request: Request) -> Response:
        templates = templates_of(request)
        return templates.respond(request, "short.html", frame=FRAME)

    return app


async def _get(path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=_application())
    async with httpx.AsyncClient(transport=transport, base_url="http://pages.test") as client:
        return await client.get(path, headers=headers)


def test_the_tags_of_every_macro_close_as_they_open(page: Reader) -> None:
    assert page.wrong == []
    assert page.open == []


def test_no_page_has_a_script_or_a_style_in_it(page: Reader) -> None:
    for tag, attributes in page.tags:
        assert not any(name == "style" or name.startswith("on") for name in attributes), (tag, attributes)
        assert tag != "style"
        assert tag != "script" or attributes.get("src")


def test_no_id_stands_twice_and_every_label_finds_its_field(page: Reader) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert sorted(ids, key=str) == sorted(set(ids), key=str)
    for _, attributes in page.tags:
        for name in ("for", "aria-labelledby", "aria-describedby", "form"):
            if attributes.get(name):
                assert attributes[name] in ids, (name, attributes[name])


def test_every_picture_tells_its_finding_and_has_a_table(page: Reader) -> None:
    pictures = [attributes for tag, attributes in page.tags if tag == "svg" and attributes.get("role") == "img"]
    assert pictures
    for attributes in pictures:
        assert len(str(attributes["aria-label"]).split()) >= 3
    assert "cl-figures" in everything()
    unlabelled = [a for tag, a in page.tags if tag == "svg" and a.get("role") != "img" and "aria-hidden" not in a]
    assert unlabelled == []


def test_a_picture_without_a_finding_is_refused() -> None:
    with pytest.raises(ValueError, match="sentence"):
        charts.line("Flags", "Flags", [("Nov 1", 1)], names=("Day", "Flags"))


def test_a_picture_shows_each_figure_once_in_its_table() -> None:
    made = charts.line("More flags came each day.", "Flags", [("Nov 1", 1), ("Nov 2", 2.5)], names=("Day", "Flags"))
    assert list(made.rows) == [("Nov 1", "1"), ("Nov 2", "2.5")]
    assert len(made.dots) == 2
    assert made.dots[0][1] > made.dots[1][1]


def test_a_value_that_nobody_gave_is_an_error_and_what_is_given_is_escaped() -> None:
    assert "to&#34;ken" in everything()
    templates = install(FastAPI(), service_templates=TEMPLATES)
    with pytest.raises(UndefinedError):
        templates.render("everything.html", frame=FRAME)


async def test_a_page_answers_with_its_policy_and_packed() -> None:
    answer = await _get("/", **{"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "<h1" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert "content-encoding" not in (await _get("/", **{"accept-encoding": "identity"})).headers


async def test_files_are_kept_for_good_under_the_name_of_their_content() -> None:
    url = static.assets().url("theme.css")
    answer = await _get(url, **{"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    old = await _get("/assets/000000000000/theme.css", **{"accept-encoding": "identity"})
    assert "immutable" not in old.headers["cache-control"]
    assert old.text == answer.text
    assert (await _get("/assets/x/..%2f..%2fstatic.py")).status_code == 404
    assert (await _get("/assets/x/none.css")).status_code == 404


async def test_the_sheet_of_brands_is_of_the_program() -> None:
    answer = await _get("/assets/brands.css")
    assert answer.text.startswith('[data-campus="NORTH"]{--cl-campus:#')
    assert answer.headers["content-type"].startswith("text/css")


def test_what_a_page_loads_names_no_font_of_others_and_no_file_that_is_not_there() -> None:
    files = static.assets().files
    for name, asset in files.items():
        if not name.endswith(".css"):
            continue
        sheet = asset.plain.decode()
        assert "GDS Transport" not in sheet
        for url in re.findall(r"url\(\"?([^)\"]+)\"?\)", sheet):
            assert url.startswith("data:") or url in files, (name, url)
    assert not [name for name in files if re.search("crest|crown|logotype", name)]
    assert not any(b"sourceMappingURL" in asset.plain for asset in files.values())


def test_the_first_view_loads_no_more_than_150_kilobytes() -> None:
    page = everything()
    names = {name for name in static.assets().files if static.assets().url(name) in page}
    names |= {"govuk-frontend.min.js"}  # what start.js imports
    files = [static.assets().files[name] for name in sorted(names)]
    assert len(files) >= 8
    assert sum(len(asset.packed or asset.plain) for asset in files) + 15_000 <= 150_000


def test_times_are_said_as_people_say_them() -> None:
    shown = when(NOW - timedelta(minutes=6), NOW, "America/New_York")
    assert (shown.relative, shown.absolute) == ("6 min ago", "Today, 8:36 am")
    assert when(NOW - timedelta(days=1), NOW, "UTC").absolute == "Mon Nov 16, 1:42 pm"
    assert when(NOW + timedelta(hours=3), NOW, "UTC").relative == "in 3 h"
    assert when(NOW - timedelta(days=400), NOW, "UTC").absolute == "Mon Oct 13 2025, 1:42 pm"
    assert when(NOW, NOW, "UTC").relative == "just now"
    assert span(timedelta(days=3, hours=2)) == "3 days"
    assert countdown(timedelta(seconds=220)) == "3 min 40 s"
    assert countdown(timedelta(seconds=120)) == "2 min"
    assert countdown(timedelta(seconds=-5)) == "0 s"
    assert countdown(timedelta(hours=3)) == "3 h"
    assert date(NOW, "America/New_York") == "Tuesday, November 17, 8:42 am"
    assert zone_name("America/New_York") == "New York time"
    assert zone_name("UTC") == "UTC"
    assert (calendar_day("2026-09-14"), calendar_day("soon")) == ("September 14, 2026", "soon")


@pytest.mark.parametrize(
    ("began", "due", "state", "words"),
    [
        (-1, 9, "", "Due in 9 h"),
        (-9, 1, "soon", "Due in 1 h"),
        (-9, -2, "late", "Late by 2 h"),
        (0, 0, "late", "Late by 0 s"),
    ],
)
def test_a_clock_tells_how_a_deadline_stands(began: int, due: int, state: str, words: str) -> None:
    found = clock(NOW + timedelta(hours=began), NOW + timedelta(hours=due), NOW, "UTC")
    assert (found.state, found.words) == (state, words)
    assert 0 <= found.used <= 1
