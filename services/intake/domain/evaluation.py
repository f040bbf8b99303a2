"""How well word lists do on sentences a person has judged: recall and precision per category, and what changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.intake.domain.lexicon import Lexicon
from services.intake.domain.screening import found_by

DANGER = "danger"
# Imminent danger is danger: that it is missed altogether is the mistake that counts.
_SAME_AS = {"danger_imminent": DANGER}
CATEGORIES = (DANGER, "sex_based_misconduct", "child_abuse", "hazing", "missing_person")
# Sentences one may look at while changing words; the other part is for the figure alone.
TRAIN, TEST = "train", "test"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, the categories a person sees in it, and the part of the set it belongs to."""

    text: str
    language: str
    expect: frozenset[str]
    kind: str
    part: str


@dataclass(frozen=True, slots=True)
class Score:
    """What of one category was found, missed, and found where it is not."""

    found: int
    missed: int
    wrong: int

    @property
    def recall(self) -> float:
        """The share of those there that was found; 1 where there are none."""
        there = self.found + self.missed
        return self.found / there if there else 1.0

    @property
    def precision(self) -> float:
        """The share of those found that are there; 1 where none was found."""
        said = self.found + self.wrong
        return self.found / said if said else 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence that is read otherwise: what it says, and the categories found before and after."""

    sentence: Sentence
    before: frozenset[str]
    after: frozenset[str]

    @property
    def better(self) -> bool:
        """Whether it is nearer to what a person sees in it."""
        return len(self.after ^ self.sentence.expect) < len(self.before ^ self.sentence.expect)


def categories_in(text: str, lexicons: Sequence[Lexicon]) -> frozenset[str]:
    """Return the categories that word lists find in a text."""
    return merged(hit.category for hit in found_by(lexicons, text) if not hit.negated)


def merged(categories: Iterable[str]) -> frozenset[str]:
    """Return categories as they are counted."""
    return frozenset(_SAME_AS.get(category, category) for category in categories)


def read(sentences: Sequence[Sentence], lexicons: Sequence[Lexicon]) -> list[frozenset[str]]:
    """Return the categories found in each sentence: reading is what takes long, so let figures share one."""
    return [categories_in(sentence.text, lexicons) for sentence in sentences]


def scores(sentences: Sequence[Sentence], found: Sequence[frozenset[str]]) -> dict[str, Score]:
    """Return the score of each category, by what was `found` in each sentence."""
    return {category: _score(category, sentences, found) for category in CATEGORIES}


def changes(
    sentences: Sequence[Sentence], before: Sequence[frozenset[str]], after: Sequence[frozenset[str]]
) -> list[Change]:
    """Return the sentences in which something else was found after than before, worse ones first."""
    readings = [Change(*each) for each in zip(sentences, before, after, strict=True)]
    return sorted((change for change in readings if change.before != change.after), key=lambda change: change.better)


def _score(category: str, sentences: Sequence[Sentence], found: Sequence[frozenset[str]]) -> Score:
    pairs = [(category in sentence.expect, category in said) for sentence, said in zip(sentences, found, strict=True)]
    return Score(
        found=sum(is_there and is_said for is_there, is_said in pairs),
        missed=sum(is_there and not is_said for is_there, is_said in pairs),
        wrong=sum(is_said and not is_there for is_there, is_said in pairs),
    )
