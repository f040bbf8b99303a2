"""How the services do, in sentences, out of what each says of itself. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

# A relay sends within a second; what waits longer is stuck or far behind.
_OLDEST_S = 30.0
_LATE_S = 60.0

DOES = {
    "program": "Who works where, under which rules",
    "intake": "What comes in: referrals, flags, the roster",
    "cases": "Cases, teams and clocks",
    "notifications": "Pages, mail, notices",
    "analytics": "Figures and the record of access",
}


@dataclass(frozen=True, slots=True)
class Health:
    """One service. `state`: good, look (works, with something to mend), bad (does not work), away (no answer)."""

    service: str
    does: str
    state: Literal["good", "look", "bad", "away"]
    troubles: Sequence[str]
    outbox: int = 0
    oldest_seconds: float = 0.0
    dead: int = 0
    waiting: int = 0
    parked: int = 0
    timers: int = 0
    timers_late: int = 0

    @property
    def word(self) -> str:
        """How it does, in a word or two."""
        return {"good": "Well", "look": "Look at it", "bad": "Not working", "away": "No answer"}[self.state]


def of(service: str, status: Mapping[str, Any] | None) -> Health:
    """Return how a service does; `status` None is one that did not answer in time."""
    does = DOES.get(service, "")
    if status is None:
        return Health(service, does, "away", ["It did not answer within 0.8 s. People see pages without its part"])
    outbox, letters, timers = status["outbox"], status["dead_letters"], status["timers"]
    broken = [*_not_ready(status), *(f"{name}: {reason}" for name, reason in sorted(status["troubles"].items()))]
    watched = [*_waits(outbox, timers), *_letters(letters)]
    return Health(
        service,
        does,
        "bad" if broken else "look" if watched else "good",
        [*broken, *watched],
        outbox["rows"],
        outbox["oldest_seconds"],
        letters["dead"],
        letters["waiting"],
        letters["parked"],
        timers["waiting"],
        timers["late"],
    )


def headline(found: Sequence[Health]) -> str:
    """Return the finding in one sentence."""
    bad = [each.service for each in found if each.state in ("bad", "away")]
    look = [each.service for each in found if each.state == "look"]
    if not bad and not look:
        return f"All {len(found)} services do well."
    parts = []
    if bad:
        parts.append(f"{_listed(bad)} {'does' if len(bad) == 1 else 'do'} not work")
    if look:
        parts.append(f"{_listed(look)} {'needs' if len(look) == 1 else 'need'} a look")
    return "; ".join(parts).capitalize() + "."


def _not_ready(status: Mapping[str, Any]) -> list[str]:
    if status["ready"]:
        return []
    missing = ", ".join(sorted(topic for topic, reached in status["replicas"].items() if not reached))
    of_what = f": {missing}" if missing else ""
    return [f"It still reads what it must know first{of_what}. It answers 503 until then"]


def _waits(outbox: Mapping[str, Any], timers: Mapping[str, Any]) -> list[str]:
    found = []
    if outbox["oldest_seconds"] > _OLDEST_S:
        found.append(f"{outbox['rows']:,} events wait to be sent, the oldest for {outbox['oldest_seconds']:,.0f} s")
    if timers["late"] and timers["late_seconds"] > _LATE_S:
        found.append(f"{timers['late']:,} timers are late, the oldest by {timers['late_seconds']:,.0f} s")
    return found


def _letters(letters: Mapping[str, Any]) -> list[str]:
    if not letters["dead"]:
        return []
    behind = f", and {letters['waiting']:,} wait behind" if letters["waiting"] else ""
    return [f"{letters['dead']:,} {'event' if letters['dead'] == 1 else 'events'} could not be handled{behind}"]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
