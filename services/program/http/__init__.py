"""What program answers over HTTP."""

from services.program.http.routes import router

__all__ = ["router"]
