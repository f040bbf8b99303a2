"""Routes: parse, pass the gate, call a use case, shape the answer."""

from services.cases.http import lifecycle, notes, routes, together

routers = (routes.router, lifecycle.router, notes.router, together.router)

__all__ = ["routers"]
