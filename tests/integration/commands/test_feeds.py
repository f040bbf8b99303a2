"""A feed's owner at the command line: from a shipped mapping to a file of the sender's, and what was set aside."""

import json
import re
from pathlib import Path

import pytest

from deploy.demo import term
from deploy.local import processes
from tests.integration.commands.conftest import ADMINISTRATOR, Commands

pytestmark = pytest.mark.usefixtures("ready")
ALERTS = [
    {"id": "F-1", "campus_code": "NORTH", "student_id": "F1", "course_code": "BIO101", "reason_code": "ABSENCE",
     "raised_at": "2026-09-10T10:00:00Z"},
    {"id": "F-2", "campus_code": "NORTH", "student_id": "F1", "course_code": "BIO101", "reason_code": "LATE_WORK",
     "raised_at": "yesterday"},
]  # fmt: skip


@pytest.fixture(scope="module")
def ready(served: None, sample: term.Term) -> None:
    """The sample's program is in force, and a feed is there in use."""
    caselight = Commands()
    code, said = caselight("program", "apply", sample.program, "--yes")
    assert code == 0, said
    assert processes.wait_until(lambda: caselight("roster", "import", sample.roster, "--dry-run")[0] == 0, 30)


def add(caselight: Commands, code: str, *more: object) -> str:
    """Add a feed and return its token."""
    exit_code, said = caselight(
        "feed", "add", code, "--name", "Alerts of the lab", "--kind", "http_push", "--owner", ADMINISTRATOR,
        "--campus", "NORTH", "--mapping", "plain-flags-json", *more,
    )  # fmt: skip
    assert exit_code == 0, said
    return next(line for line in said.splitlines() if line.startswith("clf_"))


def test_a_feed_is_tried_put_in_use_and_sent_to(caselight: Commands, tmp_path: Path) -> None:
    token = add(caselight, "lab")
    sample = tmp_path / "alerts.json"
    sample.write_text(json.dumps(ALERTS))

    code, said = caselight("feed", "try", "lab", sample, "--dry-run")
    assert code == 0
    assert "2 items: 1 taken, 1 set aside" in said
    assert "not a time that exists" in said
    code, said = caselight("feed", "send", "lab", sample, "--token", token)
    assert (code, said) == (1, "caselight: intake: This feed is not active. Its owner can say why.\n")
    assert caselight("feed", "activate", "lab") == (0, "lab is active and reads by version 1.\n")
    code, said = caselight("feed", "send", "lab", sample, "--token", token)
    assert "2 items: 1 taken, 1 set aside" in said
    code, said = caselight("feed", "list", "--campus", "NORTH")
    assert any(line.split()[:1] == ["lab"] for line in said.splitlines())

    code, said = caselight("feed", "quarantine", "list", "lab")
    assert "not_a_time_that_exists" in said
    code, said = caselight(
        "feed", "quarantine", "list", "lab", "--reason", "not_a_time_that_exists", "--column", "raised_at"
    )
    item = said.splitlines()[1].split()[0]
    code, said = caselight("feed", "quarantine", "show", "lab", item)
    assert '"raised_at": "yesterday"' in said
    mended = tmp_path / "mended.json"
    mended.write_text(json.dumps(ALERTS[1] | {"raised_at": "2026-09-11T10:00:00Z"}))
    assert caselight("feed", "quarantine", "mend", "lab", item, mended)[0] == 0
    code, said = caselight("feed", "quarantine", "replay", "lab", "--item", item)
    assert (code, said) == (0, "1 taken in, 0 still wait.\n")
    assert caselight("feed", "quarantine", "list", "lab") == (0, "Nothing is set aside.\n")


def test_a_token_is_exchanged_and_a_feed_paused_and_ended(caselight: Commands, tmp_path: Path) -> None:
    old = add(caselight, "gate", "--activate")
    sample = tmp_path / "alerts.json"
    sample.write_text(json.dumps([ALERTS[0] | {"id": "G-1", "course_code": "CHEM2"}]))
    code, said = caselight("feed", "rotate", "gate", "--overlap-hours", "1")
    new = next(line for line in said.splitlines() if line.startswith("clf_"))
    for token, fate in ((old, "1 taken"), (new, "1 there already")):
        code, said = caselight("feed", "send", "gate", sample, "--token", token)
        assert fate in said
    code, said = caselight("feed", "rotate", "gate")
    assert code == 1
    assert "Two tokens are good already; end one first." in said
    code, said = caselight("feed", "show", "gate")
    assert re.search(r"It is sent to http://\S+/feeds/[0-9a-f-]{36}/deliveries", said)
    oldest = [line for line in said.splitlines() if line.startswith("token ")][-1].split()[1]
    assert caselight("feed", "end-token", "gate", oldest)[0] == 0
    code, said = caselight("feed", "send", "gate", sample, "--token", old)
    assert code == 1
    assert "a token of this feed that is still good" in said
    assert caselight("feed", "pause", "gate") == (0, "gate is paused.\n")
    assert caselight("feed", "send", "gate", sample, "--token", new)[0] == 1
    assert caselight("feed", "resume", "gate") == (0, "gate is active.\n")
    assert caselight("feed", "retire", "gate") == (0, "gate is retired.\n")
    assert caselight("feed", "send", "gate", sample, "--token", new)[0] == 1


def test_mappings_are_printed_mended_and_put_in_use_or_back(caselight: Commands, tmp_path: Path) -> None:
    add(caselight, "desk", "--activate")
    code, said = caselight("feed", "mapping", "shipped")
    assert "starfish-like-flags" in said
    code, said = caselight("feed", "mapping", "shipped", "nothing-like-it")
    assert code == 1
    code, said = caselight("feed", "mapping", "show", "desk")
    document = tmp_path / "desk.yaml"
    document.write_text(said.replace("reason_code: reason_code", "reason_code: why"))
    assert caselight("feed", "mapping", "add", "desk", "--document", document, "--note", "another name")[0] == 0
    assert caselight("feed", "activate", "desk") == (0, "desk is active and reads by version 2.\n")
    assert caselight("feed", "activate", "desk", 1) == (0, "desk is active and reads by version 1.\n")
    document.write_text("brings: flags\nfields: {raised_at: {pth: a..b}}\n")
    code, said = caselight("feed", "mapping", "add", "desk", "--document", document)
    assert code == 1
    assert "Is path meant?" in said
    document.write_text("a: [")
    assert caselight("feed", "mapping", "add", "desk", "--document", document)[1].startswith(
        "caselight: desk.yaml is no YAML"
    )


def test_a_topic_is_told_its_brokers_and_their_secret_and_says_how_it_does(caselight: Commands, tmp_path: Path) -> None:
    brokers = tmp_path / "brokers.yaml"
    brokers.write_text("bootstrap: 127.0.0.1:1\ntopic: alerts\nsecurity: PLAINTEXT\n")
    code, said = caselight(
        "feed", "add", "bus", "--name", "The bus", "--kind", "topic", "--owner", ADMINISTRATOR, "--campus", "NORTH",
        "--mapping", "plain-flags-json", "--days", "01234", "--by", "06:30", "--quiet", "60", "--settings", brokers,
    )  # fmt: skip
    assert code == 0, said
    brokers.write_text("bootstrap: kafka.example.edu:9093\ntopic: alerts\nusername: caselight\n")
    assert caselight("feed", "settings", "bus", brokers) == (0, "Saved. bus uses them from now on.\n")
    code, said = caselight("feed", "secret", "bus", typed="correct horse\n")
    assert (code, said) == (0, "Saved, sealed. The one before it has ended.\n")
    code, said = caselight("feed", "secret", "bus")
    assert (code, "standard input" in said) == (1, True)
    code, said = caselight("feed", "health")
    assert (code, "The bus" in said) == (0, True)
    code, said = caselight("feed", "health", "bus")
    assert code == 0
    assert said.startswith("The bus (bus): off; last came never")
    brokers.write_text("a: [")
    assert caselight("feed", "settings", "bus", brokers)[0] == 1
