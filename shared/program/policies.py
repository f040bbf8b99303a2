"""Which edition of a policy is in force, and its values: campus, else system, else what is shipped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from shared import telemetry
from shared.events.program import PolicyEdition
from shared.program.defaults import DEFAULTS, SHIPPED
from shared.program.rules import RULES, Rules

R = TypeVar("R", bound=Rules)

_log = telemetry.logger("program")


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy a decision follows. `edition` is what it says it followed; `campus` whose it is, or "shipped".

    `values` is plain JSON, complete (what an edition leaves out is filled from the shipped one), fit to be frozen
    into a page. `rules` is the same, typed.
    """

    name: str
    campus: str
    edition: str
    values: Mapping[str, Any]
    rules: Rules


def read(kind: type[R], values: Mapping[str, Any]) -> R:
    """Read values, such as those frozen into a page. Raises msgspec.ValidationError, which names the path."""
    return msgspec.convert(complete(kind.NAME, values), kind)


def complete(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Fill what an edition leaves out from the shipped values, in objects of objects too; a list is one value."""
    return _merged(DEFAULTS[name], RULES[name].modern(values))


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below[key], value) if isinstance(value, Mapping) and isinstance(below.get(key), Mapping) else value
        for key, value in above.items()
    }
    return {**below, **both}


def shipped(name: str) -> Policy:
    """Return the shipped policy. Raises KeyError for a name no policy has."""
    values = DEFAULTS[name]
    return Policy(name, SHIPPED, SHIPPED, values, msgspec.convert(values, RULES[name]))


def in_force(editions: tuple[PolicyEdition, ...], at: datetime) -> PolicyEdition | None:
    """Return the edition that began last, not after `at`, or None before the first."""
    begun = [edition for edition in editions if edition.begins <= at]
    return max(begun, key=lambda edition: edition.begins, default=None)


def policy_of(name: str, campus: str, edition: PolicyEdition) -> Policy | None:
    """Return an edition as a policy, or None when this release cannot read its values.

    `program` checks values before it publishes them, so that takes an older release reading a newer one's. The next
    in line then serves: paging by the shipped policy is better than paging nobody.
    """
    try:
        values = complete(name, edition.values)
        return Policy(name, campus, edition.edition, values, msgspec.convert(values, RULES[name]))
    except msgspec.ValidationError:
        telemetry.counters["policies_unreadable"] += 1
        _log.error("a policy could not be read, the next in line serves", extra={"campus": campus})
        return None
