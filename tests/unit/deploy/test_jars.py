"""Kafka starts from exactly the jars of the lock."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local import jars
from deploy.local.processes import StartError

GOOD = b"the right bytes"


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "jars.lock"
    digest = hashlib.sha256(GOOD).hexdigest()
    path.write_text(f"# comment\norg.one:one:1.0 {digest}\norg.two:two:2.0:linux {digest}\n")
    return path


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces the repository; returns what was asked of it."""
    return serve(monkeypatch, lambda _: GOOD)


def serve(monkeypatch: pytest.MonkeyPatch, content: Callable[[str], bytes]) -> list[str]:
    asked: list[str] = []

    def resolve(coordinate: str, downloads: Path) -> Path:
        asked.append(coordinate)
        downloads.mkdir(parents=True, exist_ok=True)
        path = downloads / coordinate.replace(":", "-")
        path.write_bytes(content(coordinate))
        return path

    monkeypatch.setattr(jars, "resolve", resolve)
    return asked


def test_missing_jars_are_fetched_once(tmp_path: Path, lock: Path, fetched: list[str]) -> None:
    folder = tmp_path / "jars"
    paths = jars.ensure(folder, quiet, lock=lock)
    jars.ensure(folder, quiet, lock=lock)
    assert [path.name for path in paths] == ["one-1.0.jar", "two-2.0-linux.jar"]
    assert sorted(fetched) == ["org.one:one:1.0", "org.two:two:2.0:linux"]


@pytest.mark.parametrize("damage", [b"", GOOD[:-1], GOOD + b"!"], ids=["empty", "cut off", "tampered with"])
def test_a_damaged_jar_is_fetched_again(tmp_path: Path, lock: Path, fetched: list[str], damage: bytes) -> None:
    folder = tmp_path / "jars"
    jars.ensure(folder, quiet, lock=lock)
    fetched.clear()
    (folder / "one-1.0.jar").write_bytes(damage)
    jars.ensure(folder, quiet, lock=lock)
    assert fetched == ["org.one:one:1.0"]
    assert (folder / "one-1.0.jar").read_bytes() == GOOD


@pytest.mark.usefixtures("fetched")
def test_a_jar_that_is_not_in_the_lock_does_not_stay(tmp_path: Path, lock: Path) -> None:
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / "stranger-1.0.jar").write_bytes(b"x")
    jars.ensure(folder, quiet, lock=lock)
    assert sorted(path.name for path in folder.iterdir()) == ["one-1.0.jar", "two-2.0-linux.jar"]


def test_a_repository_that_serves_something_else_is_refused(
    tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, lambda _: b"something else")
    with pytest.raises(StartError, match="sha256 differs"):
        jars.ensure(tmp_path / "jars", quiet, lock=lock)
    assert list((tmp_path / "jars").iterdir()) == []


def test_the_lock_names_kafka_and_no_address() -> None:
    text = jars.LOCK.read_text()
    assert jars.KAFKA in text
    assert "://" not in text
    assert all(len(jar.sha256) == 64 for jar in jars.locked())
