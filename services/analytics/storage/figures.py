"""Figures and caseloads: changed by what a batch of events adds or takes away."""

from sqlalchemy import text

from services.analytics.domain.figures import Changes
from shared.storage.tx import Tx

_ADD = text(
    """
    INSERT INTO figures (campus, day, kind, code, sensitivity, count, milliseconds, longest)
    SELECT * FROM unnest(CAST(:campuses AS text[]), CAST(:days AS date[]), CAST(:kinds AS text[]),
                         CAST(:codes AS text[]), CAST(:walls AS text[]), CAST(:counts AS bigint[]),
                         CAST(:milliseconds AS bigint[]), CAST(:longest AS bigint[]))
    ON CONFLICT (campus, day, kind, code, sensitivity) DO UPDATE SET
        count = figures.count + excluded.count,
        milliseconds = figures.milliseconds + excluded.milliseconds,
        longest = greatest(figures.longest, excluded.longest)
    """
)
_CARRY = text(
    """
    INSERT INTO caseloads (campus, staff_id, sensitivity, open_cases)
    SELECT * FROM unnest(CAST(:campuses AS text[]), CAST(:staff AS text[]), CAST(:walls AS text[]),
                         CAST(:changes AS bigint[]))
    ON CONFLICT (campus, staff_id, sensitivity) DO UPDATE SET
        open_cases = caseloads.open_cases + excluded.open_cases
    """
)


async def apply(tx: Tx, changes: Changes) -> None:
    """Add the changes to what is stored: one statement for figures, one for caseloads, none for nothing.

    Rows are locked in the order of their keys, so that two consumers wait for each other and never for ever.
    """
    figures, loads = list(changes.changed_figures()), list(changes.changed_loads())
    if figures:
        await tx.connection.execute(
            _ADD,
            {
                "campuses": [figure.campus for figure, _ in figures],
                "days": [figure.day for figure, _ in figures],
                "kinds": [figure.kind for figure, _ in figures],
                "codes": [figure.code for figure, _ in figures],
                "walls": [figure.wall for figure, _ in figures],
                "counts": [amount.count for _, amount in figures],
                "milliseconds": [amount.milliseconds for _, amount in figures],
                "longest": [amount.longest for _, amount in figures],
            },
        )
    if loads:
        await tx.connection.execute(
            _CARRY,
            {
                "campuses": [load.campus for load, _ in loads],
                "staff": [load.staff_id for load, _ in loads],
                "walls": [load.wall for load, _ in loads],
                "changes": [by for _, by in loads],
            },
        )
