"""A feed's mapping: write the next version beside a sample, see what it makes of it, keep it, put it in use."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import feeds as words
from services.console.feeds import LONGEST_DOCUMENT, NotYaml, read_document, written
from services.console.forms import Fields, Form
from services.console.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)
_BEGIN = {
    "csv": {
        "mapping": "", "brings": "flags", "reads": "csv",
        "fields": {
            "alert_id": "Alert ID", "student_id": "Student ID", "course_code": "Course",
            "reason_code": {"column": "Reason", "values": {"Absences": "ABSENCE"}},
            "raised_at": {"column": "Date", "format": "%m/%d/%Y"},
        },
    },
}  # fmt: skip


@router.get("/feeds/{feed_id}/mapping")
async def edit(visit: Visiting, feed_id: UUID, version: int = 0) -> HTMLResponse:
    """Show a version to read, to try, or to begin the next one from."""
    feed, versions = await visit.together(
        visit.ask("intake", f"/feeds/{feed_id}"), visit.ask("intake", f"/feeds/{feed_id}/mappings")
    )
    said, there = feed.need(), versions.items()
    found = next((each for each in there if each["version"] == version or (not version and each["in_use"])), None)
    found = found or (there[0] if there else None)
    document = found["document"] if found else {**_BEGIN["csv"], "mapping": said["code"], "brings": said["brings"]}
    return _show(visit, said, written(document), version=found["version"] if found else 0)


@router.post("/feeds/{feed_id}/mapping")
async def try_or_keep(visit: Visiting, feed_id: UUID, form: Form) -> Response:
    """Try what was typed on the sample, or keep it as the next version."""
    feed = (await visit.ask("intake", f"/feeds/{feed_id}")).need()
    text = form.get("document", "")[:LONGEST_DOCUMENT]
    try:
        document = read_document(text)
    except NotYaml as wrong:
        return _show(visit, feed, text, form=form, wrong=str(wrong), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if form.get("do") == "keep":
        kept = {"document": document, "note": form.get("note", "")[:500]}
        answer = await visit.tell("intake", "POST", f"/feeds/{feed_id}/mappings", kept, key=form.key)
        if answer.ok:
            said = f"Saved as version {answer.json['version']}. It is not in use yet."
            return visit.go(f"/feeds/{feed_id}", said=said)
    else:
        body: dict[str, Any] = {
            "document": document,
            "sample": form.get("sample", ""),
            "dry_run": form.get("do") == "dry_run",
        }
        answer = await visit.tell("intake", "POST", f"/feeds/{feed_id}/mappings/try", body)
        if answer.ok:
            return _show(visit, feed, text, form=form, trial=answer.json)
    if answer.status != HTTPStatus.UNPROCESSABLE_ENTITY:
        answer.need()
    return _show(visit, feed, text, form=form, wrong=_fault(answer.errors, answer.detail), status=answer.status)


@router.post("/feeds/{feed_id}/mapping/{version}/activate")
async def activate(visit: Visiting, feed_id: UUID, version: int, form: Form) -> Response:
    """Put a version in use, or go back to it."""
    path = f"/feeds/{feed_id}/mappings/{version}/activate"
    answer = await visit.tell("intake", "POST", path, key=form.key)
    if answer.status != HTTPStatus.CONFLICT:
        answer.need()
    said = f"Saved. Rows are read by version {version} from now on." if answer.ok else answer.detail
    return visit.go(f"/feeds/{feed_id}", said=said)


def _fault(errors: Any, detail: str) -> str:  # noqa: ANN401 - JSON
    """Say what is to mend, with its place in the document."""
    place = next((fault["pointer"].removeprefix("/body/document/") for fault in errors), "")
    return f"{place}: {detail}" if place and not place.startswith("/body") else detail


def _show(
    visit: Visit,
    feed: Any,  # noqa: ANN401 - JSON
    document: str,
    *,
    version: int = 0,
    form: Fields | None = None,
    trial: Any = None,  # noqa: ANN401 - JSON
    wrong: str = "",
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    return visit.page(
        "feed_mapping.html",
        status,
        live=False,
        feed=feed,
        document=document,
        version=version,
        typed=form or {},
        trial=trial,
        wrong=wrong,
        words=words,
    )
