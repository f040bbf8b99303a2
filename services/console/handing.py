"""Several cases given to one colleague: what a form asks for, to whom they can go, and what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.casework import REASSIGN_REASONS
from services.console.forms import Fields
from services.console.owners import Answer
from services.console.visit import Visit

_MOST = 100


@dataclass(frozen=True, slots=True)
class Handed:
    """How many cases went to whom; those that stayed, each with the sentence that says why."""

    given: int
    who: str
    kept: Sequence[tuple[str, str]]

    @property
    def sentence(self) -> str:
        """What became of them, as a sentence."""
        asked = self.given + len(self.kept)
        cases = "1 case" if asked == 1 else f"{asked} cases"
        return f"{self.given} of {cases} went to {self.who}" if self.kept else f"{cases} went to {self.who}"


def wanted(form: Fields) -> dict[str, Any] | None:
    """Return what a form asks the owner of cases for; None where something is missing. A box is `id.version`."""
    cases = []
    for picked in form.all("pick")[:_MOST]:
        case_id, _, version = picked.partition(".")
        cases.append({"case_id": case_id, "version": int(version) if version.isdigit() else None})
    staff_id, reason = form.get("staff_id", ""), form.get("reason_code", "")
    if not cases or not staff_id or reason not in REASSIGN_REASONS:
        return None
    beyond = form.get("beyond_capacity", "") == "yes"
    return {"cases": cases, "staff_id": staff_id, "reason_code": reason, "beyond_capacity": beyond}


def handed(visit: Visit, staff_id: str, said: Mapping[str, Any]) -> Handed:
    """Return in words what the owner answered."""
    kept = [(each["case_id"], each["detail"]) for each in said["kept"]]
    return Handed(len(said["given"]), visit.staff_name(staff_id), kept)


def managers(visit: Visit, loads: Answer) -> list[tuple[str, str]]:
    """Return whom cases can be given to, by name, with how many they have where that is known."""
    campuses = [each.code for each in visit.campuses if visit.campus in (each.code, "*")]
    held = {id_ for campus in campuses for id_ in visit.program.holders("case_manager", campus, visit.now)}
    has = open_cases(loads)
    found = []
    for id_ in held:
        known = [f"{has.get(id_, 0)} open"] if has is not None else []
        away = [] if visit.program.present(id_, visit.now) else ["away"]
        found.append((id_, ", ".join([visit.staff_name(id_), *known, *away])))
    return sorted(found, key=lambda each: each[1].lower())


def open_cases(loads: Answer) -> dict[str, int] | None:
    """Return how many open cases everybody has, over the campuses asked about; None where it cannot be said."""
    if not loads.ok:
        return None
    found: dict[str, int] = {}
    for row in loads.json["rows"]:
        found[row["staff_id"]] = found.get(row["staff_id"], 0) + row["open_cases"]
    return found
