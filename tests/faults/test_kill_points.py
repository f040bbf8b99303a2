"""kill -9 at every named point of every real service that reaches it: what becomes of the work is what always does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from deploy.local import databases
from shared.clock import SystemClock
from shared.settings import Settings
from shared.storage import migrations
from tests.faults import matter
from tests.faults.installation import PATIENCE, Installation, installation
from tests.faults.matter import SERVICES, Account, Matter
from tests.faults.rows import columns, rows
from tests.stack import PASSWORD
from tests.support.eventually import eventually
from tests.support.figures import figure
from tests.support.quiet import until_quiet

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

RELAYS = ("intake", "cases")
# Which services are to die at a point, each as soon as the work brings it there.
VICTIMS = {
    "after_domain_commit_before_relay": RELAYS,
    "after_send_before_ack": RELAYS,
    "after_ack_before_delete": RELAYS,
    "after_batch_commit_before_kafka_commit": SERVICES,
    "after_claim_before_smtp": ("notifications",),
    "after_smtp_before_mark": ("notifications",),
    "inside_migration": (),
}
# What a courier dies with must be a page.
_POSTPONE_NOTICES = "UPDATE deliveries SET due_at = due_at + interval '1 hour' WHERE kind = 'notice'"
UNDISTURBED = "CALM"
CAMPUSES = {point: f"P{number}" for number, point in enumerate(VICTIMS, 1)}


@dataclass
class Undisturbed:
    """What becomes of the work when nothing happens."""

    account: Account
    mails: dict[tuple[int, str], int]


@pytest.fixture(scope="module")
async def running(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Every service that works, as processes, with the program and the students of all campuses."""
    async with installation(settings, tmp_path_factory.mktemp("services")) as made:
        campuses = (UNDISTURBED, *CAMPUSES.values())
        await made.apply(matter.document(*campuses))
        await made.serve(*SERVICES)
        await made.upload("ada", "/roster/imports", matter.roster(*campuses))
        yield made


@pytest.fixture(scope="module")
async def undisturbed(running: Installation) -> Undisturbed:
    """The work of a campus where nothing happens."""
    await matter.import_flags(running, UNDISTURBED)
    calm = await matter.work(running, UNDISTURBED)
    await until_quiet(running.settings, now(), within=PATIENCE)
    account = await matter.account(running.settings, calm)
    assert [len(account["referrals"]), len(account["cases"]), len(account["pages"])] == [6, 5, 2]
    mails = await matter.mails(running, calm)
    assert len(mails) == len(account["pages"])
    return Undisturbed(account, mails)


@pytest.mark.parametrize("point", VICTIMS)
async def test_a_kill_at_every_named_point_loses_nothing_and_doubles_no_state(
    running: Installation, undisturbed: Undisturbed, point: str
) -> None:
    victims = VICTIMS[point]
    await running.serve(*running.ended())  # what an earlier failure left dead
    # What waits for those who are to die is then work that counts, and not only what was noted about a request.
    await running.stop(*[victim for victim in victims if victim != "intake"])
    await matter.import_flags(running, CAMPUSES[point])
    await rows(running.settings, "notifications", _POSTPONE_NOTICES)
    await running.arm(point, *victims)

    disturbed, _ = await asyncio.gather(matter.work(running, CAMPUSES[point]), _kill(running, point))

    with contextlib.suppress(AssertionError):  # said below, with what differs
        await eventually(lambda: _same(running, disturbed, undisturbed), within=PATIENCE, every=0.5)
    await until_quiet(running.settings, now(), within=PATIENCE)
    assert await matter.account(running.settings, disturbed) == undisturbed.account
    assert await matter.given_up(running.settings) == 0
    arrived = await matter.mails(running, disturbed)
    assert arrived.keys() == undisturbed.mails.keys()
    if point == "after_smtp_before_mark":
        assert max(arrived.values()) > 1  # the server had it: it came again, as the same message
    figure(f"{point}: {', '.join(victims) or 'migrations'} killed, {sum(arrived.values())} mails for {len(arrived)}")


async def _same(running: Installation, disturbed: Matter, undisturbed: Undisturbed) -> bool:
    return await matter.account(running.settings, disturbed) == undisturbed.account


async def _kill(running: Installation, point: str) -> None:
    if VICTIMS[point]:
        await asyncio.gather(*[running.revive(victim, point) for victim in VICTIMS[point]])
    else:
        await _kill_migrations(running, point)


async def _kill_migrations(running: Installation, point: str) -> None:
    """Kill migrations of a database in use and of a new one; done again, both are as they should be."""
    fresh = running.settings.model_copy(update={"database_prefix": f"{running.settings.database_prefix}new_"})
    await databases.create(fresh.postgres_url, fresh.database_prefix, ["cases"], PASSWORD)
    try:
        for settings in (running.settings, fresh):
            armed = running.command("migrate", "cases", crash_at=point, settings=settings)
            await armed.died(within=PATIENCE)
            assert armed.crashed_at == [point], armed.log.read_text()[-2000:]
        assert not await columns(fresh, "cases")  # nothing of it is there, and no service works on it
        with pytest.raises(migrations.SchemaTooOldError):
            await migrations.require(fresh, "cases")
        for settings in (running.settings, fresh):
            again = running.command("migrate", "cases", settings=settings)
            await again.died(within=PATIENCE)
            assert again.process.returncode == 0, again.log.read_text()[-2000:]
        assert await columns(fresh, "cases") == await columns(running.settings, "cases")
        assert not await rows(fresh, "cases", "SELECT FROM cases")
    finally:
        await databases.drop(fresh.postgres_url, fresh.database_prefix, ["cases"])


def now() -> datetime:
    return SystemClock().now()
