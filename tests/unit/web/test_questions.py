"""What an audit row says of the question that was asked."""

from datetime import UTC, datetime

import pytest

from shared.events.access import AccessDecided
from shared.ids import new_id
from shared.web.questions import doubtful, in_codes


def asked(question: str, campus: str = "*") -> AccessDecided:
    return AccessDecided(
        campus=campus, audit_id=new_id(), service="toy", actor_kind="person", actor_id="maria", action="case.list",
        resource_kind="case", resource_ids=(), allowed=True, basis="list", filter=question,
        decided_at=datetime(2026, 9, 14, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    "question",
    [
        "",
        "all",
        "state=open after=",
        "since=2026-09-01 until=2026-09-14T10:00:00+00:00",
        "after=01a20265-36d5-74cd-af03-f2607eea685e matched=True state=triage_due count=50",
        "campus=* owner=",
    ],
)
def test_codes_ids_and_times_stay_as_they_are(question: str) -> None:
    assert doubtful([asked(question)]) == set()
    assert in_codes(asked(question), set()).filter == question


def test_campuses_and_people_stay_where_the_program_knows_them_and_nothing_else_does() -> None:
    audit = asked("campus=NORTH owner=quellmorrow state=new student=Zyxanthia Quellmorrow", campus="Quellmorrow")
    assert doubtful([audit]) == {"NORTH", "quellmorrow", "Zyxanthia", "Quellmorrow"}
    said = in_codes(audit, {"quellmorrow", "Zyxanthia", "Quellmorrow"})
    assert (said.campus, said.filter) == ("*", "campus=NORTH owner=? state=new student=? ?")
    assert in_codes(audit, set()) == audit


@pytest.mark.parametrize("question", ["Zyx=Quellmorrow", "a=b=Zyx", "q=(Zyx)", "Zyx", "x=ZYX-1", "né=é"])
def test_whatever_is_no_code_is_doubted(question: str) -> None:
    words = doubtful([asked(question)])
    assert words
    assert "Zyx" not in in_codes(asked(question), words).filter
