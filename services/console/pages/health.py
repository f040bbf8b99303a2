"""For operators: how the services do, and the events that could not be handled — look, try again, give up."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.console import health
from services.console.forms import Form
from services.console.listing import Choice, Filters, as_csv
from services.console.visit import Visiting
from shared.refusal import Refused
from shared.settings import OWNERS

router = APIRouter(include_in_schema=False)

HERE = "/health-of-services"
STATES = (
    ("", "Waiting for somebody"),
    ("dead", "Could not be handled"),
    ("waiting", "Behind another"),
    ("retried", "Handled after all"),
    ("discarded", "Given up"),
)
REASONS = (
    ("mended_at_source", "Mended where it came from, and sent again"),
    ("superseded", "A later event says the same or more"),
    ("not_needed", "Nobody needs it any more"),
    ("unreadable", "Cannot be read, now or later"),
)


def owner(service: str) -> str:
    """Return a service that has dead letters; there is no page for any other."""
    if service not in OWNERS:
        raise Refused("not_found", "There is no such page.", status=HTTPStatus.NOT_FOUND)
    return service


Owner = Annotated[str, Depends(owner)]


@router.get(HERE)
async def show(visit: Visiting) -> Response:
    """Show how each service does."""
    answers = await visit.together(*(visit.ask(service, "/status") for service in OWNERS))
    refused = next((answer for answer in answers if answer.status == HTTPStatus.FORBIDDEN), None)
    if refused is not None:
        refused.need()
    visit.away.clear()  # the page itself says which does not answer
    found = [
        health.of(service, answer.json if answer.ok else None) for service, answer in zip(OWNERS, answers, strict=True)
    ]
    return visit.page("health.html", found=found, headline=health.headline(found), hears=visit.console.hub.hears)


@router.get(f"{HERE}/{{service}}")
async def letters(visit: Visiting, service: Owner) -> Response:
    """List the events that a service could not handle."""
    filters = Filters(visit, [Choice("state", "State", STATES), Choice("consumer", "Consumer")], by_campus=False)
    answer = await visit.ask(service, "/dead-letters", headers=filters.headers, **filters.parameters)
    if not answer.missing:
        answer.need()
    if filters.csv:
        columns = ["id", "recorded_at", "event_type", "consumer", "error_class", "error_place", "attempts", "state"]
        return as_csv(f"dead-letters-{service}", columns, [[each[name] for name in columns] for each in answer.items()])
    return visit.page(
        "dead_letters.html",
        service=service,
        filters=filters,
        saved=await filters.saved(),
        letters=answer.items(),
        after=answer.json["after"] if answer.ok else None,
        missing=answer.missing,
        states=dict(STATES),
        reasons=REASONS,
    )


@router.get(f"{HERE}/{{service}}/{{letter_id}}")
async def letter(visit: Visiting, service: Owner, letter_id: UUID) -> Response:
    """Show one with its headers and value: ids and codes, since no text travels."""
    opened = (await visit.ask(service, f"/dead-letters/{letter_id}")).need()
    return visit.page(
        "dead_letter.html",
        service=service,
        states=dict(STATES),
        reasons=REASONS,
        letter=opened["letter"],
        payload=opened["payload"],
        came_with=opened["headers"],
    )


@router.post(f"{HERE}/{{service}}")
async def decide(visit: Visiting, service: Owner, form: Form) -> Response:
    """Try chosen ones again, or give them up with a reason."""
    ids, action, reason = form.all("pick"), form.get("action", ""), form.get("reason", "")
    back = f"{HERE}/{service}"
    wrong = _wrong(ids, action, reason)
    if wrong:
        return visit.go(back, said=wrong)
    body: dict[str, object] = {"ids": ids} if action == "retry" else {"ids": ids, "reason": reason}
    answer = await visit.tell(service, "POST", f"/dead-letters:{action}", body, key=form.key)
    if not answer.ok:
        return visit.go(back, said=answer.detail or f"{service.capitalize()} is away. Nothing was changed.")
    number = answer.json["changed"]
    what = "will be tried again within seconds" if action == "retry" else "given up"
    return visit.go(back, said=f"{number} {'event' if number == 1 else 'events'} {what}.")


def _wrong(ids: list[str], action: str, reason: str) -> str:
    """Return what is missing from a decision, as a sentence."""
    if not ids:
        return "Nothing was changed: choose at least one event first."
    if action not in ("retry", "discard"):
        return "Nothing was changed: choose whether to try again or to give up."
    if action == "discard" and reason not in dict(REASONS):
        return "Nothing was changed: say why these are given up."
    return ""
