"""Which language a text is in, by its small words. A hint only: every word list is searched whatever it says."""

import re
from collections.abc import Collection, Sequence

from services.intake.domain.lexicon import Lexicon

DEFAULT = "en"

_WORD = re.compile(r"[^\W\d_]+")
# The same for a text of ASCII alone: what is no letter becomes a space.
_SPACED = {code: " " for code in range(128) if not chr(code).isalpha()}
_SMALL = {
    "en": "the and to of in is was he she his her they that with for not has have had been my i a at on it this from",
    "es": "que de la el y los las no un una con por para su se es esta mi lo le me del al como pero ya muy mas en a",
}
_SMALL_WORDS = {code: frozenset(_WORD.findall(words)) for code, words in _SMALL.items()}
_LOOKED_AT = 4_000


def language_of(text: str, among: Collection[str]) -> str:
    """Return the language whose small words are most of the text; English where none stands out."""
    looked_at = text[:_LOOKED_AT].lower()
    words = looked_at.translate(_SPACED).split() if looked_at.isascii() else _WORD.findall(looked_at)
    counts = {code: sum(map(small.__contains__, words)) for code, small in _SMALL_WORDS.items() if code in among}
    best = max(counts, key=lambda code: (counts[code], code == DEFAULT), default=DEFAULT)
    return best if counts.get(best) else DEFAULT


def first_of(lexicons: Sequence[Lexicon], text: str, language: str = "") -> tuple[Lexicon, ...]:
    """Return the word lists with that of the text's language first. `language` is what the form was in, if known."""
    known = {lexicon.language for lexicon in lexicons}
    spoken = language if language in known else language_of(text, known)
    return tuple(sorted(lexicons, key=lambda lexicon: (lexicon.language != spoken, lexicon.language)))
