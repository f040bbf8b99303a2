"""Rules over flags as a form holds them: read from it, written into it, and turned into an edition of the policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.program import Program
from shared.program.rules import Threshold

POLICY = "threshold"
MOST = 20
_CODES = "reasons", "except_reasons"
_WHOLE = "flags", "courses", "min_severity", "from_week", "to_week"
_NAMES = {
    "name": "its name", "family": "what it is about", "level": "how grave it is", "flags": "how many flags",
    "days": "how many days", "courses": "how many courses", "min_severity": "the least gravity",
    "reasons": "the reasons", "except_reasons": "the reasons that do not count", "from_week": "the first week",
    "to_week": "the last week", "edition": "its name", "effective_from": "its day",
}  # fmt: skip


@dataclass
class Draft:
    """A draft: the fields as typed, and the rules they say. `wrong` is what could not be read, by field."""

    typed: dict[str, str]
    rules: list[dict[str, Any]] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rules the form has fields for."""
        return int(self.typed["count"])


def empty_rule(number: int) -> dict[str, Any]:
    """Return a rule to begin with."""
    return {"name": f"rule_{number}", "family": "academic", "level": "mild", "flags": 3, "days": 21, "courses": 2}


def as_typed(rules: Sequence[Mapping[str, Any]], **more: str) -> dict[str, str]:
    """Return rules as fields of a form."""
    typed = {"count": str(len(rules)), **more}
    for place, rule in enumerate(rules):
        for name, value in rule.items():
            said = (
                ", ".join(value)
                if isinstance(value, (list, tuple))
                else ""
                if value is None
                else f"{value:g}"
                if (isinstance(value, float))
                else "yes"
                if value is True
                else ""
                if value is False
                else str(value)
            )
            typed[f"{name}-{place}"] = said
    return typed


def read(form: Mapping[str, str]) -> Draft:
    """Read a form. What is no number says so beside its field; what a rule may say is the program's to check."""
    typed = {name: form[name] for name in form if name not in ("csrf", "form_key", "do")}
    count = typed.get("count", "0")
    typed["count"] = str(min(int(count), MOST)) if count.isdigit() else "0"
    draft = Draft(typed)
    draft.rules = [_rule(draft, place) for place in range(draft.count)]
    return draft


def _rule(draft: Draft, place: int) -> dict[str, Any]:
    def said(name: str) -> str:
        return draft.typed.get(f"{name}-{place}", "").strip()

    rule: dict[str, Any] = {name: said(name) for name in ("name", "family", "level")}
    rule["mode"] = said("mode") or "active"
    rule["at_once"] = said("at_once") == "yes"
    for name in _CODES:
        rule[name] = [code.strip() for code in said(name).split(",") if code.strip()]
    for name in (*_WHOLE, "days"):
        if said(name):
            number = _number(said(name), whole=name != "days")
            if number is None:
                draft.wrong[f"{name}-{place}"] = f"Type a number for {_NAMES[name]}"
            else:
                rule[name] = number
    return rule


def without(draft: Draft, gone: int) -> dict[str, str]:
    """Return the fields without one rule."""
    kept = [rule for place, rule in enumerate(draft.rules) if place != gone]
    return as_typed(kept, **_around(draft))


def with_another(draft: Draft) -> dict[str, str]:
    """Return the fields with one more rule."""
    return as_typed([*draft.rules, empty_rule(draft.count + 1)], **_around(draft))


def _around(draft: Draft) -> dict[str, str]:
    return {name: draft.typed.get(name, "") for name in ("edition", "begins", "since", "until", "source", "salt")}


def _number(text: str, *, whole: bool) -> int | float | None:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        return None


# -------------------------------------------------------------------------------------------------------- editions


def own_editions(policies: Sequence[Mapping[str, Any]], campus: str) -> list[dict[str, Any]]:
    """Return the editions that a campus's own policy has, as a document says them."""
    found = next((each for each in policies if (each["campus"], each["name"]) == (campus, POLICY)), None)
    kept = ("edition", "effective_from", "values", "source")
    return [{name: each[name] for name in kept} for each in found["editions"]] if found else []


def document(policies: Sequence[Mapping[str, Any]], campus: str, draft: Draft, begins: datetime) -> dict[str, Any]:
    """Return the document that proposes a draft as one more edition."""
    edition = {
        "edition": draft.typed.get("edition", "").strip(),
        "effective_from": begins.isoformat(),
        "values": {"rules": draft.rules},
        "source": draft.typed.get("source", "").strip(),
    }
    return {"policies": [{"campus": campus, "name": POLICY, "editions": [*own_editions(policies, campus), edition]}]}


def problems(errors: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return what the program says of a document, by field of the form."""
    wrong: dict[str, str] = {}
    for each in errors:
        steps = each["pointer"].split("/")
        field_, said = _place(steps), each["detail"]
        name = field_.rpartition("-")[0] or field_
        if name in _NAMES and field_ != name:
            rule = int(field_.rpartition("-")[2]) + 1
            said = f"Rule {rule}, {_NAMES[name]}: {said}"
        wrong.setdefault(field_, said)
    return wrong


def _place(steps: Sequence[str]) -> str:
    if "rules" in steps:
        place, *rest = steps[steps.index("rules") + 1 :] or ("0",)
        return f"{rest[0] if rest else 'name'}-{place}"
    return {"effective_from": "begins"}.get(steps[-1], "edition")


def next_edition(policies: Sequence[Mapping[str, Any]], campus: str, now: datetime) -> str:
    """Return a name for the next edition: the year and a number that is free."""
    taken = {each["edition"] for each in own_editions(policies, campus)}
    return next(name for number in range(1, len(taken) + 2) if (name := f"{now.year}-{number}") not in taken)


def midnight(day: str, zone: str) -> datetime | None:
    """Return when a day of a form begins on a campus's clock; None for what is no day."""
    try:
        return datetime.combine(datetime.fromisoformat(day).date(), time(), ZoneInfo(zone)).astimezone(UTC)
    except ValueError:
        return None


def last_term(program: Program, campus: str, now: datetime) -> tuple[str, str]:
    """Return the days of the term that ended last or is under way, else the last 120 days."""
    begun = [term for term in program.terms(campus, now) if term.starts <= now.date()]
    if begun:
        term = max(begun, key=lambda each: each.starts)
        return term.starts.isoformat(), min(term.ends + timedelta(days=1), now.date() + timedelta(days=1)).isoformat()
    return (now - timedelta(days=120)).date().isoformat(), (now + timedelta(days=1)).date().isoformat()


def rules_of(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rules of an edition, also of one from before there was a list."""
    return [dict(rule) for rule in Threshold.modern(values).get("rules", ())]
