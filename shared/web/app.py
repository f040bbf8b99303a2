"""The application every service is made from: problems, limits, health, status and dead letters are in it already."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from shared.access.roles import Administrators
from shared.access.tokens import Verifier
from shared.settings import Settings
from shared.storage.engines import Database
from shared.web import dead_letters, health, problems, status
from shared.web.bodies import JSON_LIMIT, STREAM_LIMIT, Bodies
from shared.web.frame import Frame
from shared.web.site import Ready, Site

_PROBLEM = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
# What any route may answer beside its own.
_RESPONSES: dict[int | str, dict[str, Any]] = {
    code: {"description": description, "content": _PROBLEM}
    for code, description in {
        400: "The request cannot be read",
        401: "Not signed in",
        403: "Not allowed",
        404: "Not there, or not yours to see",
        405: "No such method here",
        409: "Against the present state",
        413: "Too large",
        422: "Not valid",
        429: "Too many requests",
        503: "Not available just now",
    }.items()
}


def create_app(
    service: str,
    settings: Settings,
    database: Database,
    *,
    title: str,
    routers: Sequence[APIRouter] = (),
    ready: Ready | None = None,
    parts: Sequence[object] = (),
    streamed: Sequence[str] = (),
    limit: int = JSON_LIMIT,
    stream_limit: int = STREAM_LIMIT,
) -> FastAPI:
    """Return a service's HTTP application on its `api` database.

    `ready` says whether the replicas are filled (None: the service needs none). `parts` are objects that routes ask
    for by type with `part(KeyRing)`. `streamed` are the exact paths whose bodies are read piece by piece.
    """
    site = Site(
        service=service,
        settings=settings,
        database=database,
        verifier=Verifier(settings),
        administrators=Administrators.named(settings.administrators),
        ready=ready,
        parts={type(part): part for part in parts},
    )
    app = FastAPI(
        title=title,
        version="1",
        docs_url=None,
        redoc_url=None,
        responses=_RESPONSES,
        middleware=[Middleware(Frame), _bodies(streamed, limit, stream_limit)],
    )
    app.state.site = site
    problems.install(app)
    for router in (health.router, status.router, dead_letters.router, *routers):
        app.include_router(router)
    _describe_problems(app)
    return app


def _bodies(streamed: Sequence[str], limit: int, stream_limit: int) -> Middleware:
    return Middleware(Bodies, streamed=frozenset(streamed), limit=limit, stream_limit=stream_limit)


def _describe_problems(app: FastAPI) -> None:
    """Add the problem's schema to the OpenAPI document; responses point at it."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
        model: Mapping[str, Any] = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas["Problem"] = {name: value for name, value in model.items() if name != "$defs"}
        schemas.update(model.get("$defs", {}))
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document
