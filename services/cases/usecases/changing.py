"""What all changes of one case begin and end with: locked at the version seen; stored, told, put in its time line."""

from collections.abc import Callable
from uuid import UUID

from services.cases.domain.assignment import BY_RULE
from services.cases.domain.case import Case, Changed
from services.cases.domain.caseload import Caseload
from services.cases.storage import around, caseloads
from shared.events.cases import CaseEvent
from shared.refusal import Refused
from shared.storage.tx import Tx

_SAID = {
    "opened": "opened this case",
    "referral_attached": "attached a referral to this case",
    "level_raised": "raised the level of this case",
    "student_identified": "identified the student of this case",
    "assigned": "assigned this case",
    "accepted": "accepted this case",
    "declined": "declined this case",
    "contact_recorded": "recorded a contact",
    "combined": "combined this case with another",
    "kept_apart": "decided to keep this case apart",
    "member_added": "was let in on this case",
    "held": "put this case on hold",
    "resumed": "went on with this case",
    "closed": "closed this case",
    "reopened": "reopened this case",
}


async def hold(tx: Tx, case_id: UUID, seen: int | None, *, unnamed: bool = False) -> tuple[Caseload, Case]:
    """Lock a case for a change and return it among the cases of its student.

    `seen` is the version that the person looked at, None when they do not say. Raises Refused (409) with who changed
    what when it is not the present one; `unnamed` for those from whom it is hidden who works on the case.
    """
    caseload = await caseloads.load(tx, of_cases={case_id})
    return caseload, held(caseload, case_id, seen, unnamed=unnamed)


def held(caseload: Caseload, case_id: UUID, seen: int | None, *, unnamed: bool = False) -> Case:
    """Return a case that is locked, if it is there and at the version that was seen. Raises Refused as `hold` does."""
    case = caseload.cases.get(case_id)
    if case is None:
        raise Refused("not_found", "There is no such case.", 404)
    if seen is not None and seen != case.version:
        who = "Somebody" if unnamed else _who(caseload, case)
        at = case.changed_at.strftime("%Y-%m-%d %H:%M UTC")
        raise Refused(
            "changed_meanwhile",
            f"{who} {_SAID[case.changed_how]} at {at}. It is at version {case.version} now; you saw version {seen}.",
        )
    return case


async def keep(
    tx: Tx,
    caseload: Caseload,
    changed: Changed,
    code: str = "",
    *,
    follow: Callable[[Case], tuple[CaseEvent, ...]] | None = None,
) -> Case:
    """Store what changed and tell it; return the case as it is then. `code` says why, for its time line.

    `follow` is what the caseload makes of the changed case at once, such as giving it on.
    """
    case, facts = changed
    caseload.put(case)
    tx.publish(*facts, *(follow(case) if follow is not None else ()))
    await caseloads.save(tx, caseload)
    await around.log(tx, [case], code)
    return caseload.cases[case.case_id]


def _who(caseload: Caseload, case: Case) -> str:
    return caseload.office.name(case.changed_by) if case.changed_by != BY_RULE else "A rule"
