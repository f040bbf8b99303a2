"""What the kind of a feed needs to know, and the secret that it shows to somebody else's brokers."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import feed_settings as kinds
from services.console import feeds as words
from services.console.feeds import NotYaml
from services.console.forms import Form
from services.console.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)


@router.get("/feeds/{feed_id}/settings")
async def show(visit: Visiting, feed_id: UUID) -> HTMLResponse:
    """Show what is said, and what can be."""
    return await _page(visit, feed_id)


@router.post("/feeds/{feed_id}/settings")
async def save(visit: Visiting, feed_id: UUID, form: Form) -> Response:
    """Keep what was typed, and the secret if one was."""
    typed = form.get("settings", "")
    try:
        said = words.read_document(typed) if typed else {}
    except NotYaml as wrong:
        return await _page(visit, feed_id, typed, str(wrong))
    body = {"settings": said, "version": int(form.get("version", "0") or 0)}
    answer = await visit.tell("intake", "PATCH", f"/feeds/{feed_id}", body)
    if not answer.ok:
        if answer.status not in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
            answer.need()
        return await _page(visit, feed_id, typed, answer.detail)
    if form.get("secret"):
        (await visit.tell("intake", "PUT", f"/feeds/{feed_id}/secret", {"secret": form["secret"]})).need()
    return visit.go(f"/feeds/{feed_id}", said="Saved. The feed uses it from now on.")


async def _page(visit: Visit, feed_id: UUID, typed: str | None = None, wrong: str = "") -> HTMLResponse:
    feed = (await visit.ask("intake", f"/feeds/{feed_id}")).need()
    return visit.page(
        "feed_settings.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        live=False,
        feed=feed,
        words=words,
        typed=words.written(feed["settings"]) if typed is None and feed["settings"] else typed or "",
        example=kinds.EXAMPLES.get(feed["kind"], ""),
        about=kinds.ABOUT.get(feed["kind"], ()),
        wrong=wrong,
    )
