"""The program: staff, rotas, policies, campuses. To look at for all who work in it, to change for its administrators.

A change is written in a form, shown as what would be otherwise, and only then made. Nothing is checked here that the
program does not check: what it finds wrong is said beside the field it found it in.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse, Response

from services.console import handing, program_entry, program_forms, program_parts
from services.console.forms import OWN_FIELDS, Form
from services.console.listing import Choice, Filters, as_csv
from services.console.owners import Answer
from services.console.program_entry import Found
from services.console.program_parts import BY_PATH, ELSEWHERE, SECTIONS, Section, role_name
from services.console.visit import Visit, Visiting
from shared.access.actors import EVERYWHERE
from shared.access.rules import ROLES
from shared.program.defaults import DEFAULTS
from shared.refusal import Refused

router = APIRouter(include_in_schema=False)

SHOWN = 100
_ORDERS = (("name", "Name"), ("cases", "Most open cases first"))
What = Annotated[str, Path(pattern="^(staff|rotas|policies|campuses)$")]
Tail = Annotated[str, Path(min_length=1, max_length=200)]
_STEPS = frozenset({"step", "remove"})


@router.get("/program")
async def staff(visit: Visiting) -> Response:
    """List the staff by name; for those who may know how much work everybody has, by that too."""
    roles = [("", "Any"), *((code, role_name(code)) for code in sorted(ROLES))]
    knows = visit.person.has("supervisor", "director")
    filters = Filters(visit, [Choice("role", "Role", roles)], orders=_ORDERS if knows else _ORDERS[:1])
    asked, *loads = await visit.together(
        visit.ask("program", "/program", kind="staff", headers=filters.headers),
        *([visit.ask("analytics", "/figures/caseloads", campus=filters.parameters.get("campus"))] if knows else []),
    )
    said = asked.need()
    found = [each for each in said["staff"] if _works(visit, each) and _holds(each, filters.values["role"])]
    found.sort(key=lambda each: (each["name"].lower(), each["staff_id"]))
    has = handing.open_cases(loads[0]) if loads else None
    if has is not None and filters.order == "cases":
        found.sort(key=lambda each: -has.get(each["staff_id"], 0))
    if filters.csv:
        rows = [
            (each["name"], each["email"], each["campus"], roles_of(visit, each))
            + (() if has is None else (has.get(each["staff_id"], 0),))
            for each in found
        ]
        columns = ["Name", "E-mail", "Home campus", "Roles"] + ([] if has is None else ["Open cases"])
        return as_csv("staff", columns, rows)
    begin = next((place for place, each in enumerate(found) if each["staff_id"] == filters.after), -1) + 1
    part = found[begin : begin + SHOWN]
    after = part[-1]["staff_id"] if begin + SHOWN < len(found) else None
    values = {"people": part, "total": len(found), "filters": filters, "saved": await filters.saved(), "after": after}
    return _list(visit, "staff", roles_of=roles_of, present=visit.program.present, open_cases=has, **values)


@router.get("/program/{what}")
async def listing(visit: Visiting, what: What) -> Response:
    """List rotas, policies or campuses."""
    if what == "staff":
        return visit.go("/program")
    section = BY_PATH[what]
    said = (await visit.ask("program", "/program", kind=section.kind)).need()[section.document]
    if what == "policies":
        return _list(visit, what, policies=_policies(visit), elsewhere=ELSEWHERE)
    if what == "rotas":
        lines = sorted(said, key=lambda each: (each["campus"] != EVERYWHERE, each["campus"], each["function"]))
        return _list(visit, what, rotas=[_rota(visit, each) for each in lines])
    return _list(visit, what, places=sorted(said, key=lambda each: str(each["name"]).lower()))


@router.get("/program/{what}/new")
async def new(visit: Visiting, what: What) -> Response:
    """Ask what a new entry is called."""
    return _new(visit, BY_PATH[what])


@router.post("/program/{what}/new")
async def name(visit: Visiting, what: What, form: Form) -> Response:
    """Go to the form of the entry that was named."""
    section = BY_PATH[what]
    tail = ":".join(form.get(key, "").strip() for key in section.keys)
    if section.named(tail) is None:
        return _new(visit, section, wrong="Letters, digits and . _ @ - only, as the sign-in or the registrar has it.")
    return visit.go(f"/program/{what}/{tail}")


@router.get("/program/{what}/{tail}")
async def entry(visit: Visiting, what: What, tail: Tail) -> Response:
    """Show one entry, as a form to whoever may change it."""
    found = await _found(visit, what, tail)
    return _form(visit, found, found.entry, {})


@router.post("/program/{what}/{tail}")
async def change(visit: Visiting, what: What, tail: Tail, form: Form) -> Response:
    """Show what a form would change; make the change once that was seen."""
    found = await _found(visit, what, tail)
    step = form.get("step", "")
    typed = {name: form[name] for name in form if name not in OWN_FIELDS | _STEPS}
    removes = step == "remove" or (step == "make" and form.get("remove") == "yes")
    made = _removed(found) if removes else _read(visit, found, typed)
    if step == "edit":
        return _form(visit, found, _read(visit, found, typed) if typed else found.entry, {})
    if form.get("version", "") != str(found.version):
        return _form(visit, found, found.entry, {}, overtaken=True)
    if step == "make":
        return await _make(visit, found, made, form.key)
    answer = await program_entry.send(visit, found, made, dry_run=True)
    if not answer.ok:
        return _refused(visit, found, made, answer)
    changes = answer.json["changes"]
    return _preview(visit, found, made, typed, changes) if changes else _nothing(visit, found)


async def _make(visit: Visit, found: Found, made: Mapping[str, Any], key: str) -> Response:
    answer = await program_entry.send(visit, found, made, dry_run=False, key=key)
    if not answer.ok:
        return _refused(visit, found, made, answer)
    changes = answer.json["changes"]
    return visit.go(_after(found, made), said=_said(changes)) if changes else _nothing(visit, found)


def _nothing(visit: Visit, found: Found) -> Response:
    return visit.go(_address(found), said="It is so already: nothing to change.")


def _refused(visit: Visit, found: Found, made: Mapping[str, Any], answer: Answer) -> Response:
    if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        shown = found.entry if made.get("status") == "removed" else made
        return _form(visit, found, shown, program_entry.faults(found, answer))
    if answer.problem == "changed_meanwhile":
        return _form(visit, found, found.entry, {}, overtaken=True)
    answer.need()
    raise AssertionError


# ----------------------------------------------------------------------------------------------------------- pages


def _list(visit: Visit, what: str, **values: object) -> HTMLResponse:
    return visit.page(
        "program.html",
        what=what,
        section=BY_PATH[what],
        tabs=_tabs(what),
        change=bool(_administered(visit)),
        **values,  # type: ignore[arg-type] # none of them is one of the frame's own
    )


def _tabs(what: str) -> list[tuple[str, str, bool]]:
    return [
        (each.title, "/program" if each.path == "staff" else f"/program/{each.path}", each.path == what)
        for each in SECTIONS
    ]


def _new(visit: Visit, section: Section, wrong: str = "") -> HTMLResponse:
    options = {
        "campus": program_parts.campuses(visit),
        "function": program_parts.FUNCTIONS,
        "name": [(code, code.replace("_", " ").capitalize()) for code in sorted(DEFAULTS) if code not in ELSEWHERE],
    }
    asked = [(key, options.get(key) if section.kind != "campus" else None) for key in section.keys]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return visit.page("program_new.html", status, section=section, asked=asked, tabs=_tabs(section.path), wrong=wrong)


def _form(
    visit: Visit, found: Found, made: Mapping[str, Any], errors: Mapping[str, str], *, overtaken: bool = False
) -> HTMLResponse:
    section = found.section
    parts = section.parts(visit, found.entry)
    shown = program_forms.show(parts, made, errors, _zone(visit, found))
    placed = _placed(shown)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.CONFLICT if overtaken else HTTPStatus.OK
    return visit.page(
        "program_entry.html",
        status,
        live=False,
        section=section,
        found=found,
        title=_title(visit, found),
        tabs=_tabs(section.path),
        shown=shown,
        errors=[(name, placed[name] or detail) for name, detail in errors.items() if name in placed],
        loose=[detail for name, detail in errors.items() if name not in placed],
        change=program_entry.may_change(visit, _campus_of(found)) and found.entry.get("name") not in ELSEWHERE,
        overtaken=overtaken,
        zone=_zone(visit, found),
        words=program_forms.differences(parts, {}, _as_it_is(made), _zone(visit, found)),
    )


def _as_it_is(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an entry to look at: of a policy the edition in force, and not the one its form begins with."""
    if "in_force" not in entry:
        return entry
    return {**entry, "edition": entry["in_force"], "effective_from": None}


def _placed(shown: list[program_forms.Shown | program_forms.ShownRows]) -> dict[str, str]:
    """Return what is said at each field of the form, by its name."""
    names: dict[str, str] = {}
    for each in shown:
        rows = [[each]] if isinstance(each, program_forms.Shown) else each.shown
        names |= {field.name: field.error for row in rows for field in row}
    return names


def _preview(
    visit: Visit, found: Found, made: Mapping[str, Any], typed: Mapping[str, str], changes: list[Mapping[str, Any]]
) -> HTMLResponse:
    parts = found.section.parts(visit, found.entry)
    before = found.entry if found.version or found.section.kind == "policy" else {}
    removed = made.get("status") == "removed"
    return visit.page(
        "program_preview.html",
        live=False,
        section=found.section,
        found=found,
        title=_title(visit, found),
        tabs=_tabs(found.section.path),
        removed=removed,
        differences=[] if removed else program_forms.differences(parts, before, made, _zone(visit, found)),
        warnings=program_entry.warnings(visit, found, made),
        approval=any(each["needs_approval"] for each in changes),
        typed=typed,
    )


# ------------------------------------------------------------------------------------------------------------ parts


async def _found(visit: Visit, what: str, tail: str) -> Found:
    section = BY_PATH[what]
    known = section.kind != "policy" or tail.partition(":")[2] in DEFAULTS
    found = await program_entry.find(visit, section, tail) if known else None
    if found is None:
        raise Refused("not_found", f"There is no such {section.one}.", status=HTTPStatus.NOT_FOUND)
    return found


def _read(visit: Visit, found: Found, typed: Mapping[str, str]) -> dict[str, Any]:
    return program_forms.read(found.section.parts(visit, found.entry), found.entry, typed, _zone(visit, found))


def _zone(visit: Visit, found: Found) -> str:
    """Return the zone that times of an entry are written in: its campus's, or that of whoever writes."""
    campus = visit.program.campuses.get(_campus_of(found))
    return campus.zone if campus else visit.zone


def _removed(found: Found) -> dict[str, Any]:
    return {key: found.entry[key] for key in found.section.keys} | {"status": "removed"}


def _address(found: Found) -> str:
    return f"/program/{found.section.path}/{found.tail}"


def _after(found: Found, made: Mapping[str, Any]) -> str:
    gone = made.get("status") == "removed"
    return (
        _address(found)
        if not gone
        else "/program"
        if found.section.path == "staff"
        else f"/program/{found.section.path}"
    )


def _said(changes: list[Mapping[str, Any]]) -> str:
    if any(each["needs_approval"] for each in changes):
        return "Proposed. A second administrator has to agree before it is in force."
    return {"add": "Added.", "change": "Saved.", "remove": "Removed."}[changes[0]["change"]]


def _campus_of(found: Found) -> str:
    return str(found.entry.get("campus") or EVERYWHERE)


def _title(visit: Visit, found: Found) -> str:
    said = found.entry
    match found.section.kind:
        case "rota":
            function = dict(program_parts.FUNCTIONS).get(said["function"], said["function"])
            return f"{function} at {visit.campus_name(said['campus'])}"
        case "policy":
            return f"{said['name'].replace('_', ' ').capitalize()}, {visit.campus_name(said['campus'])}"
        case _:
            return str(said.get("name") or found.tail)


def _administered(visit: Visit) -> set[str]:
    return {role.campus for role in visit.person.roles if role.name == "administrator"}


def _works(visit: Visit, each: Mapping[str, Any]) -> bool:
    there = {each["campus"], *(role["campus"] for role in each["roles"])}
    return visit.campus == EVERYWHERE or bool(there & {visit.campus, EVERYWHERE})


def _holds(each: Mapping[str, Any], role: str) -> bool:
    return not role or any(held["name"] == role for held in each["roles"])


def roles_of(visit: Visit, each: Mapping[str, Any]) -> str:
    """Return somebody's roles in words."""
    return "; ".join(f"{role_name(role['name'])}, {visit.campus_name(role['campus'])}" for role in each["roles"])


def _rota(visit: Visit, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rota for the list: who is on duty now, and when nobody is."""
    campus, function = said["campus"], said["function"]
    now = visit.program.on_duty(campus, function, visit.now)
    backup = visit.program.on_duty(campus, function, visit.now, backup=True)
    return {
        "campus": campus,
        "tail": f"{campus}:{function}",
        "name": dict(program_parts.FUNCTIONS).get(function, function),
        "now": ", ".join(visit.staff_name(id_) for id_ in now),
        "backup": ", ".join(visit.staff_name(id_) for id_ in backup),
        "gaps": program_entry.gaps(visit.program, said, visit.now)[:2],
    }


def _policies(visit: Visit) -> list[dict[str, Any]]:
    """Return each policy with what is in force where."""
    codes = [EVERYWHERE, *sorted(visit.program.campuses)] if visit.campus == EVERYWHERE else [EVERYWHERE, visit.campus]
    found = []
    for name_ in sorted(DEFAULTS):
        forces = [(code, visit.program.policy(name_, code, visit.now)) for code in codes]
        own = [(code, policy) for code, policy in forces if code in (EVERYWHERE, policy.campus)]
        found.append(
            {
                "name": name_,
                "title": name_.replace("_", " ").capitalize(),
                "where": [(code, visit.campus_name(code), policy.edition) for code, policy in own],
            }
        )
    return found
