"""What mail to referrers says, in each language there is: one file per language, with the same keys."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

DEFAULT = "en"


@cache
def languages() -> Mapping[str, Mapping[str, str]]:
    """Return every language by its code, read once."""
    folder = files("services.notifications") / "words"
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }


def words_of(code: str) -> Mapping[str, str]:
    """Return the words of a language, or of the first one where we have none."""
    return languages().get(code) or languages()[DEFAULT]
