"""What a referral says about danger: its words by the lexicon, its coded concerns, the urgency claimed."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.intake.domain.lexicon import Hit, Lexicon
from services.intake.domain.terms import Plain
from shared.events.codes import Family, Level, family_of, gravest_family

MISCONDUCT = "sex_based_misconduct"
_TITLEIX = "titleix"
_STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Screening:
    """What was found, by which edition, and what follows from it.

    `concerns` are those claimed and then those found. `found_by` says in codes what made the level: `screening`
    (words or coded concerns) before `urgency`.
    """

    edition: str
    hits: tuple[Hit, ...]
    categories: tuple[str, ...]
    concerns: tuple[str, ...]
    family: str
    level: Level
    found_by: str

    @property
    def danger(self) -> bool:
        """Whether somebody must be told now."""
        return self.level.pages

    @property
    def misconduct(self) -> bool:
        """Whether the referral speaks of sex-based misconduct and so stands behind the wall."""
        return MISCONDUCT in self.categories or self.family == Family.MISCONDUCT_SEX

    @property
    def sensitivity(self) -> str:
        """How closely the referral is held."""
        return _TITLEIX if self.misconduct else _STANDARD


def screen(
    lexicons: Sequence[Lexicon],
    narrative: str,
    claimed_concerns: Sequence[str],
    urgency: str,
    description: str = "",
) -> Screening:
    """Screen a referral. Pure; the level is the gravest of what its words, concerns and urgency say.

    The first of `lexicons` is that of its language; the others are searched all the same, because people write in two
    languages at once and quote each other. `description` is how the referrer put whom it is about. What is found there
    counts, but only the narrative is shown with places.
    """
    lexicon = lexicons[0]
    hits = found_by(lexicons, narrative)
    coded = (lexicon.concerns[concern] for concern in claimed_concerns if concern in lexicon.concerns)
    meant = [hit for hit in (*hits, *found_by(lexicons, description)) if not hit.negated]
    categories = tuple(dict.fromkeys([*(hit.category for hit in meant), *coded]))
    said = max((lexicon.levels[category] for category in categories), key=_rank, default=Level.NONE)
    claimed = lexicon.urgencies.get(urgency, Level.NONE)
    concerns = _with_found(claimed_concerns, meant)
    return Screening(
        edition=lexicon.edition,
        hits=hits,
        categories=categories,
        concerns=concerns,
        family=gravest_family(concerns).value,
        level=max(said, claimed, key=_rank),
        found_by="screening" if said.rank >= claimed.rank else "urgency",
    )


def found_by(lexicons: Sequence[Lexicon], text: str) -> tuple[Hit, ...]:
    """Return the hits of all word lists, in the order of the text, which is made ready for them once."""
    if not text:
        return ()
    plain = Plain(text)
    hits = [hit for lexicon in lexicons for hit in lexicon.find(plain)]
    return tuple(sorted(hits, key=lambda hit: (hit.start, hit.end, hit.category)))


def _with_found(claimed: Sequence[str], hits: Sequence[Hit]) -> tuple[str, ...]:
    """Add what the words mean to what was claimed, unless its family is there: a person's code says it better."""
    families = {family_of(concern) for concern in claimed}
    found = [hit.concern for hit in hits if family_of(hit.concern) not in families]
    return tuple(dict.fromkeys([*claimed, *found]))


def _rank(level: Level) -> int:
    return level.rank
