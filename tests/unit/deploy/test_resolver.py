"""One resolver: environment, embedded, or a plain failure. Never a skip."""

from pathlib import Path

import pytest

from deploy.local import containers, kafka, postgres, stack, valkey
from deploy.local.processes import StartError
from deploy.local.stack import Stack


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*stack.VARIABLES.values(), "CASELIGHT_CONTAINERS"):
        monkeypatch.delenv(variable, raising=False)


def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (kafka, postgres, valkey):
        monkeypatch.setattr(module, "installed", lambda: False)


def test_without_anything_said_the_embedded_servers_are_used() -> None:
    assert stack.plan() == "Postgres, Kafka, Valkey embedded"


def test_an_address_in_the_environment_goes_before_the_embedded_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASELIGHT_KAFKA_BOOTSTRAP", "kafka.test:9092")
    assert stack.plan() == "Postgres, Valkey embedded; Kafka from environment"


def test_addresses_alone_need_nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nothing_installed(monkeypatch)
    for variable in stack.VARIABLES.values():
        monkeypatch.setenv(variable, f"address of {variable}")
    said: list[str] = []
    found = stack.resolve(tmp_path, say=said.append)
    assert found.kafka_bootstrap == "address of CASELIGHT_KAFKA_BOOTSTRAP"
    assert said == ["Stack: Postgres, Kafka, Valkey from environment"]


def test_nothing_to_be_had_is_a_failure_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nothing_installed(monkeypatch)
    with pytest.raises(StartError, match=r"make setup(.|\n)*CASELIGHT_CONTAINERS=1"):
        stack.resolve(tmp_path)


def test_containers_are_used_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "check", lambda: None)
    assert "container" not in stack.plan()
    monkeypatch.setenv("CASELIGHT_CONTAINERS", "1")
    assert stack.plan() == "Postgres, Kafka, Valkey from container"


def test_containers_without_their_package_are_a_plain_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASELIGHT_CONTAINERS", "1")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(StartError, match="testcontainers is not installed"):
        stack.plan()


def test_a_server_that_is_not_ours_is_not_killed(tmp_path: Path) -> None:
    foreign = Stack("postgresql://elsewhere/postgres", "elsewhere:9092", "redis://elsewhere", "", tmp_path)
    with pytest.raises(StartError, match="not ours"):
        foreign.kill("postgres")


def test_stopping_what_was_never_started_is_no_error(tmp_path: Path) -> None:
    stack.stop(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_what_we_start_finds_the_stack_by_the_same_variables(tmp_path: Path) -> None:
    known = Stack("p", "k", "r", "", tmp_path).environment()
    assert known == {
        "CASELIGHT_POSTGRES_URL": "p",
        "CASELIGHT_KAFKA_BOOTSTRAP": "k",
        "CASELIGHT_REDIS_URL": "r",
    }
