"""A page goes down its line until somebody takes it, and says what happened in events."""

import pytest

from services.notifications.domain.record import State
from shared.events.pages import PageAccepted, PageDeclined, PageEnriched, PageRaised, PageStepTaken, PageUnreached
from shared.refusal import Refused
from tests.unit.notifications.world import (
    CASE,
    CONTACT,
    NOW,
    STUDENT,
    around,
    away,
    in_conflict,
    minutes,
    person,
    policy,
    program,
    raised,
    rota,
    team,
    told,
    why_not,
)


def test_danger_tells_the_duty_officer_at_once_with_the_policy_frozen_in() -> None:
    page, events = raised(around())

    first, step = events
    assert isinstance(first, PageRaised)
    assert first.policy_edition == "shipped"
    assert isinstance(step, PageStepTaken)
    assert (step.step, step.staff_ids) == (1, ("uma",))
    assert page.due_at == NOW + minutes(2)
    assert [event.sequence for event in events] == [1, 2]


def test_the_case_manager_is_told_beside_the_duty_officer_only_when_at_work() -> None:
    page, _ = raised(around(team()), student_id=STUDENT)
    assert told(page) == ["uma", "ana"] or told(page) == ["ana", "uma"]

    absent = around(team(), among=program(away("ana", "Ana Ruiz")))
    page, _ = raised(absent, student_id=STUDENT)
    assert told(page) == ["uma"]
    assert why_not(page) == {"ana": "absent"}


def test_every_step_comes_on_time_and_the_end_of_the_line_is_owned() -> None:
    page, _ = raised(around())
    at, people = NOW, []
    for _ in range(4):
        assert page.due_at is not None
        at = page.due_at
        page.pass_time(page.turn, around(), at)
        people.append((at - NOW, told(page, page.turn)))

    assert people == [
        (minutes(2), ["bea"]),
        (minutes(4), ["dee"]),
        (minutes(6), ["sys"]),
        (minutes(8), ["sys"]),
    ]
    assert (page.state, page.owner_id, page.repeat) == (State.UNREACHED, "sys", 1)
    assert page.due_at == at + minutes(5)


def test_an_unreached_page_is_told_again_and_again() -> None:
    page, _ = raised(around(among=program(rota("NORTH"))))
    while page.state == State.NOTIFYING:
        page.pass_time(page.turn, around(), page.due_at or NOW)
    for repeat in (2, 3):
        (event,) = page.pass_time(page.turn, around(), page.due_at or NOW)
        assert isinstance(event, PageUnreached)
        assert (event.owner_id, event.repeat) == ("sys", repeat)
        assert told(page, page.turn) == ["sys"]


def test_an_empty_step_is_skipped_at_once() -> None:
    nobody = around(among=program(rota("NORTH"), away("dee", "Dee Director", "director")))
    page, events = raised(nobody)

    steps = [event for event in events if isinstance(event, PageStepTaken)]
    assert [(step.step, step.staff_ids) for step in steps] == [(1, ()), (2, ()), (3, ()), (4, ("sys",))]
    assert told(page) == ["sys"]
    assert page.due_at == NOW + minutes(2)


def test_with_nobody_at_all_the_emergency_contacts_are_told_at_once_and_again() -> None:
    nobody = around(among=program(staff=()))
    page, _ = raised(nobody)

    assert (page.state, page.owner_id) == (State.UNREACHED, None)
    assert told(page) == [CONTACT]
    page.pass_time(page.turn, nobody, NOW + minutes(5))
    assert told(page) == [CONTACT, CONTACT]


def test_a_contact_whom_the_policy_names_twice_is_told_once() -> None:
    page, _ = raised(around(among=program(staff=(), contacts=(CONTACT, CONTACT))))
    assert told(page) == [CONTACT]


def test_the_first_to_accept_has_it_and_later_answers_are_refused() -> None:
    page, _ = raised(around())
    page.pass_time(page.turn, around(), NOW + minutes(2))
    (event,) = page.accept("bea", "link", NOW + minutes(3))

    assert isinstance(event, PageAccepted)
    assert (event.accepted_by, event.contact_due) == ("bea", NOW + minutes(33))
    assert page.due_at is None
    assert page.pass_time(page.turn, around(), NOW + minutes(9)) == []
    with pytest.raises(Refused, match="page_taken"):
        page.accept("uma", "link", NOW + minutes(4))
    with pytest.raises(Refused, match="page_taken"):
        page.decline("uma", "unwell", "link", around(), NOW + minutes(4))
    assert page.accepted_by == "bea"


def test_when_the_only_one_told_declines_the_next_is_told_at_once() -> None:
    page, _ = raised(around())
    declined, step = page.decline("uma", "with_somebody", "console", around(), NOW + minutes(1))

    assert isinstance(declined, PageDeclined)
    assert isinstance(step, PageStepTaken)
    assert step.staff_ids == ("bea",)
    assert page.due_at == NOW + minutes(3)


def test_while_somebody_else_of_the_step_may_still_accept_a_decline_changes_nothing() -> None:
    page, _ = raised(around(team()), student_id=STUDENT)
    events = page.decline("uma", "unwell", "link", around(team()), NOW)

    assert len(events) == 1
    assert page.due_at == NOW + minutes(2)


def test_somebody_who_declined_may_still_take_it() -> None:
    page, _ = raised(around())
    page.decline("uma", "unwell", "link", around(), NOW)
    page.accept("uma", "link", NOW)
    assert page.accepted_by == "uma"


@pytest.mark.parametrize("reason", ["", "none of your business"])
def test_an_unknown_reason_is_refused(reason: str) -> None:
    page, _ = raised(around())
    with pytest.raises(Refused, match="unknown_reason"):
        page.decline("uma", reason, "link", around(), NOW)


def test_declining_twice_is_refused() -> None:
    page, _ = raised(around())
    page.decline("uma", "unwell", "link", around(), NOW)
    with pytest.raises(Refused, match="already_declined"):
        page.decline("uma", "unwell", "link", around(), NOW)


def test_the_owner_of_an_unreached_page_who_declines_leaves_it_to_the_emergency_contacts() -> None:
    known = around(among=program(staff=(person("sys", "Sy Stem"),)))
    page, _ = raised(known)
    page.pass_time(page.turn, known, NOW + minutes(2))
    assert page.state == State.UNREACHED

    page.decline("sys", "unwell", "link", known, NOW + minutes(3))
    assert told(page, page.turn) == ["sys", CONTACT]
    page.pass_time(page.turn, known, NOW + minutes(7))
    assert told(page, page.turn) == ["sys", CONTACT]


def test_a_timer_of_an_earlier_turn_changes_nothing() -> None:
    page, _ = raised(around())
    page.decline("uma", "unwell", "link", around(), NOW)
    assert page.pass_time(1, around(), NOW + minutes(2)) == []
    assert told(page) == ["uma", "bea"]


def test_after_a_standstill_one_turn_is_taken_and_times_count_from_then() -> None:
    page, _ = raised(around())
    page.pass_time(page.turn, around(), NOW + minutes(11))
    assert told(page) == ["uma", "bea"]
    assert page.due_at == NOW + minutes(13)


def test_when_no_message_of_a_step_arrived_the_next_is_told_at_once() -> None:
    page, _ = raised(around())
    (event,) = page.fail(1, around(), NOW)
    assert isinstance(event, PageStepTaken)
    assert told(page, page.turn) == ["bea"]
    assert page.fail(1, around(), NOW) == []  # told of the same failure again


def test_when_an_owner_cannot_be_written_to_the_emergency_contacts_are_told_once_per_turn() -> None:
    known = around(among=program(staff=(person("sys", "Sy Stem"),)))
    page, _ = raised(known)
    page.pass_time(page.turn, known, NOW + minutes(2))
    for _ in range(2):
        assert page.fail(page.turn, known, NOW + minutes(2)) == []
    assert told(page, page.turn) == ["sys", CONTACT]


def test_a_graver_danger_starts_the_graver_line_and_a_milder_one_nothing() -> None:
    page, _ = raised(around(), "elevated", level="elevated")
    assert page.due_at == NOW + minutes(10)

    events = page.worsen("critical", policy(), around(), NOW + minutes(1))
    assert [event.level for event in events] == ["critical"]
    assert told(page, page.turn) == ["uma"]
    assert page.due_at == NOW + minutes(3)
    assert page.worsen("elevated", policy("elevated"), around(), NOW + minutes(1)) == []


def test_a_case_enriches_the_page_once_and_its_manager_hears_of_it() -> None:
    page, _ = raised(around())
    page.identify(STUDENT)
    enriched, step = page.enrich(CASE, around(team()), NOW + minutes(1))

    assert isinstance(enriched, PageEnriched)
    assert enriched.case_id == CASE
    assert isinstance(step, PageStepTaken)
    assert (step.target, step.staff_ids) == ("related_on_duty", ("ana",))
    assert page.due_at == NOW + minutes(2)  # nobody gets less time for it
    assert page.enrich(CASE, around(team()), NOW + minutes(1)) == []


def test_a_case_known_only_after_acceptance_names_itself_and_tells_nobody() -> None:
    page, _ = raised(around())
    page.accept("uma", "link", NOW)
    assert [type(event) for event in page.enrich(CASE, around(team()), NOW)] == [PageEnriched]


@pytest.mark.parametrize(
    "known",
    [
        around(team(recused=("uma",))),
        around(team(), among=program(in_conflict("uma", "Uma Duty", "duty_officer"))),
    ],
)
def test_nobody_is_told_across_a_wall(known: object) -> None:
    page, _ = raised(known, student_id=STUDENT)  # type: ignore[arg-type]
    assert told(page) == ["ana"]
    assert why_not(page) == {"uma": "kept_out"}


def test_danger_out_of_a_title_ix_report_is_for_the_duty_line_alone() -> None:
    page, _ = raised(around(team()), student_id=STUDENT, walled=True)
    assert told(page) == ["uma"]

    walled = team("tia", family="misconduct_sex", sensitivity="titleix")
    page, _ = raised(around(walled), student_id=STUDENT)
    assert told(page) == ["uma"]


def test_a_title_ix_report_goes_to_the_coordinator_then_the_deputy_and_nobody_else() -> None:
    page, _ = raised(around(), "titleix", function="titleix", level="elevated", walled=True)
    assert told(page) == ["tia"]
    for _ in range(4):
        page.pass_time(page.turn, around(), page.due_at or NOW)
    assert set(told(page)) == {"tia", "tod"}
    assert page.owner_id == "tia"


def test_a_cover_stands_in_for_an_absent_title_ix_coordinator_only_with_the_role() -> None:
    gone = away("tia", "Tia Coordinator", "titleix_coordinator")
    page, _ = raised(around(among=program(gone)), "titleix", function="titleix", walled=True)
    assert told(page) == ["tod"]


def test_a_known_person_without_an_address_is_not_told_and_the_step_moves_on() -> None:
    page, _ = raised(around(among=program(person("uma", "Uma Duty", email=""))))
    assert told(page) == ["bea"]
    assert why_not(page)["uma"] == "no_address"
