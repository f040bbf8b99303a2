"""A rule over flags as it looks at one flag, and the weeks of terms that some rules ask for."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from shared.program.rules import FlagRule, Term

_WEEK = timedelta(days=7)


class Signal(NamedTuple):
    """A flag as rules see it. `cleared_at` is also when it expired."""

    flag_id: UUID
    raised_at: datetime
    course: str
    severity: int
    cleared_at: datetime | None = None
    reason: str = ""
    term: str = ""
    section: str = ""


# The week of its term that a flag was raised in, from 1; None where the term is not known.
WeekOf = Callable[[str, datetime], int | None]


class Rule:
    """A rule, ready to look at many flags."""

    def __init__(self, said: FlagRule, week_of: WeekOf) -> None:
        self.said = said
        self.days = timedelta(days=said.days)
        self._week_of = week_of
        self._reasons = frozenset(map(reason_code, said.reasons))
        self._except = frozenset(map(reason_code, said.except_reasons))
        self._weeks = said.from_week is not None or said.to_week is not None

    def counts(self, signal: Signal) -> bool:
        """Whether a flag is one of those the rule is about."""
        if signal.severity < self.said.min_severity:
            return False
        if self._reasons and reason_code(signal.reason) not in self._reasons:
            return False
        if self._except and reason_code(signal.reason) in self._except:
            return False
        return not self._weeks or self._in_weeks(signal)

    def _in_weeks(self, signal: Signal) -> bool:
        week = self._week_of(signal.term, signal.raised_at)
        return week is not None and (self.said.from_week or 1) <= week <= (self.said.to_week or week)

    def __eq__(self, other: object) -> bool:
        """Two rules are the same when they say the same and count weeks alike."""
        return isinstance(other, Rule) and self.said == other.said and self._week_of is other._week_of

    def __hash__(self) -> int:
        return hash(self.said)


Rules = tuple[Rule, ...]


@lru_cache(maxsize=10_000)
def reason_code(reason: str) -> str:
    """Return a reason as codes are written: `Personal concern` and `PERSONAL_CONCERN` are one."""
    return reason.strip().upper().replace(" ", "_").replace("-", "_")


def active(said: Iterable[FlagRule], week_of: WeekOf) -> Rules:
    """Return the rules that make something, in the order in which they are asked."""
    rules = [Rule(each, week_of) for each in said if each.mode == "active"]
    return tuple(sorted(rules, key=lambda rule: not rule.said.at_once))


def watching(said: Iterable[FlagRule], week_of: WeekOf) -> Rules:
    """Return the rules that only watch; each counts by itself, as if it were alone."""
    return tuple(Rule(each, week_of) for each in said if each.mode == "watch")


def weeks_of(terms: Sequence[Term], zone: tzinfo) -> WeekOf:
    """Return how weeks are counted: by the term a flag names, else by the one its day lies in."""
    by_code = {term.term: term for term in terms}

    def week_of(code: str, at: datetime) -> int | None:
        day = at.astimezone(zone).date()
        term = by_code.get(code) or next((each for each in terms if each.starts <= day <= each.ends), None)
        if term is None or not term.starts <= day <= term.ends:
            return None
        return (day - term.starts) // _WEEK + 1

    return week_of
