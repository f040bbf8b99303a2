"""Keeping and forgetting filters of lists."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from services.console.forms import Form
from services.console.pages.sign_in import safe_back
from services.console.storage import filters
from services.console.visit import Visiting, as_person

router = APIRouter(include_in_schema=False)

LONGEST_NAME = 60
LONGEST_QUERY = 1000


@router.post("/filters")
async def save(visit: Visiting, form: Form) -> Response:
    """Keep the filters of a list under a name, and show the list with them."""
    path, query = safe_back(form.get("path", "/")).partition("?")[0], form.get("query", "")[:LONGEST_QUERY]
    name = form.get("name", "")[:LONGEST_NAME]
    back = f"{path}?{query}" if query else path
    if not name:
        return visit.go(back, said="Give the filters a name to keep them.")
    async with visit.console.database.transaction(as_person(visit)) as tx:
        await filters.save(tx, path, name, query)
    return visit.go(back, said=f"Saved as “{name}”.")


@router.post("/filters/{filter_id}/drop")
async def drop(visit: Visiting, filter_id: UUID, _form: Form) -> Response:
    """Forget saved filters."""
    async with visit.console.database.transaction(as_person(visit)) as tx:
        await filters.drop(tx, filter_id)
    return visit.go("/me#filters", said="The saved filters are deleted.")
