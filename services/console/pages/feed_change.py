"""Change a feed: its name, who looks after it, what is expected of it, how fast it may be, the settings of its kind."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import feeds as words
from services.console.feeds import NotYaml, read_document, written
from services.console.forms import Fields, Form
from services.console.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)
_NUMBERS = ("rate_per_minute", "low", "high", "quiet_minutes")


@router.get("/feeds/{feed_id}/change")
async def form(visit: Visiting, feed_id: UUID) -> HTMLResponse:
    """Show a feed as it may be changed."""
    feed = (await visit.ask("intake", f"/feeds/{feed_id}")).need()
    said = feed["expected"]
    typed = {
        "name": feed["name"],
        "owner_id": feed["owner_id"],
        "rate_per_minute": str(feed["rate_per_minute"]),
        "by": said["by"],
        **{name: str(said[name] or "") for name in ("low", "high", "quiet_minutes")},
        "settings": written(feed["settings"]) if feed["settings"] else "",
    }
    return _show(visit, feed, typed, [str(day) for day in said["days"]])


@router.post("/feeds/{feed_id}/change")
async def change(visit: Visiting, feed_id: UUID, form: Form) -> Response:
    """Change it, unless somebody else has meanwhile."""
    path = f"/feeds/{feed_id}"
    body, wrong = _wanted(form)
    if not wrong:
        answer = await visit.tell("intake", "PATCH", path, body)
        if answer.ok:
            return visit.go(path, said="Saved.")
        if answer.status not in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
            answer.need()
        found = {fault["pointer"].removeprefix("/body/").split("/")[0]: fault["detail"] for fault in answer.errors}
        wrong = {("by" if name == "expected" else name): words_ for name, words_ in found.items()}
        wrong = wrong or {"name": answer.detail}
    feed = (await visit.ask("intake", path)).need()
    return _show(visit, feed, form, form.all("days"), wrong)


def _wanted(form: Fields) -> tuple[dict[str, Any], dict[str, str]]:
    wrong = {name: "Write a number" for name in _NUMBERS if form.get(name) and not form[name].isdigit()}
    if not form.get("name"):
        wrong["name"] = "Give the feed a name"
    settings: Mapping[str, Any] = {}
    try:
        settings = read_document(form["settings"]) if form.get("settings") else {}
    except NotYaml as error:
        wrong["settings"] = str(error)
    numbers = {name: int(form.get(name) or 0) for name in _NUMBERS if name not in wrong}
    body = {
        "version": int(form.get("version", "0") or 0),
        "name": form.get("name", ""),
        "owner_id": form.get("owner_id", ""),
        "rate_per_minute": numbers.pop("rate_per_minute", 0),
        "settings": settings,
        "expected": {
            "days": [int(day) for day in form.all("days") if day.isdigit()],
            "by": form.get("by", ""),
            **numbers,
        },
    }
    return body, wrong


def _show(
    visit: Visit, feed: Any, typed: Mapping[str, str], days: list[str], wrong: Mapping[str, str] | None = None  # noqa: ANN401 - JSON
) -> HTMLResponse:  # fmt: skip
    staff = sorted(visit.program.staff.values(), key=lambda each: each.name)
    return visit.page(
        "feed_change.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        live=False,
        feed=feed,
        typed=typed,
        wrong=wrong or {},
        staff=[(each.staff_id, each.name) for each in staff],
        days=list(enumerate(words.DAYS)),
        chosen_days=days,
    )
