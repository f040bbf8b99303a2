"""Text at rest: sealed under a record's key, opened with it, and gone when the key is destroyed."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import event, text

from shared.access.actors import service_actor
from shared.ids import new_id
from shared.privacy.ciphers import CannotOpenError
from shared.privacy.keys import KeyRing
from shared.privacy.text import Clear, TextDestroyedError, destroy, seal, seal_all, unseal
from shared.storage.tx import Tx
from tests.integration.web.conftest import TOY, Toy, toy, toy_settings

__all__ = ["toy", "toy_settings"]

NARRATIVE = "She said she could not go on."


class _Undone(Exception):  # noqa: N818 - it is no error
    pass


@pytest.fixture
def keys(toy: Toy) -> KeyRing:
    return KeyRing(toy.settings)


@pytest.fixture(autouse=True)
async def _no_keys(toy: Toy) -> AsyncIterator[None]:
    yield
    await toy.write("DELETE FROM record_keys")
    await toy.write("DELETE FROM campus_keys")


async def sealed_by(toy: Toy, keys: KeyRing, record: UUID, row: UUID, words: str = NARRATIVE) -> bytes:
    async with toy.worker.transaction(service_actor(TOY)) as tx:
        (sealed,) = await seal(tx, keys, "NORTH", [(record, "narrative", row, words)])
    return sealed


async def opened_by(toy: Toy, keys: KeyRing, record: UUID, row: UUID, sealed: bytes, *, campus: str = "NORTH") -> str:
    async with toy.api.transaction(service_actor(TOY)) as tx:
        (words,) = await unseal(tx, keys, campus, [(record, "narrative", row, sealed)])
    return words


async def test_what_was_sealed_opens_for_another_process_with_the_master_key(toy: Toy, keys: KeyRing) -> None:
    record, row = new_id(), new_id()
    sealed = await sealed_by(toy, keys, record, row)
    assert NARRATIVE.encode() not in sealed
    assert await opened_by(toy, KeyRing(toy.settings), record, row, sealed) == NARRATIVE
    async with toy.worker.transaction(service_actor(TOY)) as tx:
        bare = await unseal(tx.connection, keys, "NORTH", [(record, "narrative", row, sealed)], service=TOY)
    assert bare == [NARRATIVE]


async def test_texts_keep_their_order_and_their_words(toy: Toy, keys: KeyRing) -> None:
    one, other = new_id(), new_id()
    texts = [(one, "narrative", new_id(), "a"), (other, "narrative", new_id(), ""), (one, "note", new_id(), "ü😀\n")]
    async with toy.worker.transaction(service_actor(TOY)) as tx:
        sealed = await seal(tx, keys, "NORTH", texts)
        again = [(*each[:3], made) for each, made in zip(texts, sealed, strict=True)]
        assert await unseal(tx, keys, "NORTH", again) == ["a", "", "ü😀\n"]
        assert await seal(tx, keys, "NORTH", []) == []
        assert await unseal(tx, keys, "NORTH", []) == []


@pytest.mark.parametrize("count", [1, 500])
async def test_sealing_and_opening_take_a_fixed_number_of_statements(toy: Toy, keys: KeyRing, count: int) -> None:
    await sealed_by(toy, keys, new_id(), new_id())
    texts = [(new_id(), "narrative", new_id(), NARRATIVE) for _ in range(count)]
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    async with toy.worker.transaction(service_actor(TOY)) as tx:
        event.listen(toy.worker.engine.sync_engine, "before_cursor_execute", note)
        sealed = await seal(tx, keys, "NORTH", texts)
        written = len(statements)
        await unseal(tx, keys, "NORTH", [(*each[:3], made) for each, made in zip(texts, sealed, strict=True)])
        event.remove(toy.worker.engine.sync_engine, "before_cursor_execute", note)
    assert (written, len(statements) - written) == (1, 1)


async def test_texts_of_several_campuses_are_sealed_together(toy: Toy, keys: KeyRing) -> None:
    records = {campus: new_id() for campus in ("NORTH", "SOUTH", "EAST")}
    texts = [Clear(campus, record, "narrative", record, campus) for campus, record in records.items()]
    async with toy.worker.transaction(service_actor(TOY)) as tx:
        sealed = await seal_all(tx, keys, texts)
    for made, (campus, record) in zip(sealed, records.items(), strict=True):
        assert await opened_by(toy, KeyRing(toy.settings), record, record, made, campus=campus) == campus
    with pytest.raises(TextDestroyedError):
        await opened_by(toy, keys, records["NORTH"], records["NORTH"], sealed[0], campus="SOUTH")
    async with toy.worker.transaction(service_actor(TOY)) as tx:
        with pytest.raises(CannotOpenError):
            await seal(tx, keys, "SOUTH", [(records["NORTH"], "narrative", new_id(), "x")])


async def test_a_ciphertext_put_in_another_row_does_not_open(toy: Toy, keys: KeyRing) -> None:
    record, row, other = new_id(), new_id(), new_id()
    sealed = await sealed_by(toy, keys, record, row)
    await sealed_by(toy, keys, other, row)
    with pytest.raises(CannotOpenError):
        await opened_by(toy, keys, record, new_id(), sealed)
    with pytest.raises(CannotOpenError):
        await opened_by(toy, keys, other, row, sealed)


async def test_a_key_of_another_record_put_in_place_does_not_open_it(toy: Toy, keys: KeyRing) -> None:
    record, other = new_id(), new_id()
    sealed = await sealed_by(toy, keys, record, record)
    await sealed_by(toy, keys, other, other)
    await toy.write(
        "UPDATE record_keys SET wrapped = (SELECT wrapped FROM record_keys WHERE record_id = :record)"
        " WHERE record_id = :other",
        record=record,
        other=other,
    )
    with pytest.raises(CannotOpenError):
        await opened_by(toy, keys, other, other, sealed)


async def test_destroying_a_records_key_destroys_its_text_and_no_other(toy: Toy, keys: KeyRing) -> None:
    record, other = new_id(), new_id()
    sealed, kept = await sealed_by(toy, keys, record, record), await sealed_by(toy, keys, other, other)
    async with toy.worker.transaction(service_actor(TOY)) as tx:
        assert await destroy(tx, [record]) == 1
    with pytest.raises(TextDestroyedError) as refused:
        await opened_by(toy, keys, record, record, sealed)
    assert refused.value.status == 410
    assert await opened_by(toy, keys, other, other, kept) == NARRATIVE


async def test_two_processes_that_make_one_campus_key_at_once_end_with_the_same(toy: Toy) -> None:
    one, other = KeyRing(toy.settings), KeyRing(toy.settings)
    record, second = new_id(), new_id()
    begun = asyncio.Event()

    async def slow() -> bytes:
        async with toy.worker.transaction(service_actor(TOY)) as tx:
            (sealed,) = await seal(tx, one, "NORTH", [(record, "narrative", record, "slow")])
            begun.set()
            await _somebody_waits(tx)
        return sealed

    async def quick() -> bytes:
        await begun.wait()
        return await sealed_by(toy, other, second, second, "quick")

    slow_made, quick_made = await asyncio.gather(slow(), quick())
    fresh = KeyRing(toy.settings)
    assert await opened_by(toy, fresh, record, record, slow_made) == "slow"
    assert await opened_by(toy, fresh, second, second, quick_made) == "quick"


async def test_two_batches_with_the_same_records_in_other_orders_do_not_dead_lock(toy: Toy) -> None:
    records = [new_id() for _ in range(200)]

    async def batch(order: list[UUID]) -> list[bytes]:
        keys = KeyRing(toy.settings)
        async with toy.worker.transaction(service_actor(TOY)) as tx:
            return await seal(tx, keys, "NORTH", [(record, "narrative", record, str(record)) for record in order])

    await batch(records[:1])
    made = await asyncio.gather(batch(records), batch(records[::-1]))
    fresh = KeyRing(toy.settings)
    assert await opened_by(toy, fresh, records[7], records[7], made[0][7]) == str(records[7])
    assert await opened_by(toy, fresh, records[7], records[7], made[1][192]) == str(records[7])


async def test_a_campus_key_that_was_rolled_back_is_never_used_again(toy: Toy, keys: KeyRing) -> None:
    record = new_id()

    async def undone() -> None:
        async with toy.worker.transaction(service_actor(TOY)) as tx:
            for _ in range(2):
                await seal(tx, keys, "NORTH", [(new_id(), "narrative", record, NARRATIVE)])
            raise _Undone

    with pytest.raises(_Undone):
        await undone()
    sealed = await sealed_by(toy, keys, record, record)
    assert await opened_by(toy, KeyRing(toy.settings), record, record, sealed) == NARRATIVE


async def _somebody_waits(tx: Tx) -> None:
    """Return once another connection waits for what this transaction holds."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")
    async with asyncio.timeout(30):
        while not (await tx.connection.execute(waiting)).scalar_one():
            await asyncio.sleep(0.005)
