"""Notes: a draft is its author's alone; a signed one is amended and never overwritten."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.cases.domain.case import Case
from services.cases.domain.codes import NoteKind
from shared.events.cases import NoteSigned
from shared.refusal import Refused

FIELD = "case.note"
LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Note:
    """A note without its text. `edition` 0 is a draft; each later one has a text of its own that stays as it is."""

    note_id: UUID
    case_id: UUID
    campus: str
    sensitivity: str
    kind: str
    author_id: str
    edition: int
    begun_at: datetime
    signed_at: datetime | None

    @property
    def is_draft(self) -> bool:
        """Whether only its author sees it."""
        return self.edition == 0

    @property
    def is_clinical(self) -> bool:
        """Whether it is for clinical staff."""
        return self.kind == NoteKind.CLINICAL

    def require_draft_of(self, by: str) -> None:
        """Raise Refused unless it is a draft of this person; to others a draft is not there."""
        if self.author_id != by:
            raise Refused("not_found", "There is no such thing here, or it is not yours to see.", 404)
        if not self.is_draft:
            raise Refused("already_signed", "This note is signed. Amend it; what was written stays readable.")

    def signed(self, case: Case, by: str, at: datetime) -> tuple["Note", NoteSigned]:
        """Sign a draft."""
        self.require_draft_of(by)
        return self._next(case, by, at, signed_at=at)

    def amended(self, case: Case, by: str, at: datetime) -> tuple["Note", NoteSigned]:
        """Say it anew. The earlier editions stay."""
        if self.is_draft:
            raise Refused("not_signed", "This note is a draft: change it, and sign it.")
        return self._next(case, by, at, signed_at=self.signed_at)

    def _next(self, case: Case, by: str, at: datetime, signed_at: datetime | None) -> tuple["Note", NoteSigned]:
        note = replace(self, edition=self.edition + 1, signed_at=signed_at)
        fact = NoteSigned(
            **case.facts(), note_id=note.note_id, kind=note.kind, edition=note.edition, signed_by=by, signed_at=at
        )
        return note, fact
