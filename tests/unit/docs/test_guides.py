"""The guides and their pictures belong together."""

import re
from pathlib import Path

import pytest

from tests.guides.registry import GUIDES, PICTURES, shots

EVERY = sorted(GUIDES.rglob("*.md"))
_PICTURE = re.compile(r"!\[([^\]]*)\]\((?:\.\./)*shots/([^)]+)\.png\)")


def _name(page: Path) -> str:
    return page.relative_to(GUIDES).with_suffix("").as_posix()


def test_every_picture_is_taken_by_make_docs_and_used_by_a_guide() -> None:
    taken = [shot.name for shot in shots()]
    shown = {name for page in EVERY for _, name in _PICTURE.findall(page.read_text())}
    assert len(taken) == len(set(taken))
    assert shown <= set(taken), "a guide shows a picture that nothing takes: add it to tests/guides/shots"
    assert set(taken) <= shown, "a picture that no guide shows"
    assert {path.stem for path in PICTURES.glob("*.png")} == set(taken), "make docs"


@pytest.mark.parametrize("page", [page for page in EVERY if page != GUIDES / "README.md"], ids=_name)
def test_a_guide_is_listed_and_says_in_words_what_its_pictures_show(page: Path) -> None:
    over = page.parent / "README.md" if page.name != "README.md" else page.parent.parent / "README.md"
    assert f"({page.relative_to(over.parent).as_posix()})" in over.read_text()
    for words, name in _PICTURE.findall(page.read_text()):
        assert len(words.split()) >= 5, f"{name}: say what it shows, for who cannot see it"


@pytest.mark.parametrize("page", [*EVERY, GUIDES.parent / "README.md"], ids=lambda path: path.parent.name + path.stem)
def test_no_link_of_a_guide_leads_nowhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
