"""What a student may inspect does not name a referrer who asked not to be known."""

import pytest

from services.intake.domain.inspection import WITHHELD, Whose, passage

SAM = Whose("Sam Lee-Ortiz", "sam.lee@mail.example", "555-0142")


def test_names_addresses_and_numbers_are_taken_out_wherever_they_stand() -> None:
    shown = passage("SAM saw it. Ask Ortiz (sam.lee@mail.example, 555-0142) or kim@x.example.", SAM)
    assert shown.text == f"{WITHHELD} saw it. Ask {WITHHELD} ({WITHHELD}, {WITHHELD}) or {WITHHELD}."


@pytest.mark.parametrize(
    "written",
    [
        "Zoë Nuñez-O'Dea",
        "ZOE\u0308 NUN\u0303EZ-O\u2019DEA",
        "Zoe Nunez\u2011O'Dea",
        "\uff3a\uff4f\uff45 \uff2e\uff55\uff4e\uff45\uff5a-O'Dea",
        "Zo\u00ade Nu\u200bnez-O'Dea",
        "zoe nunez-o'dea",
    ],
)
def test_a_name_is_taken_out_however_it_is_written(written: str) -> None:
    shown = passage(f"It was {written}, she said; \u00fcber \ufb01ve days.", Whose("Zoë Nuñez-O'Dea"))
    assert shown.text == f"It was {WITHHELD}, she said; \u00fcber \ufb01ve days."


def test_an_address_in_wide_signs_is_an_address() -> None:
    assert passage("Write to kim\uff20x.example now.", SAM).text == f"Write to {WITHHELD} now."


def test_a_word_that_only_holds_a_name_stays() -> None:
    assert passage("The sample was the same.", SAM).text == "The sample was the same."


def test_a_person_looks_at_every_sentence_in_which_somebody_speaks_of_themselves() -> None:
    text = "She cries. I am her sister. It rains.\nMy room is next to hers."
    found = passage(text, SAM)
    assert [text[start:end] for start, end in found.review] == ["I am her sister.", "My room is next to hers."]


def test_whoever_allowed_it_is_named() -> None:
    open_ = Whose("Sam Lee", "sam@mail.example", "", shielded=False)
    assert passage("Sam saw it.", open_).text == "Sam saw it."
    assert passage("I saw it.", open_).review == ()
