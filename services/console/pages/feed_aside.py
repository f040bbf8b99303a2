"""What a feed's rows were set aside for: look at them, mend one, play them back, give them up."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import feeds as words
from services.console.aside import instead
from services.console.forms import Fields, Form
from services.console.listing import OLDEST_FIRST, Choice, Filters, as_csv
from services.console.owners import Answer
from services.console.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)
# So many hundreds of rows in one press; whoever has more presses again.
_ROUNDS = 10
_STATES = (("", "Waiting"), ("replayed", "Taken in"), ("discarded", "Given up"))
# What intake takes as mended. Longer ones are nothing to write in a box; the mapping can be mended instead.
_MOST_TO_MEND = 200_000


@router.get("/feeds/{feed_id}/aside")
async def rows(visit: Visiting, feed_id: UUID) -> Response:
    """Show the rows of one reason, or of all, without what they say."""
    # The reason comes from a link: nobody types one.
    filters = Filters(
        visit,
        [Choice("state", "State", _STATES), Choice("code", "Reason", ()), Choice("column", "Column", ())],
        orders=OLDEST_FIRST,
        by_campus=False,
    )
    feed, items = await visit.together(
        visit.ask("intake", f"/feeds/{feed_id}"),
        visit.ask("intake", f"/feeds/{feed_id}/quarantine/items", headers=filters.headers, **filters.parameters),
    )
    found = items.need()
    if filters.csv:
        lines = [
            [each["place"], words.sentence(each["reason"]), each["column"], each["times"], each["received_at"]]
            for each in found["items"]
        ]
        return as_csv("set-aside", ["Row", "Why", "Column", "Times", "First came"], lines)
    return visit.page(
        "feed_aside.html",
        feed=feed.need(),
        items=found["items"],
        after=found["after"],
        code=filters.values["code"],
        column=filters.values["column"],
        waiting=not filters.values["state"],
        filters=filters,
        saved=await filters.saved(),
        words=words,
    )


@router.post("/feeds/{feed_id}/aside")
async def decide(visit: Visiting, feed_id: UUID, form: Form) -> Response:
    """Play rows back, or give them up: those chosen, or all of the reason."""
    code, column = form.get("code", ""), form.get("column", "")
    picked = form.all("pick")
    body: dict[str, Any] = {"item_ids": picked} if picked else {"code": code or None, "column": column}
    what = "discard" if form.get("do") == "discard" else "replay"
    if what == "discard":
        body["reason"] = form.get("reason", "")
        if len(body["reason"]) < 3:  # noqa: PLR2004 - a reason is a word at least
            return visit.go(_here(feed_id, code, column), said="Say why they are given up. Nothing was changed.")
    done, still, answer = await _all(visit, f"/feeds/{feed_id}/quarantine/{what}", body)
    if not answer.ok and answer.status not in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
        answer.need()
    if not answer.ok:
        return visit.go(_here(feed_id, code, column), said=answer.detail)
    said = f"{done:,} given up." if what == "discard" else f"{done:,} taken in, {still:,} still wait."
    return visit.go(f"/feeds/{feed_id}" if not still else _here(feed_id, code, column), said=said)


@router.get("/feeds/{feed_id}/aside/{item_id}")
async def one(visit: Visiting, feed_id: UUID, item_id: UUID) -> HTMLResponse:
    """Show what a row said. It may be about somebody: looking is recorded."""
    return await _show(visit, feed_id, item_id)


@router.post("/feeds/{feed_id}/aside/{item_id}")
async def mend(visit: Visiting, feed_id: UUID, item_id: UUID, form: Form) -> Response:
    """Mend a row and play it back."""
    path = f"/feeds/{feed_id}/quarantine"
    raw = _typed(form)
    if not raw.strip():
        return await _show(visit, feed_id, item_id, wrong="Write what the row should say", form=form)
    answer = await visit.tell("intake", "POST", f"{path}/items/{item_id}/mend", {"raw": raw}, key=form.key)
    if answer.ok:
        answer = await visit.tell("intake", "POST", f"{path}/replay", {"item_ids": [str(item_id)]})
    if not answer.ok:
        if answer.status != HTTPStatus.CONFLICT:
            answer.need()
        return visit.go(f"/feeds/{feed_id}", said=answer.detail)
    if answer.json["still"]:
        return await _show(visit, feed_id, item_id, wrong="It still cannot be read; see below what is wrong", form=form)
    return visit.go(f"/feeds/{feed_id}", said="Saved. The row is taken in.")


async def _all(visit: Visit, path: str, body: dict[str, Any]) -> tuple[int, int, Answer]:
    """Do something with all that is meant, some hundreds at a time."""
    done, still, left = 0, 0, _ROUNDS
    while True:
        answer = await visit.tell("intake", "POST", path, body)
        if not answer.ok:
            return done, still, answer
        done, still, left = done + answer.json["done"], still + answer.json["still"], left - 1
        if not answer.json["after"] or not left:
            return done, still, answer
        body["after"] = answer.json["after"]


async def _show(
    visit: Visit, feed_id: UUID, item_id: UUID, *, wrong: str = "", form: Fields | None = None
) -> HTMLResponse:
    feed, item = await visit.together(
        visit.ask("intake", f"/feeds/{feed_id}"), visit.ask("intake", f"/feeds/{feed_id}/quarantine/items/{item_id}")
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    said = item.need()
    text = _typed(form) if form is not None else said["mended_raw"] if said["mended_raw"] is not None else said["raw"]
    readable = said["form"] != "bytes" and said["whole"]
    playable = readable and len(text) > _MOST_TO_MEND
    return visit.page(
        "feed_aside_one.html", status, live=False, feed=feed.need(), item=said, text=text, wrong=wrong, words=words,
        here=_here(feed_id, said["code"], said["column"]), playable=playable, instead=instead(said, feed.json),
        mendable=said["state"] == "waiting" and readable and not playable,
    )  # fmt: skip


def _typed(form: Fields) -> str:
    return form.get("raw", "")


def _here(feed_id: UUID, code: str, column: str) -> str:
    return f"/feeds/{feed_id}/aside?{urlencode({'code': code, 'column': column})}"
