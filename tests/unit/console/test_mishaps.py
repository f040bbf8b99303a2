"""An error nobody meant is a page, which says nothing of what went wrong but the number to ask about it."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware

from services.console import problems
from shared.web.frame import Frame
from shared.web.ui import install

TEMPLATES = Path(problems.__file__).parent / "templates"


def _application() -> FastAPI:
    app = FastAPI(middleware=[Middleware(Frame), Middleware(problems.Mishaps)])
    install(app, service_templates=TEMPLATES)

    @app.get("/breaks")
    async def breaks() -> None:
        raise KeyError("Grendel-4711")

    return app


async def test_a_mishap_is_a_page_that_names_only_its_number(caplog: pytest.LogCaptureFixture) -> None:
    transport = httpx.ASGITransport(app=_application())
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as client:
        answer = await client.get("/breaks", headers={"X-Request-Id": "aaaa-bbbb-cccc"})
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "aaaa-bbbb-cccc" in answer.text
    assert "Grendel" not in answer.text
    assert "a request failed" in caplog.text
