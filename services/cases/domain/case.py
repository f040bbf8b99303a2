"""The case: the work done for one student, or somebody not yet identified, at one campus about one family."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.cases.domain.assignment import BY_RULE, Assignment
from services.cases.domain.codes import State, graver
from services.cases.domain.contact import Contact
from shared.events import SENSITIVITIES
from shared.events import cases as events
from shared.events.teams import Member, TeamSnapshot
from shared.refusal import Refused

Changed = tuple["Case", tuple[events.CaseEvent, ...]]
NOT_HELD: dict[str, None] = {"held_from": None, "hold_reason": None, "review_at": None}


@dataclass(frozen=True, slots=True)
class Case:
    """A case at one version. Changing it returns the next version and the facts to tell; nothing is changed in place.

    `apart` marks a second open case of one student, campus and family that a person decided to keep. `members` are
    the team without the owner. `outreach_due` is None where the policy sets no clock. `changed_*` describe the
    latest change, so that whoever comes second can be told what happened. On hold, `held_from` is the state the work
    goes on in, at `review_at` at the latest. `close_code` says how it ended, `contact_outcome` whether the student was
    reached: two facts, never one. `last_reached_at` is when the student last took part in a contact.
    """

    case_id: UUID
    campus: str
    student_id: UUID | None
    family: str
    sensitivity: str
    state: State
    level: str
    concerns: tuple[str, ...]
    added_concerns: tuple[str, ...]
    reason_code: str
    assignment: Assignment
    owner_since: datetime | None
    accepted_at: datetime | None
    declined_by: tuple[str, ...]
    outreach_due: datetime | None
    report_due: datetime
    calendar_version: str
    clocks_edition: str
    next_contact_due: datetime | None
    contacts: int
    first_attempt_at: datetime | None
    engaged_at: datetime | None
    referred_at: datetime
    opened_at: datetime
    ended_at: datetime | None
    merged_into: UUID | None
    apart: bool
    referrals: tuple[UUID, ...]
    members: tuple[Member, ...]
    version: int
    changed_by: str
    changed_how: str
    changed_at: datetime
    held_from: State | None = None
    hold_reason: str | None = None
    review_at: datetime | None = None
    close_code: str | None = None
    contact_outcome: str | None = None
    last_reached_at: datetime | None = None

    @property
    def owner_id(self) -> str | None:
        """The one who answers for the case, if anybody does."""
        return self.assignment.staff_id

    @property
    def is_open(self) -> bool:
        """Whether there is work to do."""
        return self.state.is_open

    @property
    def stands(self) -> bool:
        """Whether it is a case of its own, open or closed."""
        return self.state is not State.MERGED

    def moved(self, how: str, by: str, at: datetime, **changes: Any) -> "Case":  # noqa: ANN401 - fields by name
        """Return the next version, with what changed and by whom."""
        return replace(self, version=self.version + 1, changed_how=how, changed_by=by, changed_at=at, **changes)

    def facts(self) -> dict[str, Any]:
        """Return what every event of this version says of the case."""
        return {
            "campus": self.campus,
            "sensitivity": self.sensitivity,
            "sequence": self.version,
            "case_id": self.case_id,
            "student_id": self.student_id,
        }

    # ------------------------------------------------------------------------------------ what referrals do

    def opened(self) -> events.CaseOpened:
        """Return the fact that this case, at its first version, was opened."""
        return events.CaseOpened(
            **self.facts(),
            referral_id=self.referrals[0],
            family=self.family,
            concerns=self.concerns,
            level=self.level,
            reason_code=self.reason_code,
            owner_id=self.owner_id,
            assignment_code=self.assignment.code,
            outreach_due=self.outreach_due,
            referred_at=self.referred_at,
            opened_at=self.opened_at,
        )

    def attach(
        self,
        referral_id: UUID,
        concerns: Sequence[str],
        level: str,
        outreach_due: datetime | None,
        at: datetime,
        *,
        sensitivity: str = "standard",
    ) -> Changed:
        """Take a further referral in: its concerns are added; level, clock and sensitivity only ever get stricter."""
        known = {*self.concerns, *self.added_concerns}
        added = tuple(dict.fromkeys(code for code in concerns if code not in known))
        case = self.moved(
            "referral_attached",
            BY_RULE,
            at,
            referrals=(*self.referrals, referral_id),
            added_concerns=(*self.added_concerns, *added),
            sensitivity=max(self.sensitivity, sensitivity, key=SENSITIVITIES.index),
            **self._raised(level, outreach_due),
        )
        fact = events.ReferralAttached(
            **case.facts(), referral_id=referral_id, added_concerns=added, level=case.level, attached_at=at
        )
        return case, (fact,)

    def raise_level(self, level: str, outreach_due: datetime | None, at: datetime) -> "Case":
        """Return the case at a graver level; the same case when it is as grave already or no longer open."""
        if not self.is_open or not graver(level, than=self.level):
            return self
        return self.moved("level_raised", BY_RULE, at, **self._raised(level, outreach_due))

    def _raised(self, level: str, outreach_due: datetime | None) -> dict[str, Any]:
        if not graver(level, than=self.level):
            return {}
        # A clock that was met stays as it was.
        working = {} if self.held_from is None else {"state": self.held_from, **NOT_HELD}  # graver: nobody waits
        running = [due for due in (self.outreach_due, outreach_due) if due is not None]
        due = min(running, default=None) if self.first_attempt_at is None else self.outreach_due
        return {"level": level, "outreach_due": due, **working}

    def identify(self, student_id: UUID, at: datetime) -> Changed:
        """Say whose case this is."""
        case = self.moved("student_identified", BY_RULE, at, student_id=student_id)
        return case, (events.CaseStudentIdentified(**case.facts(), identified_at=at),)

    def unknown_again(self, at: datetime) -> Changed:
        """Say that nobody knows any more whose case this is: whom it was opened for was named by mistake."""
        case = self.moved("student_identified", BY_RULE, at, student_id=None)
        return case, (events.CaseStudentIdentified(**case.facts(), identified_at=at),)

    def stand_apart(self, student_id: UUID, by: str, at: datetime) -> Changed:
        """Let this be a second open case of a student, as a person decided; it may be known already whose it is."""
        case = self.moved("kept_apart", by, at, student_id=self.student_id or student_id, apart=True)
        told = (events.CaseStudentIdentified(**case.facts(), identified_at=at),) if self.student_id is None else ()
        return case, told

    # --------------------------------------------------------------------------------------- whose work it is

    def assign(self, assignment: Assignment, at: datetime) -> Changed:
        """Give the case to whom the assignment names, or to nobody. Whoever had it is off the team at once."""
        previous = self.owner_id
        place = "state" if self.held_from is None else "held_from"
        state = getattr(self, place)
        if state in (State.NEW, State.ASSIGNED):
            state = State.ASSIGNED if assignment.staff_id else State.NEW
        case = self.moved(
            "assigned",
            assignment.by,
            at,
            assignment=assignment,
            owner_since=at if assignment.staff_id else None,
            accepted_at=None,
            **{place: state},
        )
        fact = events.CaseAssigned(
            **case.facts(),
            owner_id=assignment.staff_id,
            previous_owner_id=previous,
            assignment_code=assignment.code,
            assigned_by=assignment.by,
            assigned_at=at,
        )
        return case, (fact,)

    def accept(self, by: str, at: datetime) -> Changed:
        """Let the owner say: mine. Raises Refused for anybody else, or when it was said already."""
        self.require_open()
        self._require_owner(by)
        if self.accepted_at is not None:
            raise Refused("already_accepted", "You have accepted this case already.")
        case = self.moved("accepted", by, at, accepted_at=at)
        fact = events.CaseAccepted(**case.facts(), owner_id=by, opened_at=case.opened_at, accepted_at=at)
        return case, (fact,)

    def decline(self, by: str, reason_code: str, at: datetime) -> Changed:
        """Let the owner say: not mine. They are not asked again for this case; whoever is next follows separately."""
        self.require_open()
        self._require_owner(by)
        if self.accepted_at is not None:
            raise Refused("already_accepted", "You have accepted this case; a supervisor can reassign it.")
        case = self.moved("declined", by, at, declined_by=(*self.declined_by, by))
        return case, (events.CaseDeclined(**case.facts(), owner_id=by, reason_code=reason_code, declined_at=at),)

    def require_open(self) -> None:
        """Raise Refused where there is no work to do any more."""
        if not self.is_open:
            if self.state is State.CLOSED:
                raise Refused("case_closed", "This case is closed. Reopen it first.")
            raise Refused("not_open", "This case was combined into another one; work goes on there.")

    def _require_owner(self, by: str) -> None:
        if self.owner_id != by:
            raise Refused("not_the_owner", "Only the owner of a case can accept or decline it.")

    def require_reassignable(self, staff_id: str) -> None:
        """Raise Refused where giving the case to this person would change nothing or the case is not open."""
        self.require_open()
        if self.owner_id == staff_id:
            raise Refused("already_theirs", "This person owns the case already.", pointer="/body/staff_id")

    # ----------------------------------------------------------------------------------------------- contacts

    def record_contact(self, contact: Contact) -> Changed:
        """Note a contact. The first attempt to reach the student begins outreach, the first answer engagement.

        First is what happened first, also when it is recorded later.
        """
        self.require_open()
        changes: dict[str, Any] = {"contacts": self.contacts + 1, "next_contact_due": contact.next_due}
        place = "state" if self.held_from is None else "held_from"  # a hold lasts; what it goes back to moves on
        if contact.is_attempt:
            changes["first_attempt_at"] = _earlier(self.first_attempt_at, contact.at)
            if getattr(self, place) in (State.NEW, State.ASSIGNED):
                changes[place] = State.OUTREACH
        if contact.two_way:
            changes["engaged_at"] = _earlier(self.engaged_at, contact.at)
            changes["last_reached_at"] = _later(self.last_reached_at, contact.at)
            changes[place] = State.ENGAGED
        case = self.moved("contact_recorded", contact.recorded_by, contact.recorded_at, **changes)
        fact = events.ContactRecorded(
            **case.facts(),
            contact_id=contact.contact_id,
            mode=contact.mode,
            direction=contact.direction,
            outcome_code=contact.outcome_code,
            two_way=contact.two_way,
            attempt=case.contacts,
            by=contact.by,
            opened_at=case.opened_at,
            contacted_at=contact.at,
            recorded_at=contact.recorded_at,
        )
        return case, (fact,)

    # -------------------------------------------------------------------------------------------- combination

    def take_over(self, other: "Case", by: str, at: datetime) -> Changed:
        """Take all of another case in: referrals, concerns, people, contacts; the graver level, the further state."""
        known = {*self.concerns, *self.added_concerns}
        added = tuple(code for code in (*other.concerns, *other.added_concerns) if code not in known)
        order = tuple(State)
        case = self.moved(
            "combined",
            by,
            at,
            referrals=(*self.referrals, *other.referrals),
            added_concerns=(*self.added_concerns, *added),
            members=(*self.members, *other.members),
            contacts=self.contacts + other.contacts,
            first_attempt_at=_earlier(self.first_attempt_at, other.first_attempt_at),
            engaged_at=_earlier(self.engaged_at, other.engaged_at),
            last_reached_at=_later(self.last_reached_at, other.last_reached_at),
            **{
                **self._raised(other.level, other.outreach_due),
                **NOT_HELD,
                "state": max(self.held_from or self.state, other.held_from or other.state, key=order.index),
            },
        )
        return case, (
            events.CasesCombined(**case.facts(), other_case_id=other.case_id, combined_by=by, combined_at=at),
        )

    def give_way(self, to: UUID, by: str, at: datetime) -> "Case":
        """Return this case as merged into another: nothing of it is open, and nobody is on its team any more."""
        return self.moved(
            "combined", by, at, state=State.MERGED, merged_into=to, ended_at=at, referrals=(), members=(), **NOT_HELD
        )

    # --------------------------------------------------------------------------------------------------- team

    def grant(self, member: Member, at: datetime) -> "Case":
        """Let somebody in on this one matter until their time is over."""
        return self.moved("member_added", member.staff_id, at, members=(*self.members, member))

    def team(self, recused: Sequence[str]) -> TeamSnapshot:
        """Return who may read the matter of this case now. Who worked on a closed one may still read it."""
        owner_id = self.owner_id if self.stands else None
        owner: tuple[Member, ...] = ()
        if owner_id is not None and self.owner_since is not None:
            owner = (Member(staff_id=owner_id, capacity="owner", since=self.owner_since),)
        return TeamSnapshot(
            campus=self.campus,
            sensitivity=self.sensitivity,
            sequence=self.version,
            status="active" if self.stands else "removed",
            case_id=self.case_id,
            student_id=self.student_id,
            family=self.family,
            owner_id=owner_id,
            members=owner + self.members,
            referrals=self.referrals,
            recused=tuple(recused),
        )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)
