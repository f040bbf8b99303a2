"""From the work that was counted to what each bare process has to do, so that the totals come out the same."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.bench.work import Work

Counts = tuple[int, int, int]
OWNERS = {"referrals": "intake", "flags": "intake", "roster": "intake", "cases": "cases", "teams": "cases",
          "pages": "notifications", "access": "intake"}  # fmt: skip
MAIN = {"intake": "intake.stream", "cases": "cases.work", "notifications": "notifications.pages.urgent",
        "analytics": "analytics.history"}  # fmt: skip
ENTRY = "intake"
# What intake writes when others tell it something; everything else of it is written when something comes in.
_TOLD = ("referrals", "danger_watches", "duty_grants")
# Changed when a message is claimed and when it is sent, not when its page is raised.
MESSAGES = "deliveries"


@dataclass
class Share:
    """Work that is spread evenly over `of` things that arrive (records, or referrals): tables and topics, in totals.

    Each with the bytes of one row or record.
    """

    of: int
    rows: dict[str, tuple[Counts, int]] = field(default_factory=dict)
    records: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass
class NodePlan:
    """What one process does. `groups` are its consumers: the topics each reads, and what its records make it do."""

    name: str
    entry: Share | None = None
    groups: dict[str, tuple[list[str], Share]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what a process is told."""
        return asdict(self)


def plan(work: Work, measured: int, count: int, services: Sequence[str]) -> dict[str, NodePlan]:
    """Return the plan of each process for `count` referrals, from the work that `measured` of them made."""

    def scaled(total: int) -> int:
        return round(total * count / measured)

    records = {topic: scaled(total) for topic, total in work.records.items() if OWNERS.get(topic) in services}
    plans = {name: NodePlan(name) for name in services}
    for group, topics in _groups(work, records).items():
        service = group.partition(".")[0]
        if service in plans:
            plans[service].groups[group] = (topics, Share(sum(records[topic] for topic in topics)))
    plans[ENTRY].entry = Share(count)
    for (service, table), counts in work.rows.items():
        if service in plans:
            size = work.row_sizes[service, table]
            _place(plans[service], table, (scaled(counts[0]), scaled(counts[1]), scaled(counts[2])), size)
    for topic, total in records.items():
        owner = plans[OWNERS[topic]]
        (owner.entry or _main(owner)).records[topic] = (total, work.record_sizes[topic])
    return plans


def _groups(work: Work, records: Mapping[str, int]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for group, topic in work.delivered:
        if topic in records:
            found.setdefault(group, []).append(topic)
    return found


def _place(plan: NodePlan, table: str, counts: Counts, size: int) -> None:
    inserted, updated, deleted = counts
    if table.endswith("_snapshots") and OWNERS[table.removesuffix("_snapshots")] != plan.name:
        plan.groups[f"{plan.name}.replicas"][1].rows[table] = (counts, size)
    elif plan.entry is None or table == "inbox":
        _main(plan).rows[table] = (counts, size)
    elif table in _TOLD and plan.groups:
        plan.entry.rows[table] = ((inserted, 0, 0), size)
        _main(plan).rows[table] = ((0, updated, deleted), size)
    else:
        plan.entry.rows[table] = (counts, size)


def _main(plan: NodePlan) -> Share:
    return plan.groups[MAIN[plan.name]][1]
