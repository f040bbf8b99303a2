"""Routes: parse, pass the gate, call a use case, shape the answer."""

from services.cases.http.routes import router

__all__ = ["router"]
