"""Locks, declarations and commands are as the design says."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.local.topics import declared

ROOT = Path(__file__).parents[3]
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def test_there_are_twelve_partitions_and_three_compacted_topics() -> None:
    topics = declared()
    assert {topic.partitions for topic in topics} == {12}
    assert {topic.name for topic in topics if topic.compacted} == {
        "caselight.roster",
        "caselight.program",
        "caselight.teams",
    }
    others = [topic for topic in topics if not topic.compacted]
    assert {topic.retention_ms for topic in others} == {30 * 24 * 3600 * 1000}
    assert len(topics) == 8


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_hashes_and_names_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    pins = re.findall(r"^[a-z0-9-]+(?:\[[a-z,]+\])?==", text, re.MULTILINE)
    assert pins
    assert all("--hash=sha256:" in part for part in text.split("\n\n") if part.strip())


def test_all_locks_agree_on_versions() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", lock.read_text(), re.MULTILINE):
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_command_line_has_what_operators_need() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    for command in ("up", "down", "doctor", "serve", "migrate", "topics"):
        assert re.search(rf"\b{command}\b", shown)


def test_an_unknown_service_is_refused() -> None:
    done = CliRunner().invoke(app, ["serve", "nowhere"])
    assert done.exit_code == 2
