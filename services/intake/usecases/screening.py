"""The lexicons that ship with Caselight. One file per edition; a referral keeps the name of the one it met."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from services.intake.domain.lexicon import Lexicon


@cache
def lexicons() -> Sequence[Lexicon]:
    """Return every edition of the English lexicon, read once."""
    folder = files("services.intake") / "lexicons"
    return [Lexicon.read(file.read_text(encoding="utf-8")) for file in folder.iterdir() if file.name.startswith("en")]
