"""Whatever happens to a page, in whatever order, what must hold of every page holds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.domain.page import Page
from services.notifications.domain.people import Around
from services.notifications.domain.record import DECLINE_REASONS, State
from shared.events.pages import PageEvent
from shared.refusal import Refused
from tests.unit.notifications.world import (
    CASE,
    NOW,
    PAGE,
    STAFF,
    STUDENT,
    around,
    away,
    cause,
    in_conflict,
    person,
    policy,
    program,
    rota,
    team,
)

IDS = [staff.staff_id for staff in STAFF]
ROLES = {staff.staff_id: [f"{role.name}@{role.campus}" for role in staff.roles] for staff in STAFF}


@st.composite
def surroundings(draw: st.DrawFn) -> tuple[Around, set[str]]:
    """Draw a program in which some people are away, in conflict or without an address; return it and who is walled."""
    kinds = draw(st.lists(st.sampled_from(["there", "away", "conflict", "no address"]), min_size=8, max_size=8))
    staff = []
    for staff_id, kind in zip(IDS, kinds, strict=True):
        make = {"away": away, "conflict": in_conflict}.get(kind, person)
        more = {"email": ""} if kind == "no address" else {}
        staff.append(make(staff_id, staff_id.title(), *ROLES[staff_id], **more))
    rotas = [rota("NORTH", *draw(st.sets(st.sampled_from(IDS), max_size=3)), backup=draw(st.sampled_from(["", *IDS])))]
    rotas.append(rota("*", *draw(st.sets(st.sampled_from(IDS), max_size=2))))
    recused = draw(st.sets(st.sampled_from(IDS), max_size=2))
    teams = team(draw(st.sampled_from([None, *IDS])), *draw(st.sets(st.sampled_from(IDS))), recused=tuple(recused))
    conflicted = {staff_id for staff_id, kind in zip(IDS, kinds, strict=True) if kind == "conflict"}
    return around(teams, among=program(*rotas, staff=tuple(staff))), recused | conflicted


@dataclass
class Act:
    """Something that is done to a page."""

    name: str
    person: str
    reason: str
    known: Around
    now: datetime


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["wait", "wait", "late", "decline", "stale", "fail", "enrich", "worsen", "accept"]),
        st.sampled_from(IDS),
        st.sampled_from(DECLINE_REASONS),
    ),
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(surroundings(), st.sampled_from(["critical", "elevated", "titleix"]), ACTIONS)
def test_every_page_ends_accepted_or_owned_and_nobody_behind_a_wall_is_told(
    drawn: tuple[Around, set[str]], name: str, actions: list[tuple[str, str, str]]
) -> None:
    known, walled = drawn
    function, level = ("titleix", "elevated") if name == "titleix" else ("danger", name)
    asked = cause(function=function, level=level, student_id=STUDENT, walled=function == "titleix")
    page, events = Page.raise_for(PAGE, asked, policy(name), known, student_id=STUDENT, now=NOW)
    now = NOW
    for name_of_act, staff_id, reason in actions:
        act = Act(name_of_act, staff_id, reason, known, now)
        events += DO[name_of_act](page, act)
        now = act.now

    while page.state == State.NOTIFYING:  # nobody answers any more: the line ends
        assert page.due_at is not None
        now = max(now, page.due_at)
        events += page.pass_time(page.turn, known, now)

    assert page.state in (State.ACCEPTED, State.UNREACHED)
    if page.state == State.UNREACHED:
        assert page.due_at is not None, "an unreached page is told again"
        assert told_in(page, page.turn), "somebody always hears of an unreached page"
    assert not walled & set(page.addressees)
    if function == "titleix":
        assert set(page.addressees) <= {"tia", "tod"}
    assert [event.sequence for event in events] == list(range(1, page.version + 1))
    for turn in page.turns:
        told = told_in(page, turn.number)
        assert bool(told) == (turn.until is not None), "an empty step waits for nobody"


@settings(max_examples=40, deadline=None)
@given(surroundings(), st.sampled_from(["critical", "elevated", "titleix"]))
def test_steps_come_exactly_when_the_frozen_policy_says(drawn: tuple[Around, set[str]], name: str) -> None:
    known, _ = drawn
    asked = cause(student_id=STUDENT, walled=name == "titleix")
    page, _ = Page.raise_for(PAGE, asked, policy(name), known, student_id=STUDENT, now=NOW)
    while page.state == State.NOTIFYING:
        page.pass_time(page.turn, known, page.due_at or NOW)

    expected = NOW
    for turn in page.turns:
        assert turn.at == expected
        if turn.step and turn.until:
            expected += timedelta(minutes=page.policy.line.steps[turn.step - 1].wait_minutes)


def _waits(page: Page, act: Act, late: timedelta = timedelta()) -> list[PageEvent]:
    act.now = (page.due_at or act.now) + late
    return page.pass_time(page.turn, act.known, act.now)


def _answers(page: Page, act: Act) -> list[PageEvent]:
    if act.person not in page.addressees:
        return []
    try:
        if act.name == "accept":
            return page.accept(act.person, "link", act.now)
        return page.decline(act.person, act.reason, "link", act.known, act.now)
    except Refused:
        return []


def _worsens(page: Page, act: Act) -> list[PageEvent]:
    return page.worsen("critical", policy(), act.known, act.now) if page.cause.function == "danger" else []


DO: dict[str, Callable[[Page, Act], list[PageEvent]]] = {
    "wait": _waits,
    "late": lambda page, act: _waits(page, act, timedelta(minutes=17)),
    "stale": lambda page, act: page.pass_time(page.turn - 1, act.known, act.now),
    "fail": lambda page, act: page.fail(page.turn, act.known, act.now),
    "enrich": lambda page, act: page.enrich(CASE, act.known, act.now),
    "worsen": _worsens,
    "accept": _answers,
    "decline": _answers,
}


def told_in(page: Page, turn: int) -> list[str]:
    return [telling.person for telling in page.tellings if telling.turn == turn and telling.told]
