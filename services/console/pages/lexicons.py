"""Word lists: every edition, a draft with its words, how it does beside what is in force, and putting it there."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse, Response

from services.console import reading
from services.console.forms import Fields, Form
from services.console.listing import AS, Choice, Filters, as_csv
from services.console.owners import Answer
from services.console.visit import Visit, Visiting
from shared.web.gate import EXPORT, USE_HEADER

router = APIRouter(include_in_schema=False)

Edition = Annotated[str, Path(pattern=r"^[a-z]{2}-[0-9A-Za-z.-]{1,60}$")]
LISTS = {
    "negators": "Words that deny what follows",
    "bridges": "Words that may stand between",
    "unless_before": "Words before them that undo it",
    "doubts": "Words of doubt shortly before them",
    "joiners": "Words that join two denials",
}
LANGUAGES = {"en": "English", "es": "Spanish"}
_OTHERS = "_others"
_LANGUAGES = (("", "Any"), *LANGUAGES.items())
_STATES = (
    ("", "Any"), ("draft", "Draft"), ("active", "Put in force"), ("withdrawn", "Taken back"),
    ("discarded", "Thrown away"), ("shipped", "Ships with Caselight"),
)  # fmt: skip
_KEYS = ("edition", "language", "state", "in_force", "effective_from", "changed_at", "note")


@router.get("/lexicons")
async def listing(visit: Visiting) -> Response:
    """Show every edition, by language; which are in force."""
    filters = Filters(
        visit, [Choice("language", "Language", _LANGUAGES), Choice("state", "State", _STATES)], by_campus=False
    )
    answer = await visit.ask("intake", "/lexicons", headers=filters.headers)
    found = answer.json if answer.ok else None
    if not answer.ok and not answer.missing:
        answer.need()
    # There are some dozens, which their owner tells all at once.
    wanted = {name: value for name, value in filters.values.items() if value}
    rows = [each for each in answer.items() if wanted.items() <= each.items()]
    if filters.csv:
        answer.need()
        return as_csv("lexicons", list(_KEYS), [[each[key] for key in _KEYS] for each in rows])
    return visit.page(
        "lexicons.html",
        found=found,
        rows=rows,
        filters=filters,
        saved=await filters.saved(),
        languages=LANGUAGES,
        may_change=_may_change(visit),
        at_time=datetime.fromisoformat,
        live=False,
    )


@router.post("/lexicons")
async def begin(visit: Visiting, form: Form) -> Response:
    """Begin a draft."""
    body = {"based_on": form.get("based_on", ""), "note": form.get("note", "")}
    answer = await visit.tell("intake", "POST", "/lexicons", body, key=form.key)
    if not answer.ok:
        return visit.go("/lexicons", said=answer.detail or "That could not be begun. Try again shortly.")
    return visit.go(
        f"/lexicons/{answer.json['edition']}", said="A draft of your own. Nothing changes until it is put in force."
    )


@router.get("/lexicons/{edition}")
async def one(visit: Visiting, edition: Edition) -> Response:
    """Show an edition: its words, and for whoever may change them how it does. Its words leave as a file too."""
    if visit.request.query_params.get(AS) == "csv":
        said = await visit.ask("intake", f"/lexicons/{edition}", headers={USE_HEADER: EXPORT})
        return as_csv(edition, ["List", "Kind", "Word"], _lines_of(said.need()["document"]))
    return await _show(visit, edition)


def _lines_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield every word of an edition with the list it stands in, as the page names them."""
    for category, held in document["categories"].items():
        yield from (("Words that mark", category, term) for term in held.get("terms", ()))
        yield from (("Words that mark, about others", category, term) for term in held.get("terms_about_others", ()))
    yield from (("What looks like it and is not", "", term) for term in document["idioms"]["terms"])
    for name, held in document["words"].items():
        yield from (("Words of one meaning", f"<{name}>", term) for term in held)
    for name, words in LISTS.items():
        yield from ((words, name, term) for term in document["negation"].get(name, ()))


@router.post("/lexicons/{edition}/words")
async def save(visit: Visiting, edition: Edition, form: Form) -> Response:
    """Save the words of a draft, or look at what they would find in a text."""
    if form.get("do") == "try":
        return await _show(visit, edition, tried=form.get("text", ""))
    answer = await visit.tell("intake", "POST", f"/lexicons/{edition}/words", _words_of(form), key=form.key)
    if answer.ok:
        return visit.go(f"/lexicons/{edition}", said="Saved. Compare it below before somebody puts it in force.")
    return await _refused(visit, edition, answer, form)


@router.post("/lexicons/{edition}/{verb}")
async def act(visit: Visiting, edition: Edition, verb: str, form: Form) -> Response:
    """Put an edition in force, take it back, or throw a draft away."""
    version = form.get("version", "")
    bodies: dict[str, dict[str, Any]] = {
        "activate": {
            "version": int(version) if version.isdigit() else 1,
            "lower_recall_reason": form.get("lower_recall_reason", ""),
        },
        "roll-back": {"reason": form.get("reason", "")},
        "discard": {},
    }
    if verb not in bodies:
        return await _show(visit, edition)
    if verb == "roll-back" and not bodies[verb]["reason"]:
        return await _show(visit, edition, wrong="Say why it is taken back", field="reason")
    body = bodies[verb] or None
    answer = await visit.tell("intake", "POST", f"/lexicons/{edition}/{verb}", body, key=form.key)
    if answer.ok:
        return visit.go("/lexicons", said=_DONE[verb])
    return await _refused(visit, edition, answer, None)


_DONE = {
    "activate": "It is in force. What comes in from now on is read with it.",
    "roll-back": "Taken back. What held before holds again.",
    "discard": "Thrown away.",
}
_FIELDS = {"misses_danger": "lower_recall_reason", "second_person_needed": "activate"}


async def _refused(visit: Visit, edition: str, answer: Answer, form: Fields | None) -> Response:
    field = _FIELDS.get(answer.problem, "words")
    if answer.problem == "term_unreadable" and answer.errors:
        field = _field_of(answer.errors[0].get("pointer", ""))
    sentence = answer.detail or "That was not saved. Try again shortly."
    return await _show(visit, edition, wrong=sentence, field=field, typed=form)


def _field_of(pointer: str) -> str:
    """Return the field that a place in a document is edited in: `/body/categories/danger/terms/3` -> `terms-danger`."""
    parts = pointer.strip("/").split("/")[1:]
    if parts[0] == "categories":
        return f"terms-{parts[1]}" + (_OTHERS if parts[2] == "terms_about_others" else "")
    return "idioms" if parts[0] == "idioms" else "words"


def _words_of(form: Fields) -> dict[str, Any]:
    """Return the lists as their owner takes them: one line, one term."""
    version = form.get("version", "")
    given: dict[str, Any] = {"version": int(version) if version.isdigit() else 1, "note": form.get("note", "")}
    categories: dict[str, dict[str, list[str]]] = {}
    lists: dict[str, dict[str, list[str]]] = {"words": {}, "negation": {}}
    for name, value in form.items():
        kind, _, rest = name.partition("-")
        if kind == "terms":
            which = "terms_about_others" if rest.endswith(_OTHERS) else "terms"
            categories.setdefault(rest.removesuffix(_OTHERS), {})[which] = _lines(value)
        elif kind in lists and rest:
            lists[kind][rest] = _lines(value)
    if "idioms" in form:
        given["idioms"] = _lines(form["idioms"])
    return given | {"categories": categories} | lists


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


async def _show(
    visit: Visit,
    edition: str,
    *,
    wrong: str = "",
    field: str = "",
    typed: Mapping[str, str] | None = None,
    tried: str | None = None,
) -> HTMLResponse:
    answer = await visit.ask("intake", f"/lexicons/{edition}")
    found = answer.need()
    may = _may_change(visit)
    compared = await visit.tell("intake", "GET", f"/lexicons/{edition}/comparison") if may else None
    trial = await visit.tell("intake", "POST", f"/lexicons/{edition}/try", {"text": tried}) if tried else None
    narrative = None
    if trial is not None and trial.ok:
        said = {"narrative": tried, "hits": trial.json["hits"], "screened_with": edition, "only_danger": False}
        narrative = reading.narrative_of(said)
    return visit.page(
        "lexicon.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        edition=found,
        document=found["document"],
        compared=compared.json if compared is not None and compared.ok else None,
        may_change=may,
        mine=visit.person.id in found["authors"],
        lists=LISTS,
        languages=LANGUAGES,
        reading=reading,
        tried=tried or "",
        narrative=narrative,
        tried_level=trial.json["level"] if trial is not None and trial.ok else "",
        wrong=wrong,
        field=field,
        typed=typed or {},
        at_time=datetime.fromisoformat,
        live=False,
    )


def _may_change(visit: Visit) -> bool:
    return any(role.name == "administrator" and role.campus == "*" for role in visit.person.roles)
