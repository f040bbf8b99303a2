"""Signing in to the console as a browser does, without one: cookies out of the whole round trip to the provider."""

import contextlib
import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette

ADDRESS = "http://console.test"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')
_KEY = re.compile(r'name="form_key" value="([^"]+)"')


class Browser:
    """Somebody's browser: cookies, pages, forms. Follows no redirect by itself."""

    def __init__(self, console: Any, sign_in: Starlette) -> None:
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=console), base_url=ADDRESS)
        self._sign_in = sign_in

    async def sign_in(self, person: str, back: str = "/me") -> httpx.Response:
        """Go to the provider, pick somebody, and come back. Return the answer that sets the session."""
        asked = await self.get(f"/sign-in?back={back}")
        assert asked.status_code == httpx.codes.SEE_OTHER, asked.text
        return await self.client.get(await self.pick(asked.headers["location"], person))

    async def pick(self, authorize: str, person: str) -> str:
        """Pick somebody at the provider; return the path and query it sends back to."""
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self._sign_in), base_url="http://sign-in.test"
        ) as provider:
            page = await provider.get(authorize)
            assert page.is_success, page.text
            links = [unescape(link) for link in re.findall(r'href="(/pick[^"]+)"', page.text)]
            link = next((each for each in links if each.endswith(f"person={person}")), links[0])
            back = await provider.get(re.sub(r"person=.*$", f"person={person}", link))
        parts = urlsplit(back.headers["location"])
        return f"{parts.path}?{parts.query}"

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """Open a page."""
        return await self.client.get(path, **more)

    async def send(self, page: str, path: str, fields: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Send a form of a page, with what the page put into it."""
        shown = (await self.get(page)).text
        hidden = {"csrf": _CSRF.search(shown), "form_key": _KEY.search(shown)}
        data = {name: found[1] for name, found in hidden.items() if found} | (fields or {})
        return await self.client.post(path, data=data, **more)


@contextlib.asynccontextmanager
async def browser(world: Any, person: str = "") -> AsyncIterator[Browser]:
    """Open a browser of a world; with `person`, signed in."""
    opened = Browser(world.services["console"].api, world.sign_in)
    async with opened.client:
        if person:
            answer = await opened.sign_in(person)
            assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        yield opened
