"""The words of the public pages: every language has them all, and passphrases are made of plain ones."""

import re
from string import Formatter

import pytest

from services.intake.domain.passphrases import CHOICE, hash_of, is_right, normal, phrase_of
from services.intake.http.words import DEFAULT, language, languages
from services.notifications.delivery.referrer_words import languages as mail_languages

_CALLED = re.compile(r"""\bt\(\s*"([a-z0-9_]+)"(?!\s*~)""")


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("code", sorted(languages()))
def test_every_language_has_every_key_with_the_same_places(code: str) -> None:
    first, other = languages()[DEFAULT].texts, languages()[code].texts
    assert set(other) == set(first)
    assert [key for key in first if places(first[key]) != places(other[key])] == []
    assert all(other.values())


def test_mail_to_referrers_speaks_every_language_of_the_form() -> None:
    first = mail_languages()[DEFAULT]
    assert set(mail_languages()) == set(languages())
    for words in mail_languages().values():
        assert set(words) == set(first)
        assert [key for key in first if places(first[key]) != places(words[key])] == []


@pytest.mark.parametrize("code", sorted(languages()))
def test_passphrases_are_six_plain_words_of_512(code: str) -> None:
    words = languages()[code].phrase
    assert len(set(words)) == CHOICE == len(words)
    assert all(re.fullmatch(r"[a-z]{3,12}", word) for word in words)
    phrase = phrase_of(b"a secret of some length, 32 bytes", words)
    assert len(phrase.split("-")) == 6
    assert phrase == phrase_of(b"a secret of some length, 32 bytes", words)
    assert phrase != phrase_of(b"another secret of that length 32", words)


def test_a_passphrase_is_known_however_it_is_typed() -> None:
    salt = bytes(16)
    kept = hash_of("able-acorn-niñez", salt)
    assert is_right("  ABLE, acorn\u00a0Ninez ", salt, kept)
    assert not is_right("able acorn", salt, kept)
    assert normal("--Árbol  del__norte!") == "arbol-del-norte"
    with pytest.raises(ValueError, match="512"):
        phrase_of(b"x", ["one"])


def test_the_language_asked_for_comes_before_what_a_browser_accepts() -> None:
    assert language("es", "en-US").code == "es"
    assert language("", "fr-FR, es-MX;q=0.8, en;q=0.5").code == "es"
    assert language("xx", "").code == DEFAULT
