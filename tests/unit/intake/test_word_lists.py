"""Word lists: what a term may be, what editing does, and how well the shipped ones do on judged sentences."""

import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.domain.evaluation import (
    CATEGORIES,
    DANGER,
    TEST,
    TRAIN,
    Score,
    Sentence,
    changes,
    read,
    scores,
)
from services.intake.domain.languages import first_of, language_of
from services.intake.domain.lexicon import Hit, Lexicon, in_force
from services.intake.domain.lexicon_documents import edited, wrong_with, wrongs
from services.intake.domain.sentences import sentences_with
from services.intake.usecases.edit_lexicons import _compared, shipped_document
from services.intake.usecases.screening import documents, sentences, shipped
from shared.refusal import Refused

LISTS = in_force(shipped(), datetime(2026, 9, 14, tzinfo=UTC))
SMALL: dict[str, Any] = {
    "language": "en",
    "edition": "en-small",
    "effective_from": None,
    "words": {"them": ["him", "her"]},
    "concerns": {},
    "urgencies": {},
    "idioms": {"terms": ["blue moon"]},
    "negation": {"negators": ["no"], "bridges": [], "unless_before": []},
    "categories": {
        "danger": {"level": "elevated", "concern": "self_harm", "concern_others": "threat", "terms": ["blue door"]},
        "hazing": {"level": "moderate", "concern": "hazing", "terms": ["paddle"]},
    },
}


@pytest.mark.parametrize("document", documents().values(), ids=documents())
def test_every_term_that_ships_can_be_read(document: str) -> None:
    assert wrongs(tomllib.loads(document)) == []


@pytest.mark.parametrize(
    "term",
    [
        "", "(open", "close)", "a (b (c) d)", "_ first", "maybe? first", "last _", "<nobody> knows", "(a||b)", "a b? ?",
        "x" * 2_000, " ".join(["word"] * 15), "a _ _ _ _ _ b",
    ],
)  # fmt: skip
def test_a_term_that_cannot_be_read_says_why(term: str) -> None:
    assert wrong_with(term, {"them": ["him"]})


@pytest.mark.parametrize("term", ["kill <them>", "(want|wants) to? _ die", "kill (himself|<them>) now?", "o'clock"])
def test_a_term_that_can_be_read(term: str) -> None:
    assert wrong_with(term, {"them": ["him"]}) == ""


def test_editing_takes_the_place_of_lists_and_of_nothing_else() -> None:
    made = edited(
        SMALL,
        {
            "categories": {
                "danger": {"terms": ["  Red   Door ", "red door", ""], "terms_about_others": ["kill <them>"]}
            },
            "negation": {"doubts": ["why"]},
            "idioms": ["red doorbell"],
            "words": {"us": ["we"]},
        },
    )
    assert made["categories"]["danger"]["terms"] == ["red door"]
    assert made["categories"]["danger"]["level"] == "elevated"
    assert made["categories"]["hazing"] == SMALL["categories"]["hazing"]
    assert made["negation"] == SMALL["negation"] | {"doubts": ["why"]}
    lexicon = Lexicon.of(made)
    assert [hit.concern for hit in lexicon.find("The red door. He will kill her.")] == ["self_harm", "threat"]
    assert lexicon.find("A red doorbell.") == ()
    assert SMALL["categories"]["danger"]["terms"] == ["blue door"], "the one it began with stays"


@pytest.mark.parametrize("changes_", [{"categories": {"joy": {"terms": []}}}, {"negation": {"maybe": []}}])
def test_a_category_or_list_there_is_not_is_refused(changes_: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        edited(SMALL, changes_)


def test_figures_count_what_was_found_missed_and_wrong() -> None:
    def said(text: str, *expect: str) -> Sentence:
        return Sentence(text, "en", frozenset(expect), "plain", TRAIN)

    before = [Lexicon.of(SMALL)]
    after = [Lexicon.of(edited(SMALL, {"categories": {"danger": {"terms": ["red door"]}}}))]
    among = [said("The blue door.", "danger"), said("The red door.", "danger"), said("No paddle here, a paddle.")]
    found = scores(among, read(among, before))
    assert found[DANGER] == Score(found=1, missed=1, wrong=0)
    assert found["hazing"] == Score(found=0, missed=0, wrong=1)
    assert (found[DANGER].recall, found["hazing"].precision) == (0.5, 0.0)
    assert found["missing_person"].recall == 1
    changed = changes(among, read(among, before), read(among, after))
    assert [(change.sentence.text, change.better) for change in changed] == [
        ("The blue door.", False),
        ("The red door.", True),
    ]


def test_the_set_is_large_and_its_parts_have_nothing_in_common() -> None:
    parts = {part: {each.text for each in sentences() if each.part == part} for part in (TRAIN, TEST)}
    assert len(parts[TRAIN]) + len(parts[TEST]) >= 300
    assert not parts[TRAIN] & parts[TEST]
    assert {each.language for each in sentences()} == {"en", "es"}
    assert {each.kind for each in sentences()} == {"plain", "idiom", "negation", "quotation"}
    assert {category for each in sentences() for category in each.expect} == set(CATEGORIES)


def test_recall_on_danger_is_at_least_95_in_100_on_the_part_nobody_looked_at() -> None:
    of_test = [each for each in sentences() if each.part == TEST]
    score = scores(of_test, read(of_test, LISTS))[DANGER]
    assert score.recall >= 0.95, score
    assert score.precision >= 0.9, score
    for language in ("en", "es"):
        of_it = [each for each in of_test if each.language == language]
        assert scores(of_it, read(of_it, LISTS))[DANGER].recall >= 0.9, language


def test_a_comparison_on_the_shipped_sentences_reads_what_the_word_lists_read_together() -> None:
    made = edited(shipped_document(LISTS[0].edition) or {}, {"categories": {"danger": {"terms": ["blue door"]}}})
    for _again in range(2):  # the second time it is remembered
        compared = _compared(LISTS, made, None)
        draft = [Lexicon.of(made), *(each for each in LISTS if each.language != "en")]
        assert compared.before == scores(sentences(), read(sentences(), LISTS))
        assert compared.after == scores(sentences(), read(sentences(), draft))
        assert compared.misses_more_danger
        assert {each.sentence.part for each in compared.changed} == {TRAIN}


def test_the_language_of_a_text_orders_the_word_lists_and_hides_none() -> None:
    spanish, english = "Mi amiga dice que no quiere ir a la clase.", "My friend says that she will not go to class."
    assert [language_of(text, ["en", "es"]) for text in (spanish, english, "", "zzz")] == ["es", "en", "en", "en"]
    assert [lexicon.language for lexicon in first_of(LISTS, spanish)] == ["es", "en"]
    assert [lexicon.language for lexicon in first_of(LISTS, spanish, "en")] == ["en", "es"]
    assert [lexicon.language for lexicon in first_of(LISTS, spanish, "fr")] == ["es", "en"]


def test_no_single_word_of_one_language_is_a_common_word_of_the_other() -> None:
    """Both lists are searched in every text, so a word of one must not be an everyday word of the other."""
    plain = [each for each in sentences() if not each.expect and each.part == TRAIN]
    for lexicon in LISTS:
        others = [each.text for each in plain if each.language != lexicon.language]
        wrong = [text for text in others if any(not hit.negated for hit in lexicon.find(text))]
        assert wrong == [], lexicon.language


def test_accents_may_be_written_in_any_way_or_left_out() -> None:
    spanish = next(lexicon for lexicon in LISTS if lexicon.language == "es")
    for text in ("Intentó suicidarse.", "Intento suicidarse.", "Intento\u0301 suicidarse.", "INTENTÓ SUICIDARSE."):
        assert any(text[hit.start : hit.end].lower().startswith("int") for hit in spanish.find(text)), text


def test_the_sentences_in_which_something_was_found_stand_alone() -> None:
    text = "She is tired. She saw a blue door! It was late."
    assert sentences_with(text, [Hit("danger", 24, 33)]) == "She saw a blue door!"
    assert sentences_with(text, []) == ""
