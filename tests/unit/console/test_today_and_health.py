"""What waits is put in order, and how services do is said in sentences."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console import health, today

NOW = datetime(2026, 11, 17, 13, 42, tzinfo=UTC)
ZONE = "America/New_York"


def _case(name: str, **more: Any) -> dict[str, Any]:
    held = {
        "case_id": name, "student_id": name, "state": "outreach", "level": "mild", "contacts": 1, "accepted_at": "x",
        "opened_at": (NOW - timedelta(days=2)).isoformat(), "outreach_due": None, "next_contact_due": None,
    }  # fmt: skip
    times = {key: (NOW + value).isoformat() for key, value in more.items() if isinstance(value, timedelta)}
    return {**held, **more, **times}


def test_what_is_late_or_due_today_comes_by_its_time_and_the_rest_is_counted() -> None:
    work = today.work_of(
        [
            _case("later", next_contact_due=timedelta(days=2)),
            _case("same-day", next_contact_due=timedelta(days=2, hours=1)),
            _case("tonight", next_contact_due=timedelta(hours=9)),
            _case("late", contacts=0, outreach_due=timedelta(hours=-1)),
            _case("new", state="assigned", contacts=0, accepted_at=None, outreach_due=timedelta(hours=2)),
            _case("closed", state="closed", next_contact_due=timedelta(hours=-5)),
        ],
        NOW,
        ZONE,
    )
    assert [(step.case["case_id"], step.what, step.clock.state) for step in work.due] == [
        ("late", "First outreach", "late"),
        ("new", "Accept it, and reach out", "soon"),
        ("tonight", "Next contact", "soon"),
    ]
    assert work.next_day == NOW + timedelta(days=2)
    assert work.next_count == 2
    assert [case["case_id"] for case in work.cases][:2] == ["late", "new"]
    assert len(work.cases) == 5


def test_the_day_ends_at_midnight_of_the_campus() -> None:
    evening = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)  # 10 pm in New York
    due = (evening + timedelta(hours=3)).isoformat()  # tomorrow there
    case = _case("a") | {"next_contact_due": due}
    assert today.work_of([case], evening, ZONE).due == []
    assert len(today.work_of([case], evening, "UTC").due) == 1


def test_cases_come_by_level_and_an_unknown_level_first() -> None:
    cases = [_case("mild"), _case("grave", level="critical"), _case("new-code", level="catastrophic")]
    order = [case["case_id"] for case in today.work_of(cases, NOW, ZONE).cases]
    assert set(order[:2]) == {"grave", "new-code"}
    assert order[2] == "mild"


def _status(**more: Any) -> dict[str, Any]:
    return {
        "ready": True,
        "replicas": {"program": True},
        "outbox": {"rows": 0, "oldest_seconds": 0.0},
        "dead_letters": {"dead": 0, "waiting": 0, "parked": 0},
        "timers": {"waiting": 3, "late": 0, "late_seconds": 0.0},
        "troubles": {},
        **more,
    }


@pytest.mark.parametrize(
    ("status", "state", "says"),
    [
        (_status(), "good", ""),
        (None, "away", "did not answer"),
        (_status(ready=False, replicas={"program": False}), "bad", "must know first: program"),
        (_status(troubles={"relay": "stalled"}), "bad", "relay: stalled"),
        (_status(outbox={"rows": 1200, "oldest_seconds": 45.0}), "look", "1,200 events wait"),
        (_status(outbox={"rows": 3, "oldest_seconds": 0.5}), "good", ""),
        (_status(timers={"waiting": 9, "late": 2, "late_seconds": 90.0}), "look", "2 timers are late"),
        (_status(dead_letters={"dead": 1, "waiting": 4, "parked": 1}), "look", "1 event could not be handled, and 4"),
    ],
)
def test_a_service_says_what_is_wrong_with_it(status: dict[str, Any] | None, state: str, says: str) -> None:
    found = health.of("intake", status)
    assert found.state == state
    assert says in " ".join(found.troubles)
    assert bool(found.troubles) == (state != "good")


def test_the_headline_is_the_finding() -> None:
    good, away = health.of("cases", _status()), health.of("intake", None)
    look = health.of("program", _status(dead_letters={"dead": 2, "waiting": 0, "parked": 0}))
    assert health.headline([good, good]) == "All 2 services do well."
    assert health.headline([good, away, look]) == "Intake does not work; program needs a look."
    assert health.headline([away, health.of("cases", None)]) == "Intake and cases do not work."
