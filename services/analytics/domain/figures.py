"""Figures: how often something happened on a campus and day, and how long it took."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

# Every figure there is, with what its `code` says.
KINDS = {
    "flags": "reason code of the flag",
    "flags_cleared": "why; counted on the day it was cleared",
    "flags_expired": "reason code of the flag; counted on the day it expired",
    "flags_reopened": "reason code of the flag; counted on the day it was reopened",
    "outreach_listed": "the rule that found more than the campus could take",
    "outreach_ended": "what came of asking the student",
    "referrals": "who brought it",
    "referrals_triaged": "the decision; time since it was received",
    "cases_opened": "family",
    "cases_accepted": "level; time since it was opened",
    "cases_attempted": "level; time from opening to the first attempt to reach the student",
    "cases_contacted": "level; time from opening to the first two-way contact",
    "cases_combined": "family; it was combined into another case and is no longer open",
    "cases_closed": "family; time from opening to the end, not counting one that was reopened",
    "pages_raised": "level",
    "pages_accepted": "level; time since it was raised",
    "pages_unreached": "level; time from raising to the end of the line",
    "late_reviews": "level",
}
# The clock of these starts with them: they have no duration.
STARTS = frozenset(
    {
        "flags", "flags_cleared", "flags_expired", "flags_reopened", "outreach_listed", "outreach_ended", "referrals",
        "cases_opened", "pages_raised", "late_reviews",
    }
)  # fmt: skip


class Figure(NamedTuple):
    """What is counted. `wall` is `titleix` for what only those behind the wall may count, else `standard`.

    `day` is the campus's own day on which the clock started: a referral of Monday that is triaged on Tuesday counts
    as triaged under Monday, so a day's times are those of the work that came in on it.
    """

    campus: str
    day: date
    kind: str
    code: str
    wall: str


class Load(NamedTuple):
    """Whose open cases are counted, where, and on which side of the wall."""

    campus: str
    staff_id: str
    wall: str


@dataclass(slots=True)
class Amount:
    """How many, how long together and at longest. Whole milliseconds, so that sums never depend on their order."""

    count: int = 0
    milliseconds: int = 0
    longest: int = 0

    def add(self, count: int, milliseconds: int) -> None:
        """Count one more (or, with -1, one less: the longest time then stays)."""
        self.count += count
        self.milliseconds += count * milliseconds
        self.longest = max(self.longest, milliseconds)

    @property
    def nothing(self) -> bool:
        """Whether adding this changes nothing."""
        return not self.count and not self.milliseconds


@dataclass
class Changes:
    """By how much figures and caseloads change, gathered over a batch of events."""

    figures: defaultdict[Figure, Amount] = field(default_factory=lambda: defaultdict(Amount))
    loads: defaultdict[Load, int] = field(default_factory=lambda: defaultdict(int))

    def count(self, figure: Figure, by: int = 1, *, milliseconds: int = 0) -> None:
        """Note that a figure changes."""
        self.figures[figure].add(by, milliseconds)

    def carry(self, load: Load, by: int) -> None:
        """Note that somebody has more or fewer open cases."""
        self.loads[load] += by

    def changed_figures(self) -> Iterator[tuple[Figure, Amount]]:
        """Yield what changes, in the order in which rows are locked."""
        yield from sorted((figure, amount) for figure, amount in self.figures.items() if not amount.nothing)

    def changed_loads(self) -> Iterator[tuple[Load, int]]:
        """Yield whose caseload changes, in the order in which rows are locked."""
        yield from sorted((load, by) for load, by in self.loads.items() if by)
