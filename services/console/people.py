"""Students' names: one question for a whole page, one decision, one audit row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.console.owners import Asker, Owners

_MOST = 500
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Names:
    """Names by student id. `away` says that they could not be had; short references then stand for people."""

    found: Mapping[str, str] = field(default_factory=dict)
    away: bool = False

    def __getitem__(self, student_id: str | None) -> str:
        """Return a name, or the end of the id of somebody who cannot be named."""
        if not student_id:
            return "We don’t know yet who this is"
        return self.found.get(str(student_id)) or f"Student …{str(student_id)[-_SHOWN:]}"


async def resolve(owners: Owners, asker: Asker, student_ids: Sequence[str | None]) -> Names:
    """Ask intake, as the person who looks, for the names of students."""
    wanted = sorted({str(each) for each in student_ids if each})[:_MOST]
    if not wanted:
        return Names()
    answer = await owners.ask_with_body(asker, "intake", "/people:resolve", {"student_ids": wanted})
    if not answer.ok:
        return Names(away=answer.missing)
    return Names({person["student_id"]: person["name"] for person in answer.json["people"]})
