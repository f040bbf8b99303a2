"""A form whose session ended while somebody typed: nothing of it is lost."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console.forms import OWN_FIELDS, Form
from services.console.storage import drafts
from services.console.visit import Visiting, as_person
from shared.refusal import Refused

router = APIRouter(include_in_schema=False)


@router.get("/unsent/{draft_id}")
async def show(visit: Visiting, draft_id: UUID) -> HTMLResponse:
    """Show what was typed, to send it now or to copy it."""
    async with visit.console.database.transaction(as_person(visit)) as tx:
        draft = await drafts.read(tx, visit.console.keys, draft_id)
    if draft is None:
        raise Refused("not_found", "What was typed is not kept any longer.", status=HTTPStatus.NOT_FOUND)
    typed = dict(draft.fields)
    return visit.page(
        "unsent.html",
        draft=draft,
        form_key=typed.get("form_key", ""),
        fields=[(name, value) for name, value in draft.fields if name not in OWN_FIELDS],
    )


@router.post("/unsent/{draft_id}/drop")
async def drop(visit: Visiting, draft_id: UUID, _form: Form) -> Response:
    """Forget what was typed."""
    async with visit.console.database.transaction(as_person(visit)) as tx:
        await drafts.drop(tx, draft_id)
    return visit.go("/", said="What you had typed is deleted.")
