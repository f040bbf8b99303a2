"""The number of statements does not grow with the number of rows."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

import pytest
from asyncpg.protocol import protocol
from sqlalchemy import text

from services.intake.domain.columns import columns_of
from services.intake.domain.flag_rows import SHAPE, FlagReader
from services.intake.domain.referrals import About, Incoming
from services.intake.domain.rejects import Reject
from services.intake.domain.roster_rows import StudentRow
from services.intake.storage import imports
from services.intake.storage.imports import Import
from services.intake.usecases import follow_cases, follow_pages
from services.intake.usecases.import_flags import import_flags
from services.intake.usecases.import_roster import import_roster
from services.intake.usecases.receive_referrals import receive_referrals
from services.intake.usecases.resolve_people import resolve_people
from shared.access.actors import service_actor
from shared.events import Envelope, Event
from shared.events.cases import CaseOpened
from shared.events.pages import PageAccepted
from shared.ids import new_id, new_reference
from shared.privacy.keys import KeyRing
from shared.storage.tx import Tx
from tests.integration.intake.conftest import DANGER, FLAG_COLUMNS, NOW, Intake, flag
from tests.support.statements import statements_of

Work = Callable[[Tx, int], Awaitable[Any]]


async def asked(intake: Intake, work: Work, count: int) -> list[str]:
    """Return the statements of a piece of work on so many things, in a transaction of its own."""
    async with intake.worker.transaction(service_actor("intake")) as tx:
        with statements_of(intake.worker) as statements:
            await work(tx, count)
    return list(statements)


async def the_same_for_one_and_many(intake: Intake, work: Work) -> None:
    await asked(intake, work, 2)  # keys and caches are there afterwards
    one = await asked(intake, work, 1)
    assert len(await asked(intake, work, 500)) == len(one)


async def begun(tx: Tx, kind: str) -> Import:
    """Begin an import."""
    of = Import(new_id(), "*", kind, f"source-{new_id()}")
    await imports.start(tx, of)
    return of


@pytest.fixture
def keys(intake: Intake) -> KeyRing:
    return KeyRing(intake.settings)


def rejects(count: int) -> list[Reject]:
    return [Reject(row, "raised_at", "not a time", "a time", "raw") for row in range(count)]


async def test_flags(intake: Intake, keys: KeyRing) -> None:
    columns = columns_of(FLAG_COLUMNS.split(","), SHAPE)

    async def work(tx: Tx, count: int) -> None:
        of = await begun(tx, "flags")
        zones = {"NORTH": NOW.tzinfo, "SOUTH": NOW.tzinfo}
        lines = [
            flag(f"A{n}-{d}", f"Z{n}" if n else "N1", c, d, campus=("NORTH", "SOUTH")[n % 2 if n else 0])
            for n in range(count)
            for d, c in enumerate(("BIO", "CHE", "BIO"))
        ]
        rows, wrong = FlagReader(columns, zones, NOW).read((n, line.split(",")) for n, line in enumerate(lines))  # type: ignore[arg-type]
        assert not wrong
        # Each time the same student's flags fire again, in a time of its own.
        later = timedelta(days=60 * len(await intake.rows("SELECT 1 FROM threshold_firings")))
        rows = [row._replace(raised_at=row.raised_at - later) for row in rows]
        counts = (await import_flags(tx, keys, of, rows, rejects(count))).counts
        assert (counts.accepted, counts.referrals_made) == (3 * count, 1)

    await the_same_for_one_and_many(intake, work)


async def test_the_same_alert_is_looked_for_only_where_another_source_has_raised_flags_for_the_reason(
    intake: Intake, keys: KeyRing
) -> None:
    columns = columns_of(FLAG_COLUMNS.split(","), SHAPE)

    async def brought(source: str, *lines: str) -> tuple[int, bool]:
        """Return how many were known as another source's, and whether anybody looked."""
        rows, _ = FlagReader(columns, {"NORTH": UTC, "SOUTH": UTC}, NOW).read(
            (number, line.split(",")) for number, line in enumerate(lines)
        )
        async with intake.worker.transaction(service_actor("intake")) as tx:
            of = Import(new_id(), "*", "flags", source)
            await imports.start(tx, of)
            with statements_of(intake.worker) as statements:
                taken = await import_flags(tx, keys, of, rows, [])
        return taken.counts.merged, any("SELECT asked.place" in statement for statement in statements)

    assert await brought("one", flag("A1", "N1", "BIO", 1)) == (0, False)
    assert await brought("one", flag("A2", "N1", "BIO", 2)) == (0, False)
    assert await brought("two", flag("B1", "N1", "BIO", 1, reason="TARDY")) == (0, False)
    assert await brought("two", flag("B2", "S1", "BIO", 1, campus="SOUTH")) == (0, False)
    assert await brought("two", flag("B3", "N1", "BIO", 1), flag("B4", "Z9", "BIO", 1)) == (1, True)
    # One that waits for the roster is the same for everybody, too.
    assert await brought("one", flag("A3", "Z9", "BIO", 1)) == (1, True)


async def test_a_student_met_before_in_a_file_is_not_looked_up_again_and_one_the_roster_gains_is_found(
    intake: Intake, keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = columns_of(FLAG_COLUMNS.split(","), SHAPE)
    of = Import(new_id(), "*", "flags", "file")

    async def brought(*students: str) -> tuple[list[UUID | None], int]:
        """Return whose the flags of a batch are, and how often anybody looked."""
        key = str(new_id())
        lines = [flag(f"{key}-{n}", student, "BIO", n) for n, student in enumerate(students)]
        rows, _ = FlagReader(columns, {"NORTH": UTC}, NOW).read((n, line.split(",")) for n, line in enumerate(lines))
        async with intake.worker.transaction(service_actor("intake")) as tx:
            with statements_of(intake.worker) as statements:
                await import_flags(tx, keys, of, rows, [])
        stored = await intake.rows(f"SELECT student_id FROM flags WHERE source_key LIKE '{key}%' ORDER BY source_key")
        return [row.student_id for row in stored], len(statements.touching("SELECT number, student_id FROM students"))

    one, two = await intake.student("N1"), await intake.student("N2")
    assert await brought("N1", "Z8") == ([one, None], 1)
    assert await brought("N1", "N1") == ([one, one], 0)
    await intake.send_file("/roster/imports", "student_id,campus_code,name,email\nZ8,NORTH,Zoe Late,zoe@example.edu\n")
    late = await intake.student("Z8")
    assert await brought("Z8", "N1") == ([late, one], 1)
    # No more than so many are remembered, and nobody is lost for it.
    monkeypatch.setattr("services.intake.usecases.import_flags._MOST_REMEMBERED", 2)
    assert await brought("N2", "N1", "Z8") == ([two, one, late], 2)
    assert await brought("N2", "N1", "Z8") == ([two, one, late], 0)


async def test_a_time_is_stored_to_the_microsecond(intake: Intake, keys: KeyRing) -> None:
    columns = columns_of(FLAG_COLUMNS.split(","), SHAPE)
    rows, _ = FlagReader(columns, {"NORTH": UTC}, NOW).read([(1, flag("A1", "N1", "BIO", 1).split(","))])
    times = [NOW - timedelta(days=37 * n, microseconds=n * n * 1_234_577 + 1) for n in range(300)]
    async with intake.worker.transaction(service_actor("intake")) as tx:
        of = await begun(tx, "flags")
        await import_flags(
            tx, keys, of, [rows[0]._replace(source_key=str(n), raised_at=at) for n, at in enumerate(times)], []
        )
    stored = {row.source_key: row.raised_at for row in await intake.rows("SELECT source_key, raised_at FROM flags")}
    assert stored == {str(n): at for n, at in enumerate(times)}


async def test_arrays_travel_from_whatever_of_ours_holds_them(intake: Intake) -> None:
    """The driver is told which kinds hold others: it would ask two abstract classes of every element."""
    assert {"IterableABC", "SizedABC"} <= vars(protocol).keys()
    numbers = {1: "a", 2: "b"}
    asked: list[object] = [[1, 2], (1, 2), set(numbers), frozenset(numbers), numbers.keys(), {3: 1, 4: 2}.values()]
    async with intake.worker.engine.connect() as connection:
        for each in asked:
            found = await connection.execute(text("SELECT CAST(:numbers AS bigint[])"), {"numbers": each})
            assert found.scalar_one() == [1, 2]
        nested = await connection.execute(text("SELECT CAST(:texts AS text[])"), {"texts": [["a", None], ["c", "d"]]})
        assert nested.scalar_one() == [["a", None], ["c", "d"]]


async def test_roster(intake: Intake, keys: KeyRing) -> None:
    async def work(tx: Tx, count: int) -> None:
        of = await begun(tx, "roster")
        rows = [StudentRow(n, f"{of.source}-{n}", ("NORTH",), "A", "", "", ()) for n in range(count)]
        counts = (await import_roster(tx, keys, of, rows, rejects(count))).counts
        assert counts.accepted == count

    await the_same_for_one_and_many(intake, work)


def incoming(n: int, **more: Any) -> Incoming:
    id_ = new_id()
    facts: dict[str, Any] = {
        "referral_id": id_,
        "reference": new_reference(),
        "campus": ("NORTH", "SOUTH")[n % 2],
        "about": About("N1", "nora@students.example.edu", "tall"),
        "concerns": ("suicide", "stalking"),
        "urgency": "emergency",
        "narrative": DANGER,
        "relationship": "",
        "source_kind": "peer",
        "channel": "file",
        "source": "many",
        "source_event_id": str(n),
        "live": True,
        "referrer_name": "Kim",
    }
    return Incoming(**facts | more)


async def test_referrals(intake: Intake, keys: KeyRing) -> None:
    async def work(tx: Tx, count: int) -> None:
        receipts = await receive_referrals(tx, keys, [incoming(n, source_event_id=str(new_id())) for n in range(count)])
        assert len(receipts) == count

    await the_same_for_one_and_many(intake, work)


async def test_what_cases_and_pages_say(intake: Intake, keys: KeyRing) -> None:
    async with intake.worker.transaction(service_actor("intake")) as tx:
        receipts = await receive_referrals(tx, keys, [incoming(n) for n in range(500)])
    ids = [receipt.referral_id for receipt in receipts]

    async def cases(tx: Tx, count: int) -> None:
        await follow_cases.note_opened(tx, envelopes([opened(id_) for id_ in ids[:count]]))

    async def pages(tx: Tx, count: int) -> None:
        await follow_pages.grant_duty(tx, envelopes([accepted(id_) for id_ in ids[:count]]))
        await follow_pages.stop_watching(tx, envelopes([accepted(id_) for id_ in ids[:count]]))

    await the_same_for_one_and_many(intake, cases)
    await the_same_for_one_and_many(intake, pages)
    assert not await intake.rows("SELECT 1 FROM danger_watches")


async def test_people(intake: Intake, keys: KeyRing) -> None:
    async with intake.worker.transaction(service_actor("intake")) as tx:
        of = await begun(tx, "roster")
        rows = [StudentRow(n, f"P{n}", ("NORTH",), "A", "", "", ()) for n in range(500)]
        await import_roster(tx, keys, of, rows, [])
    ids = [row.student_id for row in await intake.rows("SELECT student_id FROM students")]

    async def work(tx: Tx, count: int) -> None:
        assert len(await resolve_people(tx, ids[:count])) == count

    await the_same_for_one_and_many(intake, work)


@pytest.mark.parametrize("path", ["/referrals?campus=NORTH", "/flags?campus=NORTH"])
async def test_listings(intake: Intake, path: str) -> None:
    async def statements() -> int:
        with statements_of(intake.service.api.state.site.database) as seen:
            await intake.get("sam", path)
        return len(seen)

    await intake.refer()
    await statements()
    few = await statements()
    for _ in range(8):
        await intake.refer()
    assert await statements() == few


def envelopes(events: Sequence[Any]) -> list[Envelope[Any]]:
    return [Envelope(new_id(), NOW, "/caselight/test", event, "t", 0, n) for n, event in enumerate(events)]


def opened(referral: UUID) -> Event:
    return CaseOpened(
        campus="NORTH",
        case_id=new_id(),
        referral_id=referral,
        family="health",
        concerns=(),
        level="mild",
        reason_code="level",
        owner_id=None,
        assignment_code="none",
        outreach_due=None,
        referred_at=NOW,
        opened_at=NOW,
    )


def accepted(referral: UUID) -> Event:
    return PageAccepted(
        campus="NORTH",
        page_id=new_id(),
        cause_id=new_id(),
        function="danger",
        level="critical",
        referral_id=referral,
        accepted_by="uma",
        via="link",
        raised_at=NOW,
        accepted_at=NOW,
        grant_until=NOW,
        contact_due=NOW,
    )
