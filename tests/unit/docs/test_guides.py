"""The guides and their pictures belong together."""

import re
from pathlib import Path

import pytest

from tests.guides.registry import GUIDES, PICTURES, shots

PAGES = sorted(path for path in GUIDES.glob("*.md") if path.name != "README.md")
_PICTURE = re.compile(r"!\[([^\]]*)\]\(shots/([^)]+)\.png\)")


def test_every_picture_is_taken_by_make_docs_and_used_by_a_guide() -> None:
    taken = [shot.name for shot in shots()]
    shown = {name for page in PAGES for _, name in _PICTURE.findall(page.read_text())}
    assert len(taken) == len(set(taken))
    assert shown <= set(taken), "a guide shows a picture that nothing takes: add it to tests/guides/shots"
    assert set(taken) <= shown, "a picture that no guide shows"
    assert {path.stem for path in PICTURES.glob("*.png")} == set(taken), "make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_guide_is_listed_and_says_in_words_what_its_pictures_show(page: Path) -> None:
    assert f"({page.name})" in (GUIDES / "README.md").read_text()
    for words, name in _PICTURE.findall(page.read_text()):
        assert len(words.split()) >= 5, f"{name}: say what it shows, for who cannot see it"


@pytest.mark.parametrize(
    "page", [*PAGES, GUIDES / "README.md", GUIDES.parent / "README.md"], ids=lambda path: path.stem
)
def test_no_link_of_a_guide_leads_nowhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
