"""Puts the console together: its database, the five it asks, the provider people sign in with, and the pages."""

from pathlib import Path
from typing import Literal

from fastapi import FastAPI
from starlette.middleware import Middleware

from services.console import problems
from services.console.cookies import Cookies
from services.console.counts import Counts
from services.console.live import Hub
from services.console.oidc import Provider
from services.console.owners import Owners
from services.console.pages import routers
from services.console.programs import Programs
from services.console.site import Console
from shared.access.roles import Administrators
from shared.access.tokens import Verifier
from shared.clock import Clock
from shared.privacy.keys import KeyRing
from shared.service import Service
from shared.settings import Settings
from shared.storage.engines import connect
from shared.web import health
from shared.web.bodies import Bodies
from shared.web.frame import Frame
from shared.web.site import Site
from shared.web.ui import install

NAME = "console"
# A form with a file that somebody tries a mapping on.
LARGEST_FORM = 4 * 1024 * 1024
_TEMPLATES = Path(__file__).parent / "templates"


def build(settings: Settings, clock: Clock, role: Literal["api", "worker", "both"] = "both") -> Service:
    """Return the console, not started. It has no work of its own: it hears hints for the pages it shows."""
    database = connect(settings, NAME, "api", clock)
    owners = Owners(settings, clock)
    console = Console(
        settings=settings,
        database=database,
        clock=clock,
        owners=owners,
        programs=Programs(owners),
        provider=Provider(settings, clock),
        keys=KeyRing(settings),
        cookies=Cookies(settings.url(NAME)),
        hub=Hub(settings),
        counts=Counts(owners),
    )

    async def close() -> None:
        await owners.close()
        await database.close()

    return Service(NAME, _application(console), {} if role == "worker" else {"live": console.hub.run}, close)


def _application(console: Console) -> FastAPI:
    app = FastAPI(
        title="Caselight console",
        version="1",
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(Frame),
            Middleware(Bodies, streamed=frozenset(), limit=LARGEST_FORM),
            Middleware(problems.Mishaps),
        ],
    )
    app.state.console = console
    app.state.site = Site(
        service=NAME,
        settings=console.settings,
        database=console.database,
        verifier=Verifier(console.settings),
        administrators=Administrators.named(""),
    )
    problems.install(app)
    install(app, service_templates=_TEMPLATES, brands=problems.brands)
    app.include_router(health.router)
    for router in routers():
        app.include_router(router)
    console.paths = frozenset(str(getattr(route, "path", "")) for router in routers() for route in router.routes)
    return app
