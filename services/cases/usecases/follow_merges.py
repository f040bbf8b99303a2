"""Somebody said that two students are one, or took it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.cases.storage import caseloads, combinations
from shared.events.cases import CaseEvent
from shared.storage.tx import Tx


@dataclass(frozen=True, slots=True)
class Merge:
    """Two students who are one, or, `undone`, are two again."""

    student_id: UUID
    same_as: UUID
    undone: bool


async def follow_merges(tx: Tx, merges: Sequence[Merge]) -> list[CaseEvent]:
    """Ask a person about every pair of open cases that meet; once students are two again, ask no more.

    No case is joined, moved or closed by it: who is who is resolved when read. What a person decided between merge
    and undoing stays decided. Repeating it changes nothing.
    """
    facts: list[CaseEvent] = []
    for merge in merges:
        # The replica may not have heard yet what this tells, or have heard more.
        said = {merge.student_id: None if merge.undone else merge.same_as}
        caseload = await caseloads.load(tx, of_students={merge.student_id, merge.same_as}, said=said)
        if merge.undone:
            await combinations.forget_strangers(tx.connection, caseload.whose())
            continue
        facts += caseload.meet(merge.student_id)
        await caseloads.save(tx, caseload)
    tx.publish(*facts)
    return facts
