"""What referrers read, in each language there is: one file per language, with the same keys."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

DEFAULT = "en"
_FOLDER = "words"


@dataclass(frozen=True)
class Words:
    """A language. `words("key", name=value)` is the sentence; `phrase` the words that passphrases are made of."""

    code: str
    texts: Mapping[str, str]
    phrase: tuple[str, ...]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a sentence. A key that is not there is an error: a referrer never reads an empty place."""
        said = self.texts[key]
        return said.format(**values) if values else said

    @property
    def label(self) -> str:
        """The language's name in itself."""
        return self.texts["label"]


@cache
def languages() -> Mapping[str, Words]:
    """Return every language there is by its code, the first one first. Read once."""
    folder = files("services.intake") / _FOLDER
    codes = sorted(
        (file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")),
        key=lambda code: (code != DEFAULT, code),
    )
    return {
        code: Words(
            code,
            tomllib.loads((folder / f"{code}.toml").read_text(encoding="utf-8")),
            tuple((folder / f"passphrase-{code}.txt").read_text(encoding="utf-8").split()),
        )
        for code in codes
    }


def language(asked: str, accepted: str = "") -> Words:
    """Return the language asked for, else the first that a browser accepts and we have, else the first there is."""
    known = languages()
    wanted = [asked, *(part.partition(";")[0].strip().partition("-")[0].lower() for part in accepted.split(","))]
    return next((known[code] for code in wanted if code in known), known[DEFAULT])
