"""Reads the program from `program_snapshots`, the table every service has, and keeps it while nothing changed."""

from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import Engine, Row, Transaction, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import telemetry
from shared.events import Snapshot, catalogue
from shared.program.view import Program

_STAMP = text("SELECT stamp FROM program_stamp")
_ALL = text("SELECT type, body FROM program_snapshots WHERE status <> 'removed' ORDER BY key")

_log = telemetry.logger("program")
_kept: WeakKeyDictionary[Engine, tuple[UUID, Program]] = WeakKeyDictionary()
# What a transaction has been told once holds for the rest of it.
_told: WeakKeyDictionary[Transaction, Program] = WeakKeyDictionary()


async def load_program(connection: AsyncConnection) -> Program:
    """Return the program as this transaction met it: one cheap statement a transaction while it is unchanged, or two.

    Whoever changes the program reads it again in another transaction.
    """
    transaction = connection.sync_connection.get_transaction() if connection.sync_connection else None
    if transaction is None:
        return await _read(connection)
    if transaction not in _told:
        _told[transaction] = await _read(connection)
    return _told[transaction]


async def _read(connection: AsyncConnection) -> Program:
    engine = connection.sync_engine
    stamp = (await connection.execute(_STAMP)).scalar_one()
    kept = _kept.get(engine)
    if kept is not None and kept[0] == stamp:
        return kept[1]
    rows = (await connection.execute(_ALL)).all()
    program = Program(snapshot for row in rows if (snapshot := _snapshot(row)) is not None)
    _kept[engine] = (stamp, program)
    return program


def _snapshot(row: Row[tuple[str, bytes]]) -> Snapshot | None:
    """Decode a row; None for what this release cannot read, which is counted and must not stop a page."""
    cls = catalogue.find(row.type)
    try:
        return msgspec.json.decode(row.body, type=cls) if cls is not None and issubclass(cls, Snapshot) else None
    except msgspec.ValidationError:
        telemetry.counters["snapshots_unreadable"] += 1
        _log.error("a program snapshot could not be read, it is left out", extra={"event_type": row.type})
        return None
