"""Reads the program from `program_snapshots`, the table every service has, and keeps it while nothing changed."""

from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import Engine, Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import telemetry
from shared.events import Snapshot, catalogue
from shared.program.view import Program

# Versions alone would not do: a change rolled back and another committed leave the same sum. `xmin` is the number of
# the transaction that wrote a row, so any two states differ in it.
_FINGERPRINT = text(
    "SELECT count(*), coalesce(sum(version), 0), coalesce(sum(CAST(CAST(xmin AS text) AS bigint)), 0)"
    " FROM program_snapshots"
)
_ALL = text("SELECT type, body FROM program_snapshots WHERE status <> 'removed' ORDER BY key")

_log = telemetry.logger("program")
_kept: WeakKeyDictionary[Engine, tuple[tuple[int, ...], Program]] = WeakKeyDictionary()


async def load_program(connection: AsyncConnection) -> Program:
    """Return the program as this transaction sees it: one cheap statement while it is unchanged, else two."""
    engine = connection.sync_engine
    fingerprint = tuple(int(value) for value in (await connection.execute(_FINGERPRINT)).one())
    kept = _kept.get(engine)
    if kept is not None and kept[0] == fingerprint:
        return kept[1]
    rows = (await connection.execute(_ALL)).all()
    program = Program(snapshot for row in rows if (snapshot := _snapshot(row)) is not None)
    _kept[engine] = (fingerprint, program)
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
