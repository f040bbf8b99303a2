"""Screening finds words of danger where they are meant, and says where; what only looks like them raises nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.lexicon import Edition, Lexicon, in_force
from services.intake.domain.screening import screen
from services.intake.domain.sentences import WITHHELD, only_danger
from services.intake.domain.terms import TOKEN, Plain
from services.intake.usecases.screening import sentences, shipped
from shared.events.codes import FAMILY_OF_CONCERN, Level, Urgency

WORD_LISTS = in_force(shipped(), datetime(2026, 9, 14, tzinfo=UTC))
LEXICON = next(lexicon for lexicon in WORD_LISTS if lexicon.language == "en")


def found(text: str) -> set[str]:
    """Return the categories that a text raises."""
    return {hit.category for hit in LEXICON.find(text) if not hit.negated}


def level_of(text: str) -> str:
    return screen(WORD_LISTS, text, (), "routine").level.value


@pytest.mark.parametrize(
    "text",
    [
        "He told his roommate that he is going to kill himself tonight and has the pills in his room.",
        "She wrote goodbye messages to three of us and says tonight is the night.",
        "A boy in a hoodie told a friend of mine he is going to jump.",
        "He will bring a gun to the review session tomorrow.",
        "Tomorrow I'm gonna shoot everyone in that lab",
        "SHE HAS OVERDOSED",
        "she took a whole bottle of pills an hour ago",
        "He threatened to kill his roommate.",
        "There was a bomb threat on the class chat.",
        "He is standing on the roof of the library.",
        "I don\u2019t care any more and I will end my life.",
    ],
)
def test_what_is_imminent_is_critical(text: str) -> None:
    assert level_of(text) == "critical"


@pytest.mark.parametrize(
    "text",
    [
        "On the back of a quiz he wrote 'I want to die'.",
        "I keep thinking that everyone would be better off without me.",
        "She showed me fresh cuts on the arm.",
        "He says there is no reason to live.",
        "I do not want to be alive.",
        "I don't want to wake up anymore",
        "i cant stop thinking about suicide",
        "He is not only sad but suicidal.",
        "I see no reason not to kill myself.",
        "Not helped in time, she will hurt herself.",
        "She is not eating. She talks of hurting herself.",
        "No friends, suicidal.",
        "I'm worried about self-harm.",
        "sui\u00adcidal thoughts",
        "He got death threats and fears for his life.",
        "Nobody has seen her and her bed was not slept in.",
        "The student is a missing person since Monday.",
        "He keeps beating his little brother at home.",
    ],
)
def test_what_is_danger_is_at_least_elevated(text: str) -> None:
    assert Level(level_of(text)).rank >= Level.ELEVATED.rank


@pytest.mark.parametrize(
    "text",
    [
        "She is not suicidal and has a counselling slot next week.",
        "There are no thoughts of suicide, no plan, nothing like that.",
        "He denies any thoughts of suicide or self-harm.",
        "She never said she wanted a new room.",
        "She doesn't want to die.",
        "He isn't going to hurt himself.",
        "This exam is killing me.",
        "I am dying to graduate, honestly.",
        "Could have killed my alarm clock this morning.",
        "Her essay on suicide prevention among farmers is excellent and three weeks late.",
        "My mom is going to kill me when she sees this grade.",
        "Shoot me an email when you can.",
        "He bombed the midterm and jumped the gun on the final.",
        "Happy hour is killing time before the game.",
        "The portal was unresponsive all morning.",
        "He went missing from two lectures.",
        "Ready to jump into the next project.",
        "We read about unconscious bias.",
        "Celery stalks and a butter knife were all there was.",
        "The skill itself can be learned.",
        "She has a glue gun for the art project.",
    ],
)
def test_negation_and_idiom_raise_nothing(text: str) -> None:
    assert Level(level_of(text)).rank < Level.ELEVATED.rank, LEXICON.find(text)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("She told me about having been sexually assaulted at a party.", "sex_based_misconduct"),
        ("Rosa's partner hit her again last night.", "sex_based_misconduct"),
        ("He keeps stalking her.", "sex_based_misconduct"),
        ("They shared her nudes without her consent.", "sex_based_misconduct"),
        ("New members are made to stay up all night.", "hazing"),
        ("It looked like hazing to me.", "hazing"),
        ("I suspect child abuse in that home.", "child_abuse"),
    ],
)
def test_other_categories_are_found(text: str, category: str) -> None:
    assert category in found(text)


def test_every_hit_has_its_place_in_the_text_as_written() -> None:
    text = "Well\u200b, she\u2019s not sui\u00adcidal; he wants to\u200b die."
    hits = LEXICON.find(text)
    assert [(text[hit.start : hit.end], hit.negated) for hit in hits] == [
        ("sui\u00adcidal", True),
        ("wants to\u200b die", False),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\t", " \n", ".\n\n"])
def test_what_begins_a_line_is_found_whatever_the_line_before_ends_with(end: str) -> None:
    assert "danger" in found(f"I write about my roommate{end}suicidal since Monday")
    assert "danger" in found(f"She said it twice{end}kill herself{end}is what she wants")


def test_only_whole_words_count() -> None:
    assert not LEXICON.find("Grapes and drapes; a therapist; hazelnut; parasuicide; killself; overdoser")


@given(st.text(max_size=300))
def test_any_text_can_be_screened_and_places_are_within_it(text: str) -> None:
    for hit in LEXICON.find(text):
        assert 0 <= hit.start < hit.end <= len(text)


@given(
    st.lists(
        st.sampled_from(
            ["I", "he", "not", "no", "kill", "killing", "myself", "suicide", "of", "to", "die", "want", ",", ".", "and"]
        )
    )
)
def test_words_of_danger_in_any_order_can_be_screened(words: list[str]) -> None:
    text = " ".join(words)
    assert all(text[hit.start : hit.end] for hit in LEXICON.find(text))


_SAID = sorted({word for sentence in sentences() for word in sentence.text.split()})
_MIXED = st.lists(
    st.one_of(st.sampled_from(_SAID), st.sampled_from(["n't", "_", "'", "not", "\u2019s", "\n"])), max_size=40
)


@given(st.one_of(_MIXED.map(" ".join), _MIXED.map("".join), _MIXED.map("\n".join)))
def test_the_quick_look_leaves_no_term_out(text: str) -> None:
    plain = Plain(text)
    for lexicon in WORD_LISTS:
        terms = lexicon._terms
        everywhere = {
            (term.kind, word.start(), found.end())
            for word in TOKEN.finditer(plain.text)
            for term in terms.terms
            if word[0] in term.begins or ("not" in term.begins and word[0].endswith("n't"))
            if (found := term.pattern.match(plain.text, word.start()))
        }
        assert set(terms.find(plain)) == everywhere


def test_the_level_is_the_gravest_of_words_concerns_and_urgency() -> None:
    assert screen(WORD_LISTS, "Quiet.", (), "emergency").level is Level.CRITICAL
    assert screen(WORD_LISTS, "Quiet.", (), "emergency").found_by == "urgency"
    assert screen(WORD_LISTS, "Quiet.", ("suicide",), "routine").level is Level.ELEVATED
    assert screen(WORD_LISTS, "Wants to die.", ("grades",), "soon").found_by == "screening"
    assert screen(WORD_LISTS, "Quiet.", ("grades",), "urgent").level is Level.MODERATE
    assert not screen(WORD_LISTS, "Quiet.", ("grades",), "urgent").danger


def test_what_words_mean_is_added_to_the_concerns_unless_its_family_is_there() -> None:
    assert screen(WORD_LISTS, "Wants to die.", ("grades",), "soon").concerns == ("grades", "self_harm")
    assert screen(WORD_LISTS, "Wants to die.", ("suicide",), "soon").concerns == ("suicide",)
    assert screen(WORD_LISTS, "He will shoot them all.", (), "soon").concerns == ("threat",)
    assert screen(WORD_LISTS, "She is not suicidal.", (), "soon").concerns == ()


@pytest.mark.parametrize("concern", ["sexual_misconduct", "partner_violence", "stalking"])
def test_a_coded_concern_alone_goes_behind_the_wall(concern: str) -> None:
    screening = screen(WORD_LISTS, "Please call.", (concern,), "routine")
    assert (screening.sensitivity, screening.misconduct, screening.danger) == ("titleix", True, False)


def test_every_code_of_the_lexicon_is_known() -> None:
    for lexicon in WORD_LISTS:
        assert set(lexicon.concerns) <= set(FAMILY_OF_CONCERN)
        assert set(lexicon.concerns.values()) <= set(lexicon.levels)
        assert set(lexicon.urgencies) == {urgency.value for urgency in Urgency}
    assert [lexicon.edition for lexicon in WORD_LISTS] == ["en-2026-11.2", "es-2026-11"]


def test_the_edition_in_force_screens() -> None:
    document = """
    language = "en"
    edition = "{0}"
    effective_from = {1}-01-01T00:00:00Z
    words = {{}}
    concerns = {{}}
    urgencies = {{}}
    idioms = {{terms = []}}
    negation = {{negators = [], bridges = [], unless_before = []}}
    categories = {{danger = {{level = "elevated", concern = "self_harm", terms = ["word{1}"]}}}}
    """
    read = [Lexicon.read(document.format(name, year)) for name, year in (("b", 2027), ("a", 2026))]
    editions = [Edition(lexicon, lexicon.effective_from) for lexicon in read]
    peoples = Edition(read[1], datetime(2026, 8, 1, tzinfo=UTC), by_people=True)

    def at(when: datetime, *more: Edition) -> list[str]:
        return [lexicon.edition for lexicon in in_force([*editions, *more], when)]

    assert at(datetime(2026, 5, 1, tzinfo=UTC)) == ["a"]
    assert at(datetime(2027, 1, 1, tzinfo=UTC)) == ["b"]
    assert at(datetime(2020, 1, 1, tzinfo=UTC)) == ["a"]
    assert at(datetime(2027, 1, 1, tzinfo=UTC), peoples) == ["a"], "what people put in force goes before what ships"
    assert at(datetime(2020, 1, 1, tzinfo=UTC), peoples) == ["a"]


def test_a_responder_reads_the_sentences_of_danger_without_the_misconduct() -> None:
    text = "He raped her on Friday. She wants to end her life!\nHer room is 204. After the rape she took all her pills."
    assert only_danger(text, LEXICON.find(text)) == [
        "She wants to end her life!",
        f"After the {WITHHELD} she took all her pills.",
    ]
    assert only_danger("Nothing of the kind.", LEXICON.find("Nothing of the kind.")) == []
