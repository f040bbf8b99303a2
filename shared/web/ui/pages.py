"""Pages: templates of a service and the shared ones together, answered with the policy that keeps them safe."""

import gzip
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import cast

from fastapi import FastAPI
from jinja2 import (
    ChainableUndefined,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    Undefined,
    UndefinedError,
)
from jinja2.utils import missing
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from shared.web.ui import static, times
from shared.web.ui.brands import Brand, sheet

HERE = Path(__file__).parent
# Nothing inline, nothing from elsewhere, nowhere to send a form but home.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding",
}

Brands = Callable[[Request], Awaitable[Mapping[str, Brand]]]


class _Strict(StrictUndefined):
    """A name that nobody gave is an error. A key that a dict does not have is not: the kit's macros live by that."""

    def __new__(  # type: ignore[misc] # Jinja calls it as a factory, and takes either kind
        cls, hint: str | None = None, obj: object = missing, name: str | None = None, exc: type = UndefinedError
    ) -> "Undefined":
        if isinstance(obj, dict):
            return ChainableUndefined(hint, obj, name, exc)
        return super().__new__(cls)


class Templates:
    """A service's templates. `ui/…` are the shared ones, `govuk_frontend_jinja/…` the kit's macros."""

    def __init__(self, service_templates: Path, **names: object) -> None:
        shared = PrefixLoader(
            {
                "govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja"),
                "ui": FileSystemLoader(HERE / "templates" / "ui"),
            }
        )
        self.environment = Environment(
            loader=ChoiceLoader([shared, FileSystemLoader(service_templates)]),
            autoescape=True,
            undefined=_Strict,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals.update(
            asset=_asset, when=times.when, clock=times.clock, date=times.date, at=datetime.fromisoformat, **names
        )
        self.environment.filters.update(
            span=times.span,
            zone_name=times.zone_name,
            calendar_day=times.calendar_day,
            countdown=times.countdown,
            groups=_groups,
        )

    def render(self, name: str, **values: object) -> str:
        """Return a template filled in. A name it uses and does not get is an error, never an empty place."""
        return self.environment.get_template(name).render(**values)

    def respond(
        self,
        request: Request,
        name: str,
        status: int = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> HTMLResponse:
        """Answer with a page, packed where the browser takes it so."""
        page = self.render(name, **values).encode()
        made = {**_HEADERS, **(headers or {})}
        if "gzip" in request.headers.get("accept-encoding", ""):
            page, made["Content-Encoding"] = _packed(page), "gzip"
        return HTMLResponse(page, status, headers=made)


def install(app: FastAPI, *, service_templates: Path, brands: Brands | None = None, **names: object) -> Templates:
    """Let a service have pages: templates, and the sheets and scripts they load. `names` are known to every template.

    `brands` gives the campuses whose colors `/assets/brands.css` holds.
    """
    made = Templates(service_templates, **names)
    app.state.pages = made

    async def brand_sheet(request: Request) -> Response:
        found = {} if brands is None else await brands(request)
        return Response(sheet(found), media_type="text/css", headers={"Cache-Control": "private, max-age=300"})

    app.add_api_route("/assets/brands.css", brand_sheet, include_in_schema=False, response_class=Response)
    app.add_api_route("/assets/{version}/{name:path}", static.serve, include_in_schema=False, response_class=Response)
    return made


def templates_of(request: Request) -> Templates:
    """Return the templates of the service a request came to."""
    return cast("Templates", request.app.state.pages)


def _packed(page: bytes) -> bytes:
    """Compress a page. A tail of random length keeps its size from telling what is in it (the BREACH attack)."""
    tail = secrets.token_hex(secrets.randbelow(64))
    return gzip.compress(page + f"<!-- {tail} -->".encode(), 5, mtime=0)


def _asset(name: str) -> str:
    return static.assets().url(name)


def _groups(number: int) -> str:
    """Return a whole number with its thousands apart: 12,480."""
    return f"{number:,}"
