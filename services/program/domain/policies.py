"""Whether a policy can be: values of the right shape and known codes, and no edition that has begun rewritten."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from services.program.domain.document import Place
from shared.events.codes import FAMILY_OF_CONCERN, Channel, Decision, Family, Level, SourceKind, Urgency
from shared.events.program import PolicyEdition, PolicySnapshot
from shared.program.policies import complete, in_force
from shared.program.rules import (
    RULES,
    TARGETS,
    TITLEIX_TARGETS,
    FlagRule,
    Line,
    Paging,
    Rules,
    Terms,
    Threshold,
    Triage,
    When,
)

Finding = tuple[Place, str]

# What a rule may decide. Attaching follows from an open case; a rule may leave to a person what later rules would take.
_DECIDED_BY_RULE = tuple(decision for decision in Decision if decision != Decision.ATTACH)
# Nothing stands behind the Title IX wall because of a count.
_RULED_FAMILIES = tuple(family for family in Family if family != Family.MISCONDUCT_SEX)


def policy_faults(policy: PolicySnapshot, before: PolicySnapshot | None, now: datetime) -> Iterator[Finding]:
    """Return what is wrong with a policy, given what it is at present."""
    if policy.name not in RULES:
        yield ("name",), f"There is no such policy. Policies: {', '.join(sorted(RULES))}."
        return
    if not policy.editions:
        yield ("editions",), "A policy has at least one edition. To be without it, remove it."
    yield from _twice(policy.editions)
    if before is not None:
        yield from _rewritten(policy, before, now)
    for place, edition in enumerate(policy.editions):
        for inner, detail in value_faults(policy.name, edition.values):
            yield ("editions", place, "values", *inner), detail


def _twice(editions: Sequence[PolicyEdition]) -> Iterator[Finding]:
    names: set[str] = set()
    dates: set[datetime] = set()
    for place, edition in enumerate(editions):
        if edition.edition in names:
            yield ("editions", place, "edition"), "Another edition has this name."
        if edition.effective_from in dates:
            yield ("editions", place, "effective_from"), "Another edition begins at the same instant."
        names.add(edition.edition)
        dates.add(edition.effective_from)


def _rewritten(policy: PolicySnapshot, before: PolicySnapshot, now: datetime) -> Iterator[Finding]:
    """Find editions that decisions say they followed and that would no longer be what they were."""
    said = {edition.edition: (place, edition) for place, edition in enumerate(policy.editions)}
    begun = {edition.edition: edition for edition in before.editions if edition.begins <= now}
    for name, edition in begun.items():
        if name not in said:
            yield ("editions",), f"Edition {name} has begun and stays: decisions say they followed it."
        elif said[name][1] != edition:
            place = said[name][0]
            yield ("editions", place), "This edition has begun and stays as it is. Add another that begins later."
    current = in_force(before.editions, now)
    for name, (place, edition) in said.items():
        if current is not None and name not in begun and edition.begins <= current.begins:
            yield (
                ("editions", place, "effective_from"),
                f"A new edition begins after {current.edition}, which is in force.",
            )


def as_approved(policy: PolicySnapshot, before: PolicySnapshot) -> PolicySnapshot:
    """Return a policy that says nothing of approvals with those that its editions, unchanged, have had."""
    had = {each.edition: each for each in before.editions}
    editions = tuple(
        had[each.edition]
        if each.edition in had
        and each.approved_at is msgspec.UNSET
        and each == msgspec.structs.replace(had[each.edition], approved_at=msgspec.UNSET)
        else each
        for each in policy.editions
    )
    return msgspec.structs.replace(policy, editions=editions)


# ----------------------------------------------------------------------------------------------------------- values


def value_faults(name: str, values: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong with the values of an edition: shape first, then names nobody knows, then codes."""
    modern = RULES[name].modern(values)
    try:
        rules = msgspec.convert(complete(name, values), RULES[name])
    except msgspec.ValidationError as error:
        found = [_shape(error)]
    else:
        unknown = [(place, "There is no such setting.") for place in _beyond(modern, msgspec.to_builtins(rules))]
        found = [*unknown, *_code_faults(rules)]
    return found if modern is values else [(_as_said(place), detail) for place, detail in found]


def _as_said(place: Place) -> Place:
    """Return a place in the one rule of an edition that has no list of them as the edition says it."""
    return place[2:] if place[:2] == ("rules", 0) else place


def _shape(error: msgspec.ValidationError) -> Finding:
    """Split "Expected `float`, got `str` - at `$.critical.steps[0].wait_minutes`" into place and words."""
    words, _, path = str(error).partition(" - at `$")
    steps = path.rstrip("`").replace("[", ".").replace("]", "").split(".")
    place = tuple(int(step) if step.isdigit() else step for step in steps if step)
    return place, f"{words}."


def _beyond(given: Any, understood: Any, place: Place = ()) -> Iterator[Place]:  # noqa: ANN401 - JSON
    """Return the places of what was given and not understood: a setting misspelt would silently be as shipped."""
    if isinstance(given, Mapping) and isinstance(understood, Mapping):
        for name, value in given.items():
            if name in understood:
                yield from _beyond(value, understood[name], (*place, name))
            else:
                yield (*place, name)
    elif isinstance(given, list) and isinstance(understood, Sequence):
        for index, (value, known) in enumerate(zip(given, understood, strict=True)):
            yield from _beyond(value, known, (*place, index))


def _code_faults(rules: Rules) -> Iterator[Finding]:
    check = _CODES.get(type(rules))
    return check(rules) if check is not None else iter(())


def _paging(rules: Any) -> Iterator[Finding]:  # noqa: ANN401 - by type, see _CODES
    for name, allowed in (("critical", TARGETS), ("elevated", TARGETS), ("titleix", TITLEIX_TARGETS)):
        line: Line = getattr(rules, name)
        for number, step in enumerate(line.steps):
            yield from _known(step.targets, allowed, (name, "steps", number, "targets"))
        yield from _known(line.unreached_targets, allowed, (name, "unreached_targets"))


def _threshold(rules: Any) -> Iterator[Finding]:  # noqa: ANN401 - by type, see _CODES
    names: set[str] = set()
    for number, rule in enumerate(rules.rules):
        place = ("rules", number)
        if rule.name in names:
            yield (*place, "name"), "Another rule has this name."
        names.add(rule.name)
        yield from _flag_rule(rule, place)


def _flag_rule(rule: FlagRule, place: Place) -> Iterator[Finding]:
    if rule.courses > rule.flags:
        yield (*place, "courses"), "There cannot be more courses than flags."
    if rule.from_week and rule.to_week and rule.from_week > rule.to_week:
        yield (*place, "to_week"), "This is before the first week."
    if rule.at_once and not rule.reasons:
        yield (*place, "reasons"), "A rule that needs one flag only says for which reasons."
    yield from _one(rule.family, _RULED_FAMILIES, (*place, "family"))
    yield from _one(rule.level, Level, (*place, "level"))


def _terms(rules: Any) -> Iterator[Finding]:  # noqa: ANN401 - by type, see _CODES
    names: set[str] = set()
    for number, term in enumerate(rules.terms):
        place = ("terms", number)
        if term.term in names:
            yield (*place, "term"), "Another term has this code."
        names.add(term.term)
        if term.ends < term.starts:
            yield (*place, "ends"), "This is before its start."


def _triage(rules: Any) -> Iterator[Finding]:  # noqa: ANN401 - by type, see _CODES
    names: set[str] = set()
    for number, rule in enumerate(rules.rules):
        place = ("rules", number)
        if rule.name in names:
            yield (*place, "name"), "Another rule has this name."
        names.add(rule.name)
        yield from _one(rule.decision, _DECIDED_BY_RULE, (*place, "decision"))
        yield from _when(rule.when, (*place, "when"))


def _when(when: When, place: Place) -> Iterator[Finding]:
    lists: tuple[tuple[str, Sequence[str]], ...] = (
        ("families", tuple(Family)),
        ("except_families", tuple(Family)),
        ("concerns", tuple(FAMILY_OF_CONCERN)),
        ("source_kinds", tuple(SourceKind)),
        ("channels", tuple(Channel)),
        ("urgencies", tuple(Urgency)),
    )
    for name, allowed in lists:
        yield from _known(getattr(when, name), allowed, (*place, name))
    for name in ("min_level", "max_level"):
        level = getattr(when, name)
        if level is not None:
            yield from _one(level, Level, (*place, name))


def _known(codes: Sequence[str], allowed: Sequence[str], place: Place) -> Iterator[Finding]:
    for index, code in enumerate(codes):
        yield from _one(code, allowed, (*place, index))


def _one(code: str, allowed: Sequence[str] | type[StrEnum], place: Place) -> Iterator[Finding]:
    known = [str(each) for each in allowed]
    if code not in known:
        yield place, f"This is not one of {', '.join(known)}."


_CODES: dict[type[Rules], Callable[[Any], Iterator[Finding]]] = {
    Paging: _paging,
    Terms: _terms,
    Threshold: _threshold,
    Triage: _triage,
}
