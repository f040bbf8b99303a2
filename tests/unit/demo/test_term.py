"""The sample term is the same each time, and shaped like a term."""

import csv
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from deploy.demo import term
from shared.events.codes import FAMILY_OF_CONCERN, SourceKind, Urgency

UNTIL = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> term.Term:
    return term.write(tmp_path_factory.mktemp("term"), UNTIL)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(written: term.Term) -> list[bytes]:
    return [path.read_bytes() for path in (written.program, written.roster, written.flags, written.referrals)]


def test_the_same_seed_and_end_give_the_same_bytes(sample: term.Term, tmp_path: Path) -> None:
    again = term.write(tmp_path / "again", UNTIL)
    other = term.write(tmp_path / "other", UNTIL, seed=7)

    assert contents(again) == contents(sample)
    assert contents(other)[1:] != contents(sample)[1:]


def test_a_term_has_three_campuses_three_thousand_students_nine_thousand_flags_and_sixty_referrals(
    sample: term.Term,
) -> None:
    roster = rows(sample.roster)

    assert sample.complete
    assert len({row["student_id"] for row in roster}) == len(roster) == 3_000
    assert {row["campus_code"] for row in roster} == {"NORTH", "LAKE", "BAY"}
    assert len(rows(sample.flags)) == 9_000
    assert len(rows(sample.referrals)) == 60


def test_every_flag_is_a_students_of_the_roster_and_within_the_term(sample: term.Term) -> None:
    campus_of = {row["student_id"]: row["campus_code"] for row in rows(sample.roster)}
    flags = rows(sample.flags)
    times = [datetime.fromisoformat(row["raised_at"]) for row in flags]

    assert all(campus_of[row["student_id"]] == row["campus_code"] for row in flags)
    assert len({row["alert_id"] for row in flags}) == len(flags)
    assert times == sorted(times)
    assert UNTIL - timedelta(weeks=12) <= times[0]
    assert times[-1] < UNTIL


def test_most_flags_never_become_a_case_but_some_students_are_in_trouble(sample: term.Term) -> None:
    raised: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for row in rows(sample.flags):
        raised[row["student_id"]].append((datetime.fromisoformat(row["raised_at"]), row["course_code"]))

    def in_trouble(flags: list[tuple[datetime, str]]) -> bool:
        """Three flags within 21 days over two courses, looked at plainly from each flag."""
        return any(
            len(near := [course for at, course in flags if timedelta(0) <= end - at <= timedelta(days=21)]) >= 3
            and len(set(near)) >= 2
            for end, _ in flags
        )

    assert 150 <= sum(map(in_trouble, raised.values())) <= 350


def test_referrals_use_known_codes_and_come_from_every_side(sample: term.Term) -> None:
    referrals = rows(sample.referrals)
    sources = Counter(row["source_kind"] for row in referrals)

    assert set(sources) == {str(kind) for kind in SourceKind} - {SourceKind.RULE}
    assert {row["urgency"] for row in referrals} == {str(urgency) for urgency in Urgency}
    assert {concern for row in referrals for concern in row["concerns"].split(";")} <= set(FAMILY_OF_CONCERN)
    assert sum(not row["student_id"] and not row["student_email"] for row in referrals) == 5
    assert len({row["source_event_id"] for row in referrals}) == 60


def test_what_calls_somebody_happened_within_the_last_hours(sample: term.Term) -> None:
    urgent = [row for row in rows(sample.referrals) if row["urgency"] == Urgency.EMERGENCY]

    assert len(urgent) == 5
    assert all(UNTIL - datetime.fromisoformat(row["happened_at"]) < timedelta(hours=6) for row in urgent)


def test_the_program_has_thirteen_people_and_one_of_them_is_away_with_cover(sample: term.Term) -> None:
    program = yaml.safe_load(sample.program.read_text())
    staff = {person["staff_id"]: person for person in program["staff"]}
    roles = {role["name"] for person in staff.values() for role in person["roles"]}
    away = [person for person in staff.values() if person.get("absences")]

    assert len(staff) == 13
    assert roles >= {"titleix_coordinator", "titleix_deputy", "director", "administrator", "operator", "feed_manager"}
    assert [person["absences"][0]["cover_id"] for person in away] == ["brandt"]
    assert all(shift["staff_id"] in staff for rota in program["rotas"] for shift in rota["weekly"])
