"""The menu shows somebody's jobs, and nothing that no role of theirs opens."""

import pytest

from services.console.nav import JOBS, jobs_of
from shared.access.actors import Role

ALL = frozenset(job.path for job in JOBS)


def paths(*roles: str) -> set[str]:
    return {job.path for job in jobs_of([Role(role, "NORTH") for role in roles], ALL)}


@pytest.mark.parametrize(
    ("role", "there", "not_there"),
    [
        ("duty_officer", {"/", "/duty", "/pages"}, {"/triage", "/cases", "/program", "/health-of-services"}),
        ("triager", {"/", "/triage", "/match", "/flags"}, {"/duty", "/program", "/feeds"}),
        ("titleix_coordinator", {"/duty", "/pages", "/triage", "/cases"}, {"/flags", "/feeds", "/program"}),
        ("operator", {"/", "/health-of-services"}, {"/cases", "/triage", "/pages", "/flags"}),
        ("faculty", {"/refer"}, {"/", "/pages", "/cases", "/find"}),
    ],
)
def test_the_menu_names_what_a_role_has_to_do(role: str, there: set[str], not_there: set[str]) -> None:
    assert there <= paths(role)
    assert not not_there & paths(role)


def test_a_page_that_is_not_there_is_not_in_the_menu() -> None:
    assert [job.path for job in jobs_of([Role("operator", "*")], {"/", "/refer"})] == ["/", "/refer"]
