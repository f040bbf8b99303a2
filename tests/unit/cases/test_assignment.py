"""Who gets a case, and why."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases.domain.assignment import Assignment, Need, Related, assign, choose
from services.cases.domain.codes import Chosen
from services.cases.domain.office import Colleague, Office
from services.cases.domain.reasons import sentence
from shared.refusal import Refused
from tests.unit.cases.examples import NOW, colleague, office

NAMES = {"ana": "Ana Ruiz", "ben": "Ben Okafor", "sam": "Sam Supervisor"}


def need(student: str | None = "s1", **more: object) -> Need:
    facts = {"walled": False, "wanted": frozenset({"health", "mood"})} | more
    return Need(students=frozenset((student,)) if student else frozenset(), **facts)  # type: ignore[arg-type]


def test_the_last_owner_comes_before_the_advisor_and_the_advisor_before_the_least_loaded() -> None:
    ana, ben, cyd = colleague("ana"), colleague("ben"), colleague("cyd")
    last, advisor = Related("ana", Chosen.LAST_OWNER), Related("ben", Chosen.ADVISOR)
    loads = {"ana": 30, "ben": 20}

    chosen = [
        assign(need(related=related), office(ana, ben, cyd), loads).staff_id
        for related in ((last, advisor), (advisor,), ())
    ]

    assert chosen == ["ana", "ben", "cyd"]


def test_an_absent_relation_is_covered_by_who_stands_in_for_them() -> None:
    ana = colleague("ana", present=False, stand_in="cyd")
    found = assign(
        need(related=(Related("ana", Chosen.LAST_OWNER),)), office(ana, colleague("ben"), colleague("cyd")), {"cyd": 9}
    )
    assert (found.staff_id, found.code, found.for_staff_id) == ("cyd", "cover", "ana")


def test_nobody_covers_for_a_conflict() -> None:
    ana = colleague("ana", present=False, stand_in="cyd", conflicts=frozenset({"s1"}))
    found = assign(
        need(related=(Related("ana", Chosen.LAST_OWNER),)), office(ana, colleague("ben"), colleague("cyd")), {"cyd": 9}
    )
    assert (found.staff_id, found.code) == ("ben", "load")


def test_load_counts_by_working_time_and_skill_breaks_the_tie() -> None:
    half, full = colleague("half", fte=0.5), colleague("full")
    assert assign(need(), office(half, full), {"half": 4, "full": 7}).staff_id == "full"
    skilled = colleague("zoe", skills=frozenset({"mood"}))
    assert assign(need(), office(full, skilled), {"full": 3, "zoe": 3}).staff_id == "zoe"


def test_whoever_is_over_the_ceiling_is_asked_last_but_is_asked() -> None:
    small, large = colleague("small", fte=0.5), colleague("large")
    crowded = office(small, large, max_load=10)
    assert assign(need(), crowded, {"small": 4, "large": 10}).staff_id == "small"
    found = assign(need(), office(large, max_load=10), {"large": 12})
    assert found.staff_id == "large"
    assert found.over_ceiling


def test_behind_the_wall_only_the_coordinator_and_then_the_deputy() -> None:
    tia, tod = colleague("tia"), colleague("tod")
    walled = need(walled=True, related=(Related("ana", Chosen.LAST_OWNER),))
    wall = {"coordinators": (tia,), "deputies": (tod,)}
    assert assign(walled, office(colleague("ana"), **wall), {"tia": 50}).staff_id == "tia"
    away = office(colleague("ana"), coordinators=(colleague("tia", conflicts=frozenset({"s1"})),), deputies=(tod,))
    assert assign(walled, away, {}).code == "titleix_deputy"
    assert assign(walled, office(colleague("ana")), {}).code == "nobody_on_staff"


def test_without_a_student_or_without_staff_the_case_is_nobodys_and_says_why() -> None:
    assert sentence(assign(need(None), office(colleague("ana")), {}), NAMES, NOW) == (
        "Nobody yet: the student is not identified, so no conflict can be ruled out"
    )
    assert "no staff" in sentence(assign(need(), office(), {}), NAMES, NOW)
    three = office(colleague("ana", present=False), colleague("ben", conflicts=frozenset({"s1"})), colleague("cyd"))
    said = sentence(assign(need(declined=frozenset({"cyd"})), three, {}), NAMES, NOW)
    assert said == "Nobody: of 3 who could own it, 1 absent, 1 unavailable, 1 declined"


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        (
            Assignment("last_owner", "ana", last_worked=date(2026, 3, 5), open_cases=14, fte=1.0),
            "Ana Ruiz: worked with this student until March; present; 14 open cases at 1.0 FTE",
        ),
        (
            Assignment("last_owner", "ana", last_worked=date(2025, 11, 5), open_cases=1, fte=0.5),
            "Ana Ruiz: worked with this student until November 2025; present; 1 open case at 0.5 FTE",
        ),
        (
            Assignment("last_owner", "ana", fte=1.0, over_ceiling=True),
            "Ana Ruiz: works with this student; present; 0 open cases at 1.0 FTE; at the ceiling",
        ),
        (
            Assignment("advisor", "ben", open_cases=2, fte=1.0),
            "Ben Okafor: advises this student; present; 2 open cases at 1.0 FTE",
        ),
        (
            Assignment("cover", "ben", for_staff_id="ana", open_cases=2, fte=1.0),
            "Ben Okafor: covers for Ana Ruiz; present; 2 open cases at 1.0 FTE",
        ),
        (
            Assignment("load", "x", open_cases=2, fte=0.8, skills=("eating", "mood")),
            (
                "x: least open cases for the working time of those available; present;"
                " 2 open cases at 0.8 FTE; knows eating and mood"
            ),
        ),
        (
            Assignment("person", "ben", by="sam", reason_code="student_asked", open_cases=2, fte=1.0),
            "Ben Okafor: chosen by Sam Supervisor (student asked); present; 2 open cases at 1.0 FTE",
        ),
        (
            Assignment("titleix_coordinator", "ben", fte=1.0),
            "Ben Okafor: Title IX coordinator of the campus; present; 0 open cases at 1.0 FTE",
        ),
        (
            Assignment("titleix_deputy", "ben", fte=1.0),
            "Ben Okafor: Title IX deputy, as no coordinator is available; present; 0 open cases at 1.0 FTE",
        ),
    ],
)
def test_an_assignment_reads_as_one_sentence(assignment: Assignment, said: str) -> None:
    assert sentence(assignment, NAMES, NOW) == said


def test_a_person_cannot_choose_who_must_not_have_the_case_and_is_not_told_why() -> None:
    ben = colleague("ben", conflicts=frozenset({"s1"}))
    place = office(colleague("ana", present=False), ben, coordinators=(colleague("tia"),))
    told = []
    for asked, whom in ((need(), "ben"), (need(), "nobody"), (need(walled=True), "ben"), (need(), "tia")):
        with pytest.raises(Refused) as refused:
            choose(whom, asked, place, {}, by="sam", reason="skill")
        told.append((refused.value.code, refused.value.detail))
    assert len(set(told)) == 1
    with pytest.raises(Refused) as refused:
        choose("ana", need(), place, {}, by="sam", reason="skill")
    assert refused.value.code == "absent"
    assert choose("tia", need(walled=True), place, {}, by="tod", reason="skill").by == "tod"


# ------------------------------------------------------------------------------------------------- what always holds

IDS = st.sampled_from([f"staff{n}" for n in range(8)])
STUDENTS = st.frozensets(st.sampled_from(["s1", "s2", "s3"]), max_size=2)


@st.composite
def colleagues(draw: st.DrawFn) -> tuple[Colleague, ...]:
    ids = draw(st.lists(IDS, unique=True, max_size=6))
    return tuple(
        colleague(
            staff_id,
            fte=draw(st.sampled_from([0.0, 0.5, 1.0])),
            conflicts=draw(STUDENTS),
            present=draw(st.booleans()),
            stand_in=draw(st.none() | IDS),
            skills=draw(st.frozensets(st.sampled_from(["mood", "food"]))),
        )
        for staff_id in ids
    )


@st.composite
def offices(draw: st.DrawFn) -> Office:
    return office(
        *draw(colleagues()),
        coordinators=draw(colleagues()),
        deputies=draw(colleagues()),
        max_load=draw(st.none() | st.floats(1, 20)),
    )


@st.composite
def needs(draw: st.DrawFn) -> Need:
    related = draw(st.lists(st.builds(Related, IDS, st.sampled_from([Chosen.LAST_OWNER, Chosen.ADVISOR])), max_size=2))
    return Need(
        students=draw(STUDENTS),
        walled=draw(st.booleans()),
        wanted=frozenset({"mood"}),
        related=tuple(related),
        declined=draw(st.frozensets(IDS, max_size=2)),
    )


@given(needs(), offices(), st.dictionaries(IDS, st.integers(0, 40)))
def test_nobody_with_a_conflict_absent_or_behind_a_wall_is_ever_assigned(
    asked: Need, place: Office, loads: dict[str, int]
) -> None:
    found = assign(asked, place, loads)

    allowed = (*place.coordinators, *place.deputies) if asked.walled else place.managers
    fit = {
        c.staff_id
        for c in allowed
        if c.present and not c.conflicts & asked.students and c.staff_id not in asked.declined and c.fte > 0
    }
    if found.staff_id is None:
        assert not (fit and asked.students)
    else:
        assert found.staff_id in fit
    assert sentence(found, {}, NOW)


@given(needs(), offices(), st.dictionaries(IDS, st.integers(0, 40)), IDS)
def test_nobody_who_must_not_is_ever_chosen_by_a_person_either(
    asked: Need, place: Office, loads: dict[str, int], whom: str
) -> None:
    try:
        found = choose(whom, asked, place, loads, by="sam", reason="skill")
    except Refused:
        return
    allowed = (*place.coordinators, *place.deputies) if asked.walled else place.managers
    assert any(c.staff_id == found.staff_id and c.present and not c.conflicts & asked.students for c in allowed)
