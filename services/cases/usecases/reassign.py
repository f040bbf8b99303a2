"""A person gives a case to somebody else, or several."""

from collections.abc import Mapping
from uuid import UUID

from services.cases.domain.assignment import choose
from services.cases.domain.case import Case, Changed
from services.cases.domain.caseload import Caseload
from services.cases.storage import around, caseloads
from services.cases.usecases import changing
from shared.refusal import Refused
from shared.storage.tx import Tx


async def reassign(tx: Tx, case_id: UUID, staff_id: str, reason_code: str, seen: int | None = None) -> Case:
    """Give a case to `staff_id`. Raises Refused where the rules would not have let them have it."""
    caseload, case = await changing.hold(tx, case_id, seen)
    return await changing.keep(tx, caseload, _given(tx, caseload, case, staff_id, reason_code), reason_code)


async def reassign_each(
    tx: Tx, wanted: Mapping[UUID, int | None], staff_id: str, reason_code: str, *, beyond_capacity: bool = False
) -> tuple[list[Case], dict[UUID, Refused]]:
    """Give cases, each with the version that was seen, to `staff_id`. Return those given, and why others were not.

    Each is decided by itself, in the order wanted: one with a conflict, behind a wall, or changed meanwhile stays where
    it is and holds nothing up. Without `beyond_capacity` it ends where the policy says that they have enough. A fixed
    number of statements.
    """
    caseload = await caseloads.load(tx, of_cases=wanted.keys())
    given: list[UUID] = []
    refused: dict[UUID, Refused] = {}
    for case_id, seen in wanted.items():
        try:
            case, facts = _given(tx, caseload, changing.held(caseload, case_id, seen), staff_id, reason_code)
            _require_room(caseload, case, beyond_capacity=beyond_capacity)
        except Refused as no:
            refused[case_id] = no
            continue
        caseload.put(case)
        tx.publish(*facts)
        given.append(case_id)
    await caseloads.save(tx, caseload)
    moved = [caseload.cases[case_id] for case_id in given]
    await around.log(tx, moved, reason_code)
    return moved, refused


def _given(tx: Tx, caseload: Caseload, case: Case, staff_id: str, reason_code: str) -> Changed:
    case.require_reassignable(staff_id)
    chosen = choose(
        staff_id, caseload.need(case), caseload.office(case.campus), caseload.loads, by=tx.actor.id, reason=reason_code
    )
    return case.assign(chosen, tx.now)


def _require_room(caseload: Caseload, case: Case, *, beyond_capacity: bool) -> None:
    """Raise Refused where the owner chosen has enough already, as rules count it."""
    if case.assignment.over_ceiling and not beyond_capacity:
        who = caseload.office.name(case.owner_id or "")
        raise Refused("at_capacity", f"{who} has as many open cases as the policy lets one person have.")
