"""The rules over flags that may be in force on a campus at any time, and which are when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.intake.domain.flag_rules import Rules, Signal, active, reason_code, watching, weeks_of
from services.intake.domain.threshold import RulesAt
from shared.program import Program, Threshold
from shared.program.rules import FlagRule


@dataclass(frozen=True, slots=True)
class Editions:
    """The rules of a campus. `watching` are those that make nothing, each by its name and by itself.

    `longest` is how far any rule reaches, `fewest` how few flags any of them needs that needs more than one, and
    `at_once` the reasons of which one flag is enough.
    """

    rules_at: RulesAt
    watching: Mapping[str, RulesAt]
    longest: timedelta
    fewest: int
    at_once: frozenset[str]

    @classmethod
    def of(cls, program: Program, campus: str, now: datetime) -> "Editions":
        """Read them all; where there is only one edition, nobody asks again which it is."""
        week_of = weeks_of(program.terms(campus, now), program.calendar(campus).zone)
        known = {
            (policy.campus, policy.edition): policy.rules.rules
            for policy in program.editions("threshold", campus)
            if isinstance(policy.rules, Threshold)
        }
        said = [rule for rules in known.values() for rule in rules]
        making = {which: active(rules, week_of) for which, rules in known.items()}
        looking = {which: watching(rules, week_of) for which, rules in known.items()}

        def at(when: datetime, of: Mapping[tuple[str, str], Rules]) -> Rules:
            policy = program.policy("threshold", campus, when)
            return of[policy.campus, policy.edition]

        def looking_at(when: datetime) -> Rules:
            return at(when, looking)

        names = {rule.said.name for rules in looking.values() for rule in rules}
        only = next(iter(making.values())) if len(making) == 1 else None
        return cls(
            rules_at=(lambda _at: only) if only is not None else (lambda when: at(when, making)),
            watching={name: _by_name(looking_at, name) for name in sorted(names)},
            longest=timedelta(days=max((rule.days for rule in said), default=1)),
            fewest=_fewest(said),
            at_once=frozenset(reason_code(reason) for rule in said if rule.at_once for reason in rule.reasons),
        )

    def may_at_once(self, signal: Signal) -> bool:
        """Whether a flag may be enough by itself."""
        return reason_code(signal.reason) in self.at_once


def _by_name(rules_at: RulesAt, name: str) -> RulesAt:
    return lambda when: tuple(rule for rule in rules_at(when) if rule.said.name == name)


def _fewest(said: list[FlagRule]) -> int:
    return min((rule.flags for rule in said if not rule.at_once), default=1_000_000)
