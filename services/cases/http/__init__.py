"""Routes: parse, pass the gate, call a use case, shape the answer."""

from services.cases.http import lifecycle, notes, routes

routers = (routes.router, lifecycle.router, notes.router)

__all__ = ["routers"]
