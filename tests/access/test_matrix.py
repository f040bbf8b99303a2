"""The decision, held against a matrix that people wrote and people can read."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.access.actions import Action
from shared.access.actors import EVERYWHERE, Actor, Role, service_actor
from shared.access.decision import Resource, decide
from shared.access.rules import METADATA_ONLY, ONLY_DANGER, ROLES, STAFF_ROLES
from shared.events.base import SENSITIVITIES

NOW = datetime(2026, 9, 14, 10, 0, tzinfo=UTC)
ME, CAMPUS = "maria", "NORTH"
STANDINGS = ("", "owner", "team", "grant", "addressee")
OF_A_CASE = " of a case"

MATRIX: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "matrix.yaml").read_text())


@dataclass(frozen=True)
class Asked:
    """One cell: who, holding which role where, standing how to what."""

    action: Action
    attached: bool
    role: str
    where: str
    sensitivity: str
    standing: str
    clinical: bool

    @property
    def actor(self) -> Actor:
        return _actor(self.role, self.where, self.clinical)

    def resource(self, *, recused: bool = False) -> Resource:
        return _resource(self.sensitivity, self.standing, self.attached, recused)


# Of some hundred thousand cells, a hundred differ in who asks, and not many more in what is asked for.
@cache
def _actor(role: str, where: str, clinical: bool) -> Actor:
    return Actor("person", ME, (Role(role, where),) if role else (), clinical=clinical)


@cache
def _resource(sensitivity: str, standing: str, attached: bool, recused: bool) -> Resource:
    mine = frozenset({ME})
    return Resource(
        "matter",
        id="7",
        campus=CAMPUS,
        sensitivity=sensitivity,
        owner_id=ME if standing == "owner" else "somebody",
        team=mine if standing == "team" else frozenset(),
        granted=mine if standing == "grant" else frozenset(),
        addressees=mine if standing == "addressee" else frozenset(),
        recused=mine if recused else frozenset(),
        attached=attached,
    )


def every_cell() -> Iterator[Asked]:
    places = (CAMPUS, "SOUTH", EVERYWHERE)
    roles = [("", CAMPUS), *product(sorted(ROLES), places)]
    cells = product(Action, (False, True), roles, SENSITIVITIES, STANDINGS, (False, True))
    for action, attached, (role, where), sensitivity, standing, clinical in cells:
        yield Asked(action, attached, role, where, sensitivity, standing, clinical)


@cache
def entry_of(action: Action, *, attached: bool) -> dict[str, Any]:
    """Return what the matrix says of an action; fail when it says nothing."""
    entry = MATRIX.get(action.value + OF_A_CASE) if attached else None
    entry = entry or MATRIX.get(action.value)
    assert entry is not None, f"{action.value} is not in the matrix"
    return dict(entry)


def expected(asked: Asked) -> tuple[bool, set[str]]:
    """Read the matrix: whether it allows this cell, and with which strings."""
    entry = entry_of(asked.action, attached=asked.attached)
    if "everybody" in entry:
        return entry["everybody"] == "signed_in" or asked.role in STAFF_ROLES, set()
    cell = entry[asked.sensitivity]
    if asked.where in (CAMPUS, EVERYWHERE):
        for named in cell.get("roles", ()):
            if asked.role == named.rstrip("~"):
                return True, {METADATA_ONLY} if named.endswith("~") else set()
    for named in cell.get("standing", ()):
        if asked.standing == named.rstrip("*!"):
            return _by_standing(named, clinical=asked.clinical)
    return False, set()


def _by_standing(named: str, *, clinical: bool) -> tuple[bool, set[str]]:
    if named.endswith("*!"):
        return True, set() if clinical else {ONLY_DANGER}
    if named.endswith("*"):
        return clinical, set()
    return True, {ONLY_DANGER} if named.endswith("!") else set()


def test_every_action_role_and_sensitivity_is_decided_as_the_matrix_says() -> None:
    wrong = []
    for asked in every_cell():
        decision = decide(asked.actor, asked.action, asked.resource(), NOW)
        strings = set(decision.obligations & {ONLY_DANGER, METADATA_ONLY})
        if (decision.allow, strings) != expected(asked):
            wrong.append((asked, decision))
    assert not wrong, f"{len(wrong)} cells, among them {wrong[:3]}"


def test_the_matrix_names_nothing_that_does_not_exist() -> None:
    actions = {action.value for action in Action}
    for name, entry in MATRIX.items():
        assert name.removesuffix(OF_A_CASE) in actions
        cells = [cell for key, cell in entry.items() if key in SENSITIVITIES]
        assert len(cells) in (0, len(SENSITIVITIES)), f"{name} must speak of every sensitivity, or of none"
        for cell in cells:
            assert set(cell) <= {"roles", "standing"}
            assert {role.rstrip("~") for role in cell.get("roles", ())} <= ROLES
            assert {standing.rstrip("*!") for standing in cell.get("standing", ())} <= set(STANDINGS)


def test_whoever_is_recused_is_denied_whatever_else_they_are() -> None:
    for asked in every_cell():
        decision = decide(asked.actor, asked.action, asked.resource(recused=True), NOW)
        assert not decision.allow, asked
        assert decision.reason == "recused"


def test_a_service_and_a_link_may_do_what_the_matrix_says_and_nothing_else() -> None:
    link = Actor("link", ME, (Role("supervisor", EVERYWHERE), Role("titleix_coordinator", EVERYWHERE)))
    for action, attached, sensitivity, standing in product(Action, (False, True), SENSITIVITIES, STANDINGS):
        entry = entry_of(action, attached=attached)
        asked = Asked(action, attached, "", CAMPUS, sensitivity, standing, clinical=True)
        by_service = decide(service_actor("intake"), action, asked.resource(), NOW)
        assert by_service.allow == entry.get("service", False), asked
        by_link = decide(link, action, asked.resource(), NOW)
        assert by_link.allow == (entry.get("link", False) and standing == "addressee"), asked


def test_a_sensitivity_this_release_does_not_know_is_held_behind_the_wall() -> None:
    for asked in every_cell():
        if asked.sensitivity == "titleix":
            unknown = Asked(
                asked.action, asked.attached, asked.role, asked.where, "new", asked.standing, asked.clinical
            )
            walled = decide(asked.actor, asked.action, asked.resource(), NOW)
            assert decide(unknown.actor, unknown.action, unknown.resource(), NOW) == walled


@pytest.mark.parametrize(
    "role", ["director", "administrator", "privacy_officer", "supervisor", "case_manager", "triager"]
)
@pytest.mark.parametrize("attached", [False, True])
def test_a_title_ix_wall_holds_against_every_other_role_even_on_the_whole_system(role: str, attached: bool) -> None:
    someone = Actor("person", ME, (Role(role, EVERYWHERE),), clinical=True)
    matter = Resource("referral", id="7", campus=CAMPUS, sensitivity="titleix", attached=attached)
    for action in set(Action) - {Action.PROGRAM_READ, Action.LEXICON_READ, Action.REFERRAL_CREATE, Action.FLAGS_RAISE}:
        decision = decide(someone, action, matter, NOW)
        assert not decision.allow
        assert "hide_existence" in decision.obligations


def test_a_role_counts_only_between_its_dates() -> None:
    matter = Resource("case", id="7", campus=CAMPUS)
    for since, until, holds in [
        (None, None, True),
        (NOW, None, True),
        (NOW + timedelta(seconds=1), None, False),
        (None, NOW, False),
        (None, NOW + timedelta(seconds=1), True),
    ]:
        actor = Actor("person", ME, (Role("supervisor", CAMPUS, since, until),))
        assert decide(actor, Action.CASE_READ, matter, NOW).allow is holds


@pytest.mark.parametrize(
    ("action", "role", "where", "sensitivity", "hidden"),
    [
        (Action.CASE_READ, "director", EVERYWHERE, "standard", False),
        (Action.CASE_ASSIGN, "case_manager", CAMPUS, "standard", False),
        (Action.PAGE_ACCEPT, "duty_officer", CAMPUS, "standard", False),
        (Action.DEAD_LETTERS_SHOW, "administrator", EVERYWHERE, "standard", False),
        (Action.CASE_READ, "faculty", CAMPUS, "standard", True),
        (Action.CASE_READ, "duty_officer", CAMPUS, "standard", True),
        (Action.CASE_ASSIGN, "case_manager", "SOUTH", "standard", True),
        (Action.CASE_ASSIGN, "case_manager", CAMPUS, "sensitive", True),
        (Action.CASE_READ, "director", EVERYWHERE, "titleix", True),
        (Action.REFERRAL_READ, "director", EVERYWHERE, "standard", True),
        (Action.REFERRAL_READ, "director", EVERYWHERE, "titleix", True),
        (Action.PEOPLE_RESOLVE, "director", CAMPUS, "standard", True),
    ],
)
def test_a_refusal_shows_that_something_is_there_only_to_whoever_finds_it_in_a_listing(
    action: Action, role: str, where: str, sensitivity: str, hidden: bool
) -> None:
    actor = Actor("person", ME, (Role(role, where),))
    matter = Resource("matter", id="7", campus=CAMPUS, sensitivity=sensitivity)
    decision = decide(actor, action, matter, NOW)
    assert not decision.allow
    assert ("hide_existence" in decision.obligations) is hidden
    # A whole listing, or something new, has no existence to hide.
    assert not decide(actor, action, replace(matter, id=""), NOW).obligations


def test_whoever_is_recused_is_refused_as_if_there_were_nothing() -> None:
    supervisor = Actor("person", ME, (Role("supervisor", CAMPUS),))
    matter = Resource("case", id="7", campus=CAMPUS, recused=frozenset({ME}))
    assert "hide_existence" in decide(supervisor, Action.CASE_READ, matter, NOW).obligations


def test_a_grant_over_a_walled_matter_shows_the_danger_and_no_party() -> None:
    responder = Actor("person", ME, (Role("duty_officer", CAMPUS),))
    matter = Resource("referral", id="7", campus=CAMPUS, sensitivity="titleix", granted=frozenset({ME}))
    decision = decide(responder, Action.REFERRAL_READ_NARRATIVE, matter, NOW)
    assert decision.allow
    assert decision.obligations == {"only_danger", "hide_parties"}
