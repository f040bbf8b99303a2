"""The commands that speak to program and analytics, as a person types them."""

from pathlib import Path

import pytest

from deploy.cli.client import Person
from deploy.demo import play, term
from tests.integration.commands.conftest import Commands

pytestmark = pytest.mark.usefixtures("served")


@pytest.fixture
def applied(caselight: Commands, sample: term.Term) -> None:
    code, said = caselight("program", "apply", sample.program, "--yes")
    assert code == 0, said


@pytest.mark.usefixtures("applied")
def test_a_program_is_applied_after_saying_what_changes_and_a_second_time_changes_nothing(
    caselight: Commands, tmp_path: Path
) -> None:
    document = tmp_path / "isle.yaml"
    document.write_text("campuses: [{campus: ISLE, name: Isle, zone: UTC, closed_days: [2026-12-25]}]")

    code, planned = caselight("program", "apply", document, "--dry-run")
    assert code == 0, planned
    assert "campus:ISLE" in planned

    code, unasked = caselight("program", "apply", document)
    assert (code, "Nothing was changed" in unasked) == (1, True)

    code, done = caselight("program", "apply", document, "--yes")
    assert (code, "1 change made" in done) == (0, True)

    code, again = caselight("program", "apply", document, "--yes")
    assert (code, again.strip()) == (0, "The program is so already; nothing to change.")


@pytest.mark.usefixtures("applied")
def test_the_program_is_shown_as_a_document_that_changes_nothing(caselight: Commands, tmp_path: Path) -> None:
    code, said = caselight("program", "show")
    assert code == 0, said
    shown = tmp_path / "shown.yaml"
    shown.write_text(said)

    assert caselight("program", "apply", shown) == (0, "The program is so already; nothing to change.\n")


@pytest.mark.usefixtures("applied")
def test_rules_over_flags_take_two_people_and_the_way_back_one(caselight: Commands, tmp_path: Path) -> None:
    document = tmp_path / "rules.yaml"
    document.write_text(
        "policies: [{campus: BAY, name: threshold, editions: [{edition: one, effective_from: 2026-01-01T00:00:00Z,"
        " values: {flags: 5}}]}]"
    )
    code, planned = caselight("program", "apply", document, "--dry-run")
    assert (code, "a second person has to agree" in planned) == (0, True)
    code, said = caselight("program", "apply", document, "--yes")
    assert (code, "0 changes made" in said) == (0, True)
    proposal = said.partition("caselight program approve ")[2].split()[0]
    code, listed = caselight("program", "proposals")
    assert (code, proposal in listed) == (0, True)

    code, alone = caselight("program", "approve", proposal, "--as", "solberg")
    assert (code, "Another administrator has to agree" in alone) == (1, True)
    code, agreed = caselight("program", "approve", proposal, "--as", "iyer")
    assert (code, "approved by iyer" in agreed) == (0, True)
    code, listed = caselight("program", "proposals")
    assert (code, proposal in listed) == (0, False)
    assert caselight("program", "apply", document, "--yes") == (0, "The program is so already; nothing to change.\n")

    code, back = caselight("program", "roll-back", "BAY", "--to", "shipped")
    assert (code, "back to shipped" in back) == (0, True)
    document.write_text("policies: [{campus: BAY, name: threshold, status: removed}]")
    _, said = caselight("program", "apply", document, "--yes")
    proposal = said.partition("caselight program approve ")[2].split()[0]
    code, refused = caselight("program", "reject", proposal, "--reason", "not_now", "--as", "iyer")
    assert (code, "rejected" in refused) == (0, True)


@pytest.mark.usefixtures("applied")
def test_in_the_demo_two_people_agree_on_rules_once(sample: term.Term) -> None:
    said: list[str] = []
    for _ in range(2):
        play.two_agree(Person("solberg"), sample, said.append)
    assert said == ["rules for next term: proposed by solberg, agreed to by iyer"]
    policies = Person("solberg").get("program", "/program", kind="policy")["policies"]
    (rules,) = [each for each in policies if (each["campus"], each["name"]) == ("*", "threshold")]
    assert [(each["edition"], each["approved_at"] is not None) for each in rules["editions"]] == [
        ("sample-1", False),
        ("sample-2", True),
    ]


@pytest.mark.usefixtures("applied")
def test_a_document_with_a_mistake_is_refused_with_its_place(caselight: Commands, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        "rotas: [{campus: NORTH, function: duty, weekly: [{staff_id: nobody, weekday: 9, starts: '08:00', hours: 4}]}]"
    )
    code, said = caselight("program", "apply", wrong, "--yes")

    assert code == 1
    assert "/body/document/rotas/0/weekly/0/weekday" in said

    wrong.write_text("staff: [unclosed")
    code, said = caselight("program", "apply", wrong, "--yes")
    assert code == 1
    assert "no YAML" in said
    assert "line 1" in said


@pytest.mark.usefixtures("applied")
def test_a_token_is_printed_alone_and_an_unknown_person_gets_the_list(caselight: Commands) -> None:
    code, token = caselight("token", "okafor")
    assert (code, token.count("."), len(token.split())) == (0, 2, 1)

    code, said = caselight("token", "nobody")
    assert code == 1
    assert "okafor" in said
    assert "duty_officer (NORTH)" in said
    assert "knows no nobody" in said


@pytest.mark.usefixtures("applied")
def test_people_are_listed_with_their_roles(caselight: Commands) -> None:
    code, said = caselight("people")

    assert code == 0
    assert "titleix_coordinator (*)" in said


@pytest.mark.usefixtures("applied")
def test_who_may_not_is_told_so_and_what_to_do(caselight: Commands, sample: term.Term) -> None:
    code, said = caselight("program", "apply", sample.program, "--yes", "--as", "okafor")

    assert code == 1
    assert "okafor may not do this" in said
    assert "--as" in said


@pytest.mark.usefixtures("applied")
def test_a_service_that_is_not_up_is_named_with_the_command_that_starts_it(caselight: Commands) -> None:
    code, said = caselight("dead-letters", "list", "--service", "cases")

    assert code == 1
    assert "cases does not answer at http://127.0.0.1:1" in said
    assert "caselight up" in said


@pytest.mark.usefixtures("applied")
def test_the_person_may_be_chosen_by_the_environment(caselight: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASELIGHT_PERSON", "okafor")
    code, said = caselight("dead-letters", "list", "--service", "program")

    assert (code, "okafor may not" in said) == (1, True)


@pytest.mark.usefixtures("applied")
def test_dead_letters_are_listed_for_operators(caselight: Commands) -> None:
    code, said = caselight("dead-letters", "list", "--service", "casess")
    assert (code, "there is no service casess" in said) == (2, True)

    assert caselight("dead-letters", "list", "--service", "analytics") == (0, "No dead letters.\n")

    code, said = caselight("dead-letters", "retry", "01890a5d-ac96-774b-bcce-b302099a8057", "--service", "analytics")
    assert (code, "dead letter" in said) == (1, True)


@pytest.mark.usefixtures("applied")
def test_status_shows_services_and_the_figures_as_a_director_sees_them(caselight: Commands) -> None:
    code, said = caselight("status")

    assert code == 0, said
    assert "cases: does not answer" in said  # it is not up here
    assert "Figures as haddad may see them" in said


@pytest.mark.usefixtures("applied")
def test_a_service_that_may_not_be_seen_is_told_from_one_that_is_not_up(caselight: Commands) -> None:
    _, said = caselight("status", "--as", "haddad")

    assert [line.split("  ")[-1].strip() for line in said.splitlines()[1:6]] == [
        "not shown", "not shown", "no answer", "no answer", "not shown",
    ]  # fmt: skip
