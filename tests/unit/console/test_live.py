"""Who is asked for, and what a screen does that falls behind."""

from typing import Any, cast

import pytest

from services.console.live import Heard, Listener, _is_place, _order
from services.console.owners import Answer
from services.console.pages import live
from services.console.pages.live import could
from services.console.visit import Person
from shared.access.actors import Role
from shared.messaging.hints import Hint

PAGE = Hint("caselight.page.raised.v1", "01", "NORTH", "standard")
CASE = Hint("caselight.case.opened.v1", "01", "NORTH", "standard")


def person(campus: str, role: str = "duty_officer") -> Person:
    return Person("ana", "Ana", (Role(role, campus),))


def test_staff_of_the_campus_and_of_the_system_are_asked_for() -> None:
    assert could(person("NORTH"), CASE, ())
    assert could(person("*"), CASE, ())
    assert not could(person("SOUTH"), CASE, ())


def test_whoever_a_rota_may_call_is_asked_for_about_pages_wherever_they_work() -> None:
    assert could(person("SOUTH"), PAGE, {"ana"})
    assert not could(person("SOUTH"), PAGE, {"ben"})
    assert not could(person("SOUTH"), CASE, {"ana"})


def test_faculty_is_asked_for_about_nothing() -> None:
    assert not could(person("NORTH", "faculty"), PAGE, {"ana"})


async def test_a_page_does_not_hide_behind_those_of_others_that_came_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def may(_visit: Any, hint: Hint) -> Answer:
        return Answer("notifications", 200 if hint.id == "00" else 404)

    monkeypatch.setattr(live, "_may", may)
    at_once = [Hint("caselight.page.raised.v1", f"{number:02d}", "NORTH", "standard") for number in range(17)]
    seen, unsure = await live._seen(cast("Any", None), at_once)
    assert [hint.id for hint in seen] == ["00"]
    assert not unsure


def test_a_screen_that_falls_behind_is_told_to_look_at_everything() -> None:
    listener = Listener()
    for number in range(201):
        listener.tell(Heard(f"{number}-0", PAGE))
    assert listener.rest() == [Heard("200-0", None)]


def test_only_a_place_in_the_stream_is_one() -> None:
    assert [_is_place(each) for each in ("12-0", "x", "12", "1-x", "-", "\uff11\uff12-0")] == [True] + [False] * 5
    assert _order("9-2") < _order("10-0")
