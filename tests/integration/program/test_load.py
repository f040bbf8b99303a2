"""`load_program` on a real database: what it keeps, and when it looks again."""

import pytest

from shared.access.actors import service_actor
from shared.events.program import StaffSnapshot
from shared.program import load_program
from shared.storage import snapshots
from shared.telemetry import counters
from tests.integration.program.conftest import NAME, Office
from tests.support.statements import statements_of
from tests.unit.program.documents import ADA, MINIMAL, member


async def test_an_unchanged_program_costs_one_statement_and_is_the_same_object(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    first = await office.program()
    with statements_of(office.worker) as sent:
        again = await office.program()

    assert again is first
    assert len(sent.touching("program_")) == 1


async def test_a_change_is_seen_at_once(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    before = await office.program()
    await office.changed("ada", staff=[member("ben", "triager")])

    assert "ben" not in before.staff
    assert "ben" in (await office.program()).staff


async def test_a_change_that_was_rolled_back_is_not_kept_though_its_versions_add_up_alike(office: Office) -> None:
    await office.changed("root", **MINIMAL)
    ada = (await office.program()).staff["ada"]

    async def become(name: str, *, fail: bool) -> None:
        async with office.worker.transaction(service_actor(NAME)) as tx:
            await snapshots.save(tx, [_renamed(ada, name)])
            assert (await load_program(tx.connection)).staff["ada"].name == name
            if fail:
                raise InterruptedError

    with pytest.raises(InterruptedError):
        await become("Rolled Back", fail=True)
    assert (await office.program()).staff["ada"].name == "Ada"
    await become("Committed", fail=False)
    assert (await office.program()).staff["ada"].name == "Committed"


async def test_what_this_release_cannot_read_is_left_out_and_counted(office: Office) -> None:
    await office.changed("root", campuses=MINIMAL["campuses"], staff=[ADA, member("ben", "triager")])
    before = counters["snapshots_unreadable"]
    async with office.operator() as connection:
        await connection.execute("UPDATE program_snapshots SET body = '{}' WHERE key = 'staff:ben'")
        await connection.execute(
            "UPDATE program_snapshots SET type = 'caselight.campus.snapshot.v9' WHERE key = 'campus:NORTH'"
        )

    program = await office.program()
    assert list(program.staff) == ["ada"]
    assert program.campuses == {}
    assert counters["snapshots_unreadable"] == before + 1


def _renamed(person: StaffSnapshot, name: str) -> StaffSnapshot:
    return StaffSnapshot(
        campus=person.campus, staff_id=person.staff_id, name=name, email=person.email, roles=person.roles, sequence=2
    )
