"""What waits for somebody, out of what the owners said: pages first, then what is due. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.console.paging import PageView
from shared.events.codes import level as level_of
from shared.web.ui.times import Clock, clock

CLOSED_CASE = frozenset({"merged", "closed"})
_NOT_YET = datetime.max.replace(tzinfo=ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to do for a case by a time. `rail` says that it is known when the time allowed began."""

    at: datetime
    what: str
    why: str
    case: Mapping[str, Any]
    clock: Clock
    rail: bool = True


@dataclass(frozen=True, slots=True)
class Work:
    """Cases and what is due of them: late and today in `due`, the day after that anything is due in `next_day`."""

    due: Sequence[Due]
    next_day: datetime | None
    next_count: int
    cases: Sequence[Mapping[str, Any]]


def at(said: str | None) -> datetime | None:
    """Return an instant as an owner writes it."""
    return datetime.fromisoformat(said) if said else None


def waiting(pages: Iterable[PageView]) -> list[PageView]:
    """Return the pages that wait for this person's answer: danger first, then the gravest, then the oldest."""
    mine = [page for page in pages if page.waits and not page.declined]
    return sorted(mine, key=lambda page: (not page.danger, -level_of(page.level).rank, page.raised_at))


def work_of(cases: Iterable[Mapping[str, Any]], now: datetime, zone: str) -> Work:
    """Return what is due of somebody's open cases, and the cases by level and then by what comes next."""
    alive = [case for case in cases if case["state"] not in CLOSED_CASE]
    steps = sorted((step for case in alive if (step := _step(case, now, zone)) is not None), key=lambda step: step.at)
    here = ZoneInfo(zone)
    tomorrow = (now.astimezone(here) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    later = [step for step in steps if step.at >= tomorrow]
    next_day = later[0].at if later else None
    same = [step for step in later if step.at.astimezone(here).date() == later[0].at.astimezone(here).date()]
    by_case = {str(step.case["case_id"]): step.at for step in steps}
    order = sorted(alive, key=lambda case: (-_rank(case), by_case.get(str(case["case_id"]), _NOT_YET)))
    return Work([step for step in steps if step.at < tomorrow], next_day, len(same), order)


def _step(case: Mapping[str, Any], now: datetime, zone: str) -> Due | None:
    """Return what is to be done next for a case, if there is a time for it."""
    opened, outreach, contact = at(case["opened_at"]), at(case["outreach_due"]), at(case["next_contact_due"])
    if case["state"] == "assigned" and outreach is not None and not case["accepted_at"]:
        return Due(
            outreach, "Accept it, and reach out", "Given to you", case, clock(opened or now, outreach, now, zone)
        )
    if not case["contacts"] and outreach is not None:
        return Due(outreach, "First outreach", "Nobody has tried yet", case, clock(opened or now, outreach, now, zone))
    if contact is not None:
        return Due(contact, "Next contact", "As agreed", case, clock(opened or now, contact, now, zone), rail=False)
    return None


def _rank(thing: Mapping[str, Any]) -> int:
    return level_of(thing["level"]).rank
