"""One entry of the program: read as it is, changed as a form says, sent as a document of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from services.console.owners import Answer
from services.console.program_forms import errors_of
from services.console.program_parts import Section
from services.console.visit import Visit
from shared.access.actors import EVERYWHERE
from shared.events.program import RotaSnapshot
from shared.program import Program
from shared.program.policies import complete

# What is kept with an entry and is nobody's to say.
_NOT_SAID = frozenset({"version", "calendar_version", "status"})
_LOOK_AHEAD = timedelta(days=14)
_EVERY = timedelta(minutes=30)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """An entry as it is now, for its form; `version` is 0 for one that is not there yet."""

    section: Section
    tail: str
    entry: Json
    version: int

    @property
    def key(self) -> str:
        """Its key."""
        return self.section.key(self.tail)


async def find(visit: Visit, section: Section, tail: str) -> Found | None:
    """Return an entry, or what a new one begins with; None where the address can be nobody's."""
    named = section.named(tail)
    if named is None:
        return None
    said = (await visit.ask("program", "/program", key=section.key(tail))).need()
    there = next(iter(said[section.document]), None)
    version = there["version"] if there else 0
    entry: Json = {name: value for name, value in (there or {}).items() if name not in _NOT_SAID} | named
    if section.kind == "policy":
        entry = _policy(visit, entry)
    return Found(section, tail, entry, version)


def _policy(visit: Visit, entry: Json) -> Json:
    """Return a policy's form: its editions as they are, and one more that begins with the values in force."""
    now = visit.program.policy(entry["name"], entry["campus"], visit.now)
    return entry | {
        "editions": [_as_sent(each) for each in entry.get("editions") or []],
        "in_force": now.edition,
        "values": complete(entry["name"], now.values),
        "edition": f"{visit.now:%Y-%m-%d}",
        "effective_from": visit.now.replace(second=0, microsecond=0).isoformat(),
        "source": "",
    }


def _as_sent(edition: Mapping[str, Any]) -> Json:
    return {name: value for name, value in edition.items() if name != "approved_at"}


async def send(visit: Visit, found: Found, entry: Mapping[str, Any], *, dry_run: bool, key: str = "") -> Answer:
    """Ask the program to take an entry, or only what that would change."""
    body = {
        "document": {found.section.document: [document_of(found, entry)]},
        "dry_run": dry_run,
        "versions": {found.key: found.version},
    }
    answer = await visit.tell("program", "POST", "/program:apply", body, key=key)
    if answer.ok and not dry_run:
        visit.console.programs.forget()
    return answer


def document_of(found: Found, entry: Mapping[str, Any]) -> Json:
    """Return an entry as a document says it."""
    if entry.get("status") == "removed" or found.section.kind != "policy":
        return dict(entry)
    new = {name: entry[name] for name in ("edition", "effective_from", "values", "source")}
    return {"campus": entry["campus"], "name": entry["name"], "editions": [*entry["editions"], new]}


def faults(found: Found, answer: Answer) -> dict[str, str]:
    """Return what the program found wrong, by the form's own names."""
    wrong = errors_of(answer.errors, found.section.document)
    if found.section.kind == "policy":
        here = f"editions.{len(found.entry['editions'])}."
        wrong = {name.removeprefix(here): detail for name, detail in wrong.items()}
    return wrong or {"": answer.detail}


def warnings(visit: Visit, found: Found, entry: Mapping[str, Any]) -> list[str]:
    """Return what somebody should know before they make the change."""
    if found.section.kind == "staff" and found.tail == visit.person.id:
        held = {role.get("name") for role in entry.get("roles", ())}
        if "administrator" not in held or entry.get("status") == "removed":
            return ["You take your own role of administrator away. Somebody else has to give it back."]
    if found.section.kind == "rota" and entry.get("status") != "removed":
        uncovered = gaps(visit.program, entry, visit.now)
        return [f"Nobody is on duty {text}." for text in uncovered[:3]]
    return []


def gaps(program: Program, entry: Mapping[str, Any], now: datetime) -> list[str]:
    """Return when nobody is on duty by a rota in the next two weeks, as spans in words."""
    try:
        rota = msgspec.convert(
            {**entry, "zone": entry.get("zone") or _zone(program, entry)}, RotaSnapshot, strict=False
        )
    except (msgspec.ValidationError, TypeError):
        return []  # what cannot be read is said by the program itself
    trial = program.with_rota(rota)
    start = now.replace(minute=0, second=0, microsecond=0)
    times = [start + step * _EVERY for step in range(int(_LOOK_AHEAD / _EVERY))]
    empty = [at for at in times if not trial.on_duty(rota.campus, rota.function, at)]
    return list(_spans(empty, rota.zone))


def _zone(program: Program, entry: Mapping[str, Any]) -> str:
    campus = program.campuses.get(str(entry["campus"]))
    return campus.zone if campus else "UTC"


def _spans(times: Sequence[datetime], zone: str) -> list[str]:
    spans: list[tuple[datetime, datetime]] = []
    for at in times:
        if spans and at - spans[-1][1] == timedelta(0):
            spans[-1] = (spans[-1][0], at + _EVERY)
        else:
            spans.append((at, at + _EVERY))
    local = [(a.astimezone(ZoneInfo(zone)), b.astimezone(ZoneInfo(zone))) for a, b in spans]
    return [f"from {a:%a %b} {a.day}, {a:%H:%M} to {b:%a %b} {b.day}, {b:%H:%M}" for a, b in local]


def may_change(visit: Visit, campus: str) -> bool:
    """Return whether to offer a form at all; the program decides."""
    return any(role.name == "administrator" and role.campus in (campus, EVERYWHERE) for role in visit.person.roles)
