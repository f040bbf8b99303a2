"""Who may be meant: names as people write them, evidence in words, and nothing that a name alone decides."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import identity
from services.intake.domain.likeness import address_slips, likeness, names_in, one_slip, queries, slips
from services.intake.domain.matching import MOST, Agreement, Known, Question, rank, weigh
from services.intake.domain.nicknames import written_out
from services.intake.domain.people import EMAIL, NUMBER, Profile, Section, comparable, shown_name
from services.intake.domain.referrals import About
from services.intake.domain.roster_rows import Student
from shared.refusal import Refused

TODAY = date(2026, 9, 14)
NOW = datetime(2026, 9, 14, 12, tzinfo=UTC)
A = Agreement


def student(name: str, number: str = "N10", **more: Any) -> Student:
    """Return a student of one campus."""
    profile = Profile(**more.pop("profile", {}))
    id_ = more.pop("id_", UUID(int=int(number[1:])))
    email = more.pop("email", "")
    return Student(id_, number, ("NORTH",), name, email, "", (), "active", 1, profile=profile, **more)


def words(about: About, known: Known, referrer: str = "") -> dict[str, Agreement]:
    """Return the evidence by field."""
    return {each.field: each.agreement for each in weigh(Question(about, TODAY, referrer), known).evidence}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("José  O'Brien-Núñez", "jose obrien nunez"),
        ("Łukasz Straße", "lukasz strasse"),
        ("Halloway, Wren", "wren halloway"),
        ("SØREN Æbleø", "soren aebleo"),
        ("李 小龍", "李 小龍"),
        ("van_der  Berg.", "van der berg"),
        ("\u1d2cnna", "anna"),
        (",", ""),
    ],
)
def test_names_are_compared_without_case_accents_and_signs(written: str, read: str) -> None:
    assert comparable(written) == read


@given(st.text(max_size=40))
def test_a_comparable_name_stays_as_it_is(name: str) -> None:
    assert comparable(comparable(name)) == comparable(name)


@pytest.mark.parametrize(
    ("name", "in_use", "shown"),
    [
        ("Margaret Halloway", "", "Margaret Halloway"),
        ("Margaret Wren Halloway", "Wren", "Wren Halloway"),
        ("Margaret Halloway", "Wren Holt", "Wren Holt"),
        ("Prince", "Symbol", "Symbol"),
    ],
)
def test_the_name_in_use_is_the_one_shown(name: str, in_use: str, shown: str) -> None:
    assert shown_name(name, in_use) == shown


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("wren h", "wren halloway"),
        ("bill smith", "william smith"),
        ("jon snowe", "john snow"),
        ("halloway wren", "wren halloway"),
        ("maria garcia", "maria fernanda garcia lopez"),
        ("dela cruz ana", "ana de la cruz"),
        ("smth robert", "bob smith"),
    ],
)
def test_what_people_write_is_like_the_name_they_mean(said: str, known: str) -> None:
    assert likeness(said, known) >= 0.9


@pytest.mark.parametrize(("said", "known"), [("wren halloway", "kofi lind"), ("ana", ""), ("li wei", "john smith")])
def test_other_names_are_not(said: str, known: str) -> None:
    assert likeness(said, known) < 0.6


_NAMES = st.lists(st.text("abcdefghij", min_size=1, max_size=9), min_size=1, max_size=4).map(" ".join)


@given(_NAMES, _NAMES)
def test_likeness_is_between_nothing_and_the_same(one: str, other: str) -> None:
    assert 0.0 <= likeness(one, other) <= 1.0
    assert likeness(one, one) == 1.0


@given(st.text("0123456789AB", min_size=2, max_size=9))
def test_every_slip_is_one_slip(number: str) -> None:
    found = slips(number)
    assert number not in found
    assert all(one_slip(number, each) for each in found)


@given(st.text("abc.", min_size=1, max_size=8))
def test_every_slip_in_an_address_is_one_slip_and_stays_at_its_place(local: str) -> None:
    found = address_slips(f"{local}@x.example")
    assert f"{local}@x.example" not in found
    assert all(one_slip(f"{local}@x.example", each) and each.endswith("@x.example") for each in found)


def test_names_are_found_in_words_and_titles_are_not() -> None:
    assert names_in("I am worried about Wren H., my roommate in Cedar Hall. She said Kofi Lind was there") == [
        "wren h", "kofi lind", "cedar",
    ]  # fmt: skip
    assert names_in("a student in my section") == []
    assert names_in("Dr. Osei, Prof. Lind") == ["osei", "lind"]


def test_what_is_looked_for_is_the_name_or_what_may_hold_one() -> None:
    assert queries("Bill Smith", "the tall Kofi", "w.smith42@students.example.edu") == ["bill smith"]
    assert queries("", "the tall Kofi Lind", "") == ["kofi lind"]
    assert queries("", "wren halloway", "") == ["wren halloway"], "a few words may be a name in small letters"
    assert queries("", "", "wren.halloway42@students.example.edu") == ["wren halloway"]
    assert queries("", "", "wh7@students.example.edu") == []
    assert queries("", "", "") == []


def test_nicknames_are_kept_and_sought_under_one_name() -> None:
    assert written_out("bill smith") == written_out("will smith") == written_out("william smith")
    assert written_out("liz halloway") == written_out("beth halloway")
    assert written_out("wren halloway") == "wren halloway"
    assert written_out("patty ortiz") != written_out("rick ortiz")


def test_evidence_says_in_words_how_each_field_agrees() -> None:
    wren = Known(
        student(
            "Margaret Halloway", "N1041", email="w.halloway@x.example",
            profile={
                "name_in_use": "Wren", "residence": "Cedar Hall 312", "level": "sophomore", "pronouns": "she/her",
                "birth_date": date(2006, 2, 3),
            },
        ),
        classes=(Section("2026F", "CHEM110", "4", "osei"), Section("2026F", "BIO101", "", "")),
    )  # fmt: skip
    about = About(
        number="N1014", email="w.haloway@x.example", name="Wren H.", course="CHEM 110 section 4",
        residence="cedar hall, third floor", level="2nd year", pronouns="she", birth_date="3/2/2006",
    )  # fmt: skip
    assert words(about, wren) == {
        "name": A.FITS, "number": A.COULD_FIT, "email": A.COULD_FIT, "residence": A.FITS, "course": A.SAME,
        "level": A.FITS, "birth_date": A.COULD_FIT, "pronouns": A.FITS,
    }  # fmt: skip
    assert words(About(), wren) == dict.fromkeys(words(about, wren), A.NOTHING)


@pytest.mark.parametrize(
    ("said", "classes", "referrer", "agreement"),
    [
        ("CHEM 110", "CHEM110/4/osei", "", A.FITS),
        ("chem110 sec. 4", "CHEM110/4/osei", "", A.SAME),
        ("CHEM 110 section 2", "CHEM110/4/osei", "", A.COULD_FIT),
        ("HIST 200", "CHEM110/4/osei", "", A.DIFFERS),
        ("", "CHEM110/4/osei", "osei", A.SAME),
        ("my class", "CHEM110/4/osei", "", A.NOTHING),
    ],
)
def test_a_class_agrees_by_course_section_and_who_teaches_it(
    said: str, classes: str, referrer: str, agreement: Agreement
) -> None:
    known = Known(student("A B"), classes=(Section("2026F", *classes.split("/")),))
    assert words(About(course=said), known, referrer)["course"] == agreement


@pytest.mark.parametrize(
    ("said", "lives", "agreement"),
    [
        ("Cedar Hall 312", "Cedar Hall 312", A.SAME),
        ("Cedar", "Cedar Hall 312", A.FITS),
        ("Cedar Hall 210", "Cedar Hall 312", A.COULD_FIT),
        ("Elm House", "Cedar Hall 312", A.DIFFERS),
        ("off campus", "Off campus since Aug 2026", A.FITS),
        ("", "Cedar Hall 312", A.NOTHING),
    ],
)
def test_where_somebody_lives(said: str, lives: str, agreement: Agreement) -> None:
    assert words(About(residence=said), Known(student("A B", profile={"residence": lives})))["residence"] == agreement


@pytest.mark.parametrize(
    ("said", "agreement"),
    [("2006-02-03", A.SAME), ("02/03/2006", A.SAME), ("03.02.2006", A.COULD_FIT), ("20", A.FITS), ("19", A.COULD_FIT),
     ("25", A.DIFFERS), ("1999-12-31", A.DIFFERS), ("in spring", A.DIFFERS)],
)  # fmt: skip
def test_when_somebody_was_born(said: str, agreement: Agreement) -> None:
    known = Known(student("A B", profile={"birth_date": date(2006, 2, 3)}))
    assert words(About(birth_date=said), known)["birth_date"] == agreement


def test_an_address_or_number_they_had_before_fits_and_is_not_the_same() -> None:
    known = Known(student("A B", email="new@x.example"), before=((EMAIL, "old@x.example"), (NUMBER, "n9")))
    assert words(About(email="old@x.example", number="N9"), known)["email"] == A.FITS
    assert words(About(email="old@x.example", number="N9"), known)["number"] == A.FITS


def test_the_second_sign_decides_between_people_of_one_name() -> None:
    people = [
        Known(student("Sam Rivera", f"N{n}", profile={"residence": hall}))
        for n, hall in enumerate(["Elm House", "Cedar Hall", "Maple Court"], 10)
    ]
    found = rank(Question(About(name="Sam Rivera", residence="Cedar Hall"), TODAY), people)
    assert found[0].known.student.number == "N11"
    assert len(found) == 3


def test_to_share_a_class_with_the_one_who_is_meant_is_no_sign_of_being_them() -> None:
    classmate = Known(student("Kofi Lind"), classes=(Section("2026F", "CHEM110", "4", "osei"),))
    assert rank(Question(About(name="Wren Halloway"), TODAY, "osei"), [classmate]) == []


@given(st.lists(_NAMES, max_size=12), _NAMES)
def test_no_more_than_a_few_are_proposed_and_each_is_called_so(names: list[str], said: str) -> None:
    known = [Known(student(name, f"N{n}")) for n, name in enumerate(names, 1)]
    found = rank(Question(About(name=said), TODAY), known)
    assert len(found) <= MOST
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    for each in found:
        assert {e.field: e.agreement for e in each.evidence}["name"] not in (A.DIFFERS, A.NOTHING)


# ------------------------------------------------------------------------------------------------------ who is whom


def test_nobody_is_merged_with_themselves_and_no_ring_comes_about() -> None:
    one, two = student("A B", "N1"), student("C D", "N2")
    with pytest.raises(Refused, match="same_already"):
        identity.merge(one, one, "other", "sam", NOW)
    merged = one.merged(two.student_id)
    for pair in ((merged, two), (two, merged)):
        with pytest.raises(Refused, match="merged_already"):
            identity.merge(*pair, "other", "sam", NOW)


def test_undoing_keeps_who_said_what_and_happens_once() -> None:
    made = identity.merge(student("A B", "N1"), student("C D", "N2"), "second_account", "sam", NOW)
    undone = made.undo("two_people", "dee", NOW)
    told = undone.snapshot()
    assert (told.status, told.merged_by, told.undone_by, told.sequence) == ("undone", "sam", "dee", 2)
    with pytest.raises(Refused, match="already_undone"):
        undone.undo("other", "sam", NOW)


@pytest.mark.parametrize(
    ("born", "said", "minor"),
    [(date(2008, 9, 14), None, False), (date(2008, 9, 15), None, True), (None, True, True), (None, None, None)],
)
def test_who_is_under_age(born: date | None, said: bool | None, minor: bool | None) -> None:
    assert Profile(birth_date=born, minor=said).is_minor(TODAY) is minor
