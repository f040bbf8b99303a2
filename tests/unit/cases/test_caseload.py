"""What becomes of a referral: it joins an open case or opens one, and repeating it changes nothing."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.cases.domain.caseload import Caseload, Opening
from services.cases.domain.codes import State
from services.cases.domain.students import Students, chains
from shared.ids import derived_id, new_id
from tests.unit.cases.examples import (
    NOW,
    Everywhere,
    caseload,
    colleague,
    kinds,
    note,
    office,
    open_cases,
    opening,
    places,
)

ADA, BO = UUID(int=1), UUID(int=2)


def test_two_referrals_about_one_student_are_one_case_and_two_students_are_two() -> None:
    load = caseload()
    facts = [load.receive(opening(student)) for student in (ADA, ADA, BO)]
    assert [kinds(told) for told in facts] == [["CaseOpened"], ["ReferralAttached"], ["CaseOpened"]]
    assert len(open_cases(load)) == 2


def test_another_family_or_another_campus_is_another_case() -> None:
    load = caseload()
    load.receive(opening(ADA))
    load.receive(opening(ADA, family="academic"))
    load.receive(opening(ADA, campus="SOUTH"))
    assert len(open_cases(load)) == 3


def test_joining_adds_concerns_raises_the_level_and_never_lowers_it() -> None:
    load = caseload()
    load.receive(opening(ADA, level="mild"))
    (attached,) = load.receive(opening(ADA, concerns=("mood", "eating"), level="critical", sensitivity="sensitive"))
    load.receive(opening(ADA, level="none"))

    (case,) = load.cases.values()
    assert (case.level, case.added_concerns, case.sensitivity) == ("critical", ("eating",), "sensitive")
    assert case.outreach_due == NOW + timedelta(days=1)
    assert attached.added_concerns == ("eating",)  # type: ignore[attr-defined]
    assert case.version == 3


def test_a_case_opens_for_somebody_not_identified_and_is_never_joined_by_another_unknown() -> None:
    load = caseload()
    load.receive(opening(None))
    load.receive(opening(None))
    assert len(open_cases(load)) == 2
    assert {case.state for case in load.cases.values()} == {State.NEW}
    assert {case.assignment.code for case in load.cases.values()} == {"nobody_student_unknown"}


def test_title_ix_stands_alone_behind_its_wall() -> None:
    load = caseload(coordinators=(colleague("tia"),))
    load.receive(opening(ADA))
    load.receive(opening(ADA, family="misconduct_sex", concerns=("stalking",)))
    load.receive(opening(ADA, sensitivity="titleix"))  # whatever its family says
    walled = [case for case in load.cases.values() if case.sensitivity == "titleix"]
    assert [(case.family, case.owner_id, len(case.referrals)) for case in walled] == [("misconduct_sex", "tia", 2)]


def test_a_walled_case_relates_nobody_so_that_no_other_case_shows_it() -> None:
    load = caseload(colleague("ana"), colleague("tia"), coordinators=(colleague("tia"),))
    load.loads["tia"] = 20
    load.receive(opening(ADA, family="misconduct_sex"))
    load.receive(opening(ADA))
    assert [case.owner_id for case in load.cases.values()] == ["tia", "ana"]


def test_a_person_may_attach_a_referral_to_another_case_but_not_through_the_wall() -> None:
    load = caseload(coordinators=(colleague("tia"),))
    load.receive(opening(ADA))
    (health,) = load.cases.values()
    load.receive(opening(ADA, family="academic", case_id=health.case_id))
    assert len(open_cases(load)) == 1
    load.receive(opening(ADA, family="misconduct_sex", case_id=health.case_id))
    load.receive(opening(BO, family="academic", case_id=health.case_id))
    assert len(open_cases(load)) == 3


def test_attaching_a_known_student_to_an_unidentified_case_says_who_it_is() -> None:
    load = caseload()
    load.receive(opening(None))
    (nameless,) = load.cases.values()
    facts = load.receive(opening(ADA, case_id=nameless.case_id))
    assert kinds(facts) == ["ReferralAttached", "CaseStudentIdentified", "CaseAssigned"]
    assert load.cases[nameless.case_id].student_id == ADA


def test_whoever_works_with_a_student_gets_their_next_case_too() -> None:
    load = caseload(colleague("ana"), colleague("ben"), colleague("cyd"))
    load.receive(opening(ADA))
    load.receive(opening(ADA, family="academic"))
    assert {case.owner_id for case in load.cases.values()} == {"ana"}


def test_a_relation_of_long_ago_is_none() -> None:
    load = caseload(colleague("ana"), colleague("ben"))
    load.receive(opening(ADA))
    (case,) = load.cases.values()
    old = NOW - timedelta(days=800)
    over = replace(case, state=State.MERGED, ended_at=old, opened_at=old, merged_into=new_id())
    for ended, owner in ((old, "ben"), (NOW - timedelta(days=200), "ana")):
        later = Caseload(
            at=NOW,
            office=Everywhere(office(colleague("ana"), colleague("ben"))),
            cases={over.case_id: replace(over, ended_at=ended)},
            loads={"ana": 9},
        )
        later.receive(opening(ADA))
        assert [case.owner_id for case in later.cases.values() if case.is_open] == [owner]


def test_the_advisor_of_the_roster_is_a_relation() -> None:
    load = caseload(colleague("ana"), colleague("ben"), students=Students(advisors={ADA: "ben"}))
    load.receive(opening(ADA))
    assert [case.assignment.code for case in load.cases.values()] == ["advisor"]


def test_cases_of_one_batch_spread_over_those_who_can_take_them() -> None:
    load = caseload(colleague("ana"), colleague("ben", fte=0.5))
    for student in range(30):
        load.receive(opening(UUID(int=100 + student)))
    assert load.loads == {"ana": 20, "ben": 10}


# --------------------------------------------------------------------------------------------------- identified later


def test_an_unidentified_case_becomes_the_students_and_gets_an_owner() -> None:
    load = caseload()
    unknown = opening(None)
    load.receive(unknown)
    assert kinds(load.identify(unknown.referral_id, ADA)) == ["CaseStudentIdentified", "CaseAssigned"]
    (case,) = load.cases.values()
    assert (case.student_id, case.owner_id, case.state) == (ADA, "ana", State.ASSIGNED)
    assert load.identify(unknown.referral_id, ADA) == ()
    second = opening(ADA)
    load.receive(second)
    assert load.identify(unknown.referral_id, BO) == ()  # with another referral in it, the case stays hers
    assert load.noted[unknown.referral_id].student_id == BO


def test_a_case_that_stands_on_one_referral_follows_it_to_another_student_and_to_nobody() -> None:
    load = caseload()
    only = opening(ADA)
    load.receive(only)
    (told,) = load.identify(only.referral_id, BO)
    assert (type(told).__name__, told.student_id) == ("CaseStudentIdentified", BO)
    assert load.unidentify(only.referral_id)[0].student_id is None
    assert load.unidentify(only.referral_id) == ()
    assert [case.student_id for case in load.cases.values()] == [None]


def test_a_referral_that_moves_to_a_student_with_a_case_asks_and_leaves_nobody_named_wrongly() -> None:
    load = caseload()
    moved, there = opening(ADA), opening(BO)
    load.receive(moved)
    load.receive(there)
    (told,) = load.identify(moved.referral_id, BO)
    assert told.student_id is None
    asked = [(question.case_id, question.other_case_id) for question in load.questions]
    case = {id_: load.case_of(id_) for id_ in (moved.referral_id, there.referral_id)}
    assert asked == [(case[there.referral_id].case_id, case[moved.referral_id].case_id)]  # type: ignore[union-attr]


def test_students_that_are_merged_have_their_open_cases_asked_about_and_nothing_is_joined() -> None:
    before = caseload()
    before.receive(opening(ADA))
    before.receive(opening(BO))
    before.receive(opening(BO, family="housing", concerns=("housing",)))
    load = Caseload(
        at=NOW, office=before.office, students=Students(same_as={ADA: BO}), cases=dict(before.cases), loads={}
    )
    assert load.meet(ADA) == ()
    assert [(load.cases[q.case_id].student_id, load.cases[q.other_case_id].student_id) for q in load.questions] == [
        (ADA, BO)
    ]
    assert set(load.whose().values()) == {BO}
    assert list(load.changed()) == []


def test_a_student_with_an_open_case_of_the_family_is_a_question_for_a_person() -> None:
    load = caseload()
    unknown = opening(None)
    load.receive(opening(ADA))
    load.receive(unknown)
    assert load.identify(unknown.referral_id, ADA) == ()
    (question,) = load.questions
    known, nameless = load.cases.values()
    assert (question.case_id, question.other_case_id) == (known.case_id, nameless.case_id)
    assert load.cases[nameless.case_id].student_id is None


def test_what_was_known_before_the_case_is_used_when_it_opens() -> None:
    load = caseload()
    early = opening(None, level="mild")
    note(load, early.referral_id)
    load.identify(early.referral_id, ADA)
    load.raise_level(early.referral_id, "critical")
    load.receive(early)
    (case,) = load.cases.values()
    assert (case.student_id, case.level) == (ADA, "critical")


def test_an_owner_who_must_not_work_with_the_student_now_known_is_replaced() -> None:
    load = caseload(colleague("ana", conflicts=frozenset({str(ADA)})), colleague("ben"))
    unknown = opening(None)
    load.receive(unknown)
    (case,) = load.cases.values()
    load.put(replace(case, assignment=replace(case.assignment, staff_id="ana")))
    load.identify(unknown.referral_id, ADA)
    assert load.cases[case.case_id].owner_id == "ben"


def test_danger_raises_the_level_of_the_case() -> None:
    load = caseload()
    first = opening(ADA)
    load.receive(first)
    load.raise_level(first.referral_id, "critical")
    load.raise_level(first.referral_id, "mild")
    (case,) = load.cases.values()
    assert (case.level, case.version) == ("critical", 2)


# ------------------------------------------------------------------------------------------------------ merged students


def test_two_ids_of_one_student_are_one_student() -> None:
    merged = Students(same_as={ADA: BO})
    load = caseload(colleague("ana", conflicts=frozenset({str(ADA)})), colleague("ben"), students=merged)
    load.receive(opening(ADA))
    load.receive(opening(BO))
    (case,) = load.cases.values()
    assert (len(case.referrals), case.owner_id) == (2, "ben")


def test_students_merged_after_both_had_a_case_are_a_question_and_the_older_case_goes_on() -> None:
    before = caseload()
    before.receive(opening(ADA))
    before.receive(opening(BO))
    load = Caseload(
        at=NOW, office=before.office, students=Students(same_as={ADA: BO}), cases=dict(before.cases), loads={}
    )
    load.receive(opening(BO))
    older, newer = sorted(load.cases)
    assert [(question.case_id, question.other_case_id) for question in load.questions] == [(older, newer)]
    assert len(load.cases[older].referrals) == 2


def test_merges_of_merges_resolve_and_a_ring_ends() -> None:
    cy = UUID(int=3)
    students = Students(same_as={ADA: BO, BO: cy})
    assert students.resolve(ADA) == cy
    assert students.aliases(BO) == {str(ADA), str(BO), str(cy)}
    assert Students(same_as={ADA: BO, BO: ADA}).resolve(ADA) in (ADA, BO)
    assert chains({ADA: BO}, [ADA]) == {BO}
    assert students.aliases(None) == frozenset()


# --------------------------------------------------------------------------------------------------- what always holds

OPENINGS = st.lists(
    st.builds(
        lambda n, student, campus, family, level: opening(
            student, referral_id=derived_id(n), campus=campus, family=family, level=level
        ),
        st.integers(0, 12),
        st.none() | st.sampled_from([ADA, BO, UUID(int=3)]),
        st.sampled_from(["NORTH", "SOUTH"]),
        st.sampled_from(["health", "academic", "misconduct_sex"]),
        st.sampled_from(["none", "mild", "critical"]),
    ),
    max_size=25,
)


@given(OPENINGS, st.booleans())
def test_every_referral_ends_in_exactly_one_case_and_no_place_has_two(openings: list[Opening], merged: bool) -> None:
    students = Students(same_as={ADA: BO}) if merged else Students()
    load = caseload(colleague("ana"), colleague("ben"), coordinators=(colleague("tia"),), students=students)
    for each in openings:
        load.receive(each)
    before = dict(load.cases)
    for each in openings:
        assert load.receive(each) == ()

    assert load.cases == before
    placed = Counter(referral for case in load.cases.values() for referral in case.referrals)
    assert set(placed) == {each.referral_id for each in openings}
    assert set(placed.values()) <= {1}
    assert max(Counter(places(load)).values(), default=1) == 1
    owners = Counter(case.owner_id for case in load.cases.values() if case.owner_id)
    assert owners == Counter({staff: count for staff, count in load.loads.items() if count})
    assert all((case.family == "misconduct_sex") == (case.sensitivity == "titleix") for case in load.cases.values())
