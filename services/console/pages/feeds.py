"""Feeds: what machines send, one by one, and what of it was set aside."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import feed_health
from services.console import feeds as words
from services.console.forms import Fields, Form
from services.console.listing import Choice, Filters, as_csv
from services.console.owners import Answer
from services.console.visit import Visit, Visiting
from shared.access.actors import EVERYWHERE

router = APIRouter(include_in_schema=False)
_KINDS = [("", "Any kind"), *words.KINDS.items()]
_STATES = [("", "Any state"), *((code, said) for code, (said, _) in words.STATES.items())]
_ORDERS = (("trouble", "The troubled first"), ("name", "Name"))
_OVERLAP_HOURS = 24


@router.get("/feeds")
async def all_of_them(visit: Visiting) -> Response:
    """Show the feeds, the troubled first or by name, and what they set aside by reason."""
    filters = Filters(visit, [Choice("kind", "Kind", _KINDS), Choice("state", "State", _STATES)], orders=_ORDERS)
    feeds, aside, health = await visit.together(
        visit.ask("intake", "/feeds", headers=filters.headers, **filters.parameters),
        visit.ask("intake", "/quarantine", campus=filters.parameters.get("campus")),
        visit.ask("intake", "/feed-health", campus=filters.parameters.get("campus"), pictures=feed_health.MOST_CARDS),
    )
    if not feeds.missing:
        feeds.need()
    rows = feeds.items()
    if filters.csv:
        return as_csv("feeds", *_file(visit, rows))
    groups = aside.items()
    visit.count("/feeds", len({group["feed_id"] for group in groups}))
    return visit.page(
        "feeds.html",
        feeds=rows,
        after=feeds.json.get("after") if feeds.ok else None,
        groups=groups,
        named={feed["feed_id"]: feed["name"] for feed in rows},
        filters=filters,
        saved=await filters.saved(),
        words=words,
        **feed_health.of_all(health.items(), visit.now, visit.zone),
        away=feeds.missing,
        may_add=visit.person.has("feed_manager", "administrator"),
    )


@router.get("/feeds/new")
async def new(visit: Visiting) -> HTMLResponse:
    """Show the form that adds a feed."""
    return await _form(visit, {})


@router.post("/feeds/new")
async def add(visit: Visiting, form: Form) -> Response:
    """Add a feed and show its token, this once."""
    body, wrong = _wanted(form)
    if wrong:
        return await _form(visit, form, wrong, HTTPStatus.UNPROCESSABLE_ENTITY)
    answer = await visit.tell("intake", "POST", "/feeds", body, key=form.key)
    if not answer.ok:
        if answer.status in (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT):
            return await _form(visit, form, _faults(answer), answer.status)
        answer.need()
    feed, token = answer.json["feed"], answer.json["token"]
    if token is None:
        return visit.go(
            f"/feeds/{feed['feed_id']}", said=f"Saved. {feed['name']} takes nothing in yet: try its mapping."
        )
    return visit.page("feed_token.html", live=False, feed=feed, secret=token["secret"], first=True)


@router.get("/feeds/{feed_id}")
async def one(visit: Visiting, feed_id: UUID) -> HTMLResponse:
    """Show a feed: how it stands, what came, what was set aside, its mapping and its tokens."""
    path = f"/feeds/{feed_id}"
    feed, health, groups, deliveries, mappings = await visit.together(
        visit.ask("intake", path),
        visit.ask("intake", f"{path}/health"),
        visit.ask("intake", f"{path}/quarantine"),
        visit.ask("intake", f"{path}/deliveries"),
        visit.ask("intake", f"{path}/mappings"),
    )
    said = feed.need()
    return visit.page(
        "feed.html",
        feed=said,
        **feed_health.of_one(health.json if health.ok else None, visit.now, visit.zone),
        groups=groups.items(),
        deliveries=deliveries.items()[:30],
        mappings=mappings.items(),
        words=words,
        may_change=_may_change(visit, said),
        sends_to=f"{visit.console.settings.referrers_at}{path}/deliveries",
    )


@router.post("/feeds/{feed_id}/state")
async def change_state(visit: Visiting, feed_id: UUID, form: Form) -> Response:
    """Pause a feed, take it up again, or end it."""
    body = {"state": form.get("state", ""), "version": int(form.get("version", "0") or 0)}
    answer = await visit.tell("intake", "PATCH", f"/feeds/{feed_id}", body)
    return _back(visit, feed_id, answer, "Saved.")


@router.post("/feeds/{feed_id}/tokens")
async def rotate(visit: Visiting, feed_id: UUID, form: Form) -> Response:
    """Make a new token and show it, this once."""
    hours = form.get("overlap_hours", "")
    body = {"overlap_hours": int(hours) if hours.isdigit() else _OVERLAP_HOURS}
    feed = (await visit.ask("intake", f"/feeds/{feed_id}")).need()
    answer = await visit.tell("intake", "POST", f"/feeds/{feed_id}/tokens", body)
    if not answer.ok:
        return _back(visit, feed_id, answer, "")
    secret = answer.json["secret"]
    return visit.page("feed_token.html", live=False, feed=feed, secret=secret, first=False, hours=body["overlap_hours"])


@router.post("/feeds/{feed_id}/tokens/{token_id}/end")
async def end_token(visit: Visiting, feed_id: UUID, token_id: UUID, form: Form) -> Response:
    """End a token now."""
    answer = await visit.tell("intake", "POST", f"/feeds/{feed_id}/tokens/{token_id}/end", key=form.key)
    return _back(visit, feed_id, answer, "Saved. The token has ended.")


def _back(visit: Visit, feed_id: UUID, answer: Answer, said: str) -> Response:
    """Return to the feed with what became of it."""
    if answer.status not in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY):
        answer.need()
    return visit.go(f"/feeds/{feed_id}", said=said if answer.ok else answer.detail)


def _may_change(visit: Visit, feed: Mapping[str, Any]) -> bool:
    roles = visit.person.roles
    return any(
        role.name in ("feed_manager", "administrator") and role.campus in (feed["campus"], EVERYWHERE) for role in roles
    )


async def _form(
    visit: Visit, typed: Mapping[str, str], wrong: Mapping[str, str] | None = None, status: int = HTTPStatus.OK
) -> HTMLResponse:
    shipped = await visit.ask("intake", "/feed-mappings")
    campuses = [("", "Choose"), *((each.code, each.name) for each in visit.campuses)]
    if any(role.campus == EVERYWHERE for role in visit.person.roles):
        campuses.append((EVERYWHERE, "Several: its rows name their campus"))
    staff = sorted(visit.program.staff.values(), key=lambda each: each.name)
    return visit.page(
        "feed_new.html",
        status,
        live=False,
        typed=typed,
        wrong=wrong or {},
        shipped=[("", "None: I write one"), *((each["name"], _short(each)) for each in shipped.items())],
        staff=[("", "Choose"), *((each.staff_id, each.name) for each in staff)],
        campuses=campuses,
        days=list(enumerate(words.DAYS)),
        chosen_days=typed.all("days") if isinstance(typed, Fields) else [],
        words=words,
    )


def _short(shipped: Mapping[str, Any]) -> str:
    return f"{shipped['name']}: {shipped['about']}"[:90]


def _wanted(form: Fields) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what was typed as the owner takes it, and what is missing."""
    asked = {
        "name": "Give the feed a name",
        "code": "Give it a short name for machines",
        "kind": "Choose how it comes",
        "brings": "Choose what it brings",
        "campus": "Choose a campus",
        "owner_id": "Choose who looks after it",
    }
    wrong = {name: words_ for name, words_ in asked.items() if not form.get(name)}
    low, high = form.get("low", ""), form.get("high", "")
    wrong |= {name: "Write a number" for name, said in (("low", low), ("high", high)) if said and not said.isdigit()}
    body: dict[str, Any] = {name: form.get(name, "") for name in asked}
    body["mapping"] = form.get("mapping", "")
    body["expected"] = {
        "days": [int(day) for day in form.all("days") if day.isdigit()],
        "by": form.get("by", ""),
        "low": int(low) if low.isdigit() else 0,
        "high": int(high) if high.isdigit() else 0,
    }
    return body, wrong


def _faults(answer: Answer) -> dict[str, str]:
    """Return what the owner found, by field."""
    found = {fault["pointer"].removeprefix("/body/").split("/")[0]: fault["detail"] for fault in answer.errors}
    return found or {"name": answer.detail}


def _file(visit: Visit, rows: list[Mapping[str, Any]]) -> tuple[list[str], list[list[object]]]:
    columns = ["Feed", "Code", "Kind", "Brings", "Campus", "Owner", "State", "Set aside", "Last came"]
    return columns, [
        [
            feed["name"], feed["code"], words.KINDS.get(feed["kind"], feed["kind"]),
            words.BRINGS.get(feed["brings"], feed["brings"]), feed["campus"], visit.staff_name(feed["owner_id"]),
            words.STATES[feed["state"]][0], feed["waiting"], feed["last_at"] or "",
        ]
        for feed in rows
    ]  # fmt: skip
