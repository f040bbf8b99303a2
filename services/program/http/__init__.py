"""What program answers over HTTP."""

from services.program.http import proposals, routes

ROUTERS = (routes.router, proposals.router)

__all__ = ["ROUTERS"]
