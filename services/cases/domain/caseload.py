"""The cases that a batch of referrals concerns, and what becomes of each referral among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.cases.domain import assignment
from services.cases.domain.assignment import Assignment, Need, Related
from services.cases.domain.case import Case
from services.cases.domain.codes import TITLEIX, Chosen, State, graver, walled
from services.cases.domain.combination import Combination
from services.cases.domain.office import Office, Offices
from services.cases.domain.students import Students
from shared.events.cases import CaseEvent
from shared.events.codes import Family
from shared.ids import derived_id, new_id

Place = tuple[UUID, str, str]


@dataclass(frozen=True, slots=True)
class Opening:
    """A referral that triage made a case of. `case_id` is the case a person attached it to, if one did."""

    referral_id: UUID
    campus: str
    sensitivity: str
    student_id: UUID | None
    family: str
    concerns: tuple[str, ...]
    level: str
    reason_code: str
    received_at: datetime
    case_id: UUID | None = None


@dataclass(slots=True)
class Noted:
    """What is known of a referral: its case, once it has one, and facts that arrived before it had one."""

    campus: str
    sensitivity: str
    case_id: UUID | None = None
    student_id: UUID | None = None
    level: str = "none"


@dataclass
class Caseload:
    """Loaded under lock, folded without I/O, saved once.

    `cases` holds every case of the students concerned that this transaction may touch, the oldest first. `noted` holds
    the referrals told of. What changed is found by comparing with `before`; `questions` are the combinations to ask
    about.
    """

    at: datetime
    office: Offices
    students: Students = field(default_factory=Students)
    cases: dict[UUID, Case] = field(default_factory=dict)
    noted: dict[UUID, Noted] = field(default_factory=dict)
    loads: dict[str, int] = field(default_factory=dict)
    questions: list[Combination] = field(default_factory=list)
    before: Mapping[UUID, Case] = field(init=False)
    touched: set[UUID] = field(default_factory=set)
    _places: dict[Place, list[UUID]] = field(init=False)
    _histories: dict[tuple[UUID, str], list[UUID]] = field(init=False)

    def __post_init__(self) -> None:
        self.before = dict(self.cases)
        self._places = {}
        self._histories = {}
        for case in self.cases.values():
            self._index(case)

    # ------------------------------------------------------------------------------------------------ folding

    def receive(self, opening: Opening) -> tuple[CaseEvent, ...]:
        """Say what becomes of a referral: it joins an open case or opens one. One that has its case changes nothing."""
        noted = self.noted.get(opening.referral_id)
        if noted is None:
            noted = Noted(opening.campus, opening.sensitivity)
            self.noted[opening.referral_id] = noted
        elif noted.case_id is not None:
            return ()
        self.touched.add(opening.referral_id)
        noted.student_id = noted.student_id or opening.student_id
        noted.level = _graver(noted.level, opening.level)
        target = self._target(opening, noted)
        if target is None:
            case, facts = self._open(opening, noted)
        else:
            case, facts = self._join(target, opening, noted)
        noted.case_id, noted.sensitivity = case.case_id, case.sensitivity
        if case.student_id is None and noted.student_id is not None:
            facts = (*facts, *self._name(case, noted.student_id))
        return facts

    def identify(self, referral_id: UUID, student_id: UUID) -> tuple[CaseEvent, ...]:
        """Take in which student a referral is about.

        A case of nobody in particular becomes that student's, unless the student has an open case of the family:
        then a person is asked. A case that stands on this referral alone follows it to another student. One with other
        referrals stays whose it is known to be; the referral shows the difference.
        """
        noted = self.noted[referral_id]
        noted.student_id = student_id
        self.touched.add(referral_id)
        case = self.case_of(referral_id)
        if case is None or not case.is_open:
            return ()
        if case.student_id is None:
            return self._name(case, student_id)
        if self._same(case.student_id, student_id) or case.referrals != (referral_id,):
            return ()
        open_, nobodys = case.unknown_again(self.at)
        self.put(open_)
        return self._name(open_, student_id) or nobodys

    def unidentify(self, referral_id: UUID) -> tuple[CaseEvent, ...]:
        """Take in that nobody knows any more whom a referral is about. A case that stands on it alone follows."""
        noted = self.noted[referral_id]
        noted.student_id = None
        self.touched.add(referral_id)
        case = self.case_of(referral_id)
        if case is None or not case.is_open or case.student_id is None or case.referrals != (referral_id,):
            return ()
        case, facts = case.unknown_again(self.at)
        self.put(case)
        return facts

    def meet(self, student_id: UUID) -> tuple[CaseEvent, ...]:
        """Take in that students were merged: where two open cases meet, ask a person whether they are one.

        Who must not work with one of the students must not work with the other: their cases are given on.
        """
        one = self.students.resolve(student_id)
        for (whose, _, _), ids in sorted(self._places.items(), key=lambda place: str(place[0])):
            standing = [case for id_ in ids if (case := self.cases[id_]).is_open] if whose == one else []
            for other in standing[1:]:
                self._ask(standing[0], other, student_id)
        theirs = [case for case in self.cases.values() if case.is_open and case.owner_id is not None]
        return tuple(
            fact
            for case in theirs
            if case.student_id is not None and self.students.resolve(case.student_id) == one
            for fact in self.reassign_if_barred(case)
        )

    def whose(self) -> dict[UUID, UUID]:
        """Return who each case that is known to be somebody's is about, after merges."""
        return {
            id_: self.students.resolve(case.student_id)
            for id_, case in self.cases.items()
            if case.student_id is not None
        }

    def _same(self, one: UUID, other: UUID) -> bool:
        return self.students.resolve(one) == self.students.resolve(other)

    def raise_level(self, referral_id: UUID, level: str) -> None:
        """Raise the level of a referral's case, or keep the level for the case it may get."""
        noted = self.noted[referral_id]
        noted.level = _graver(noted.level, level)
        self.touched.add(referral_id)
        case = self.case_of(referral_id)
        if case is not None:
            self.put(case.raise_level(level, self._office(case).outreach_due(level), self.at))

    def pass_on(self, case: Case) -> tuple[CaseEvent, ...]:
        """Give a case to whoever is next after those who declined it, or to nobody."""
        case, facts = case.assign(self._assign(case), self.at)
        self.put(case)
        return facts

    def need(self, case: Case) -> Need:
        """Return what a case asks of its owner."""
        return Need(
            students=self.students.aliases(case.student_id),
            walled=walled(case.family, case.sensitivity),
            wanted=frozenset((case.family, *case.concerns, *case.added_concerns)),
            related=self._related(case.student_id, case.campus, self._office(case)),
            declined=frozenset(case.declined_by),
        )

    # ---------------------------------------------------------------------------------------------- the cases

    def case_of(self, referral_id: UUID) -> Case | None:
        """Return the case of a referral, or None while it has none."""
        noted = self.noted.get(referral_id)
        return self.cases.get(noted.case_id) if noted is not None and noted.case_id is not None else None

    def put(self, case: Case) -> None:
        """Take a case at its newest version, and keep count of who has how many."""
        old = self.cases.get(case.case_id)
        if old is case:
            return
        self.cases[case.case_id] = case
        if old is None or old.student_id != case.student_id:
            self._index(case)
        self._count(old, -1)
        self._count(case, 1)

    def changed(self) -> Iterator[Case]:
        """Yield the cases that are new or at a newer version than they were loaded at."""
        return (case for id_, case in self.cases.items() if self.before.get(id_) is not case)

    def _count(self, case: Case | None, by: int) -> None:
        if case is not None and case.owner_id is not None and case.is_open:
            self.loads[case.owner_id] = self.loads.get(case.owner_id, 0) + by

    def _index(self, case: Case) -> None:
        if case.student_id is None:
            return
        one = self.students.resolve(case.student_id)
        self._histories.setdefault((one, case.campus), []).append(case.case_id)
        if not case.apart:
            self._places.setdefault((one, case.campus, case.family), []).append(case.case_id)

    def _standing(self, student_id: UUID, campus: str, family: str) -> list[Case]:
        """Return the open cases at one place, the oldest first; more than one only after a merge of students."""
        ids = self._places.get((self.students.resolve(student_id), campus, family), ())
        return [case for id_ in ids if (case := self.cases[id_]).is_open]

    def _office(self, case: Case) -> Office:
        return self.office(case.campus)

    # ---------------------------------------------------------------------------------------- opening, joining

    def _target(self, opening: Opening, noted: Noted) -> Case | None:
        """Return the open case a referral joins: the one a person named, where it fits, else its student's."""
        family = family_of(opening)
        named = self.cases.get(opening.case_id) if opening.case_id is not None else None
        if named is not None and self._fits(named, opening, noted):
            return named
        if noted.student_id is None:
            return None
        standing = self._standing(noted.student_id, opening.campus, family)
        for other in standing[1:]:
            self._ask(standing[0], other, noted.student_id)
        return standing[0] if standing else None

    def _fits(self, named: Case, opening: Opening, noted: Noted) -> bool:
        """Return whether a referral may join the case a person named: same side of the wall, no other student."""
        same_side = walled(named.family, named.sensitivity) == walled(opening.family, opening.sensitivity)
        other = noted.student_id is not None and named.student_id is not None
        return (
            named.is_open
            and named.campus == opening.campus
            and same_side
            and not (other and self.students.aliases(named.student_id) != self.students.aliases(noted.student_id))
        )

    def _join(self, case: Case, opening: Opening, noted: Noted) -> tuple[Case, tuple[CaseEvent, ...]]:
        due = self._office(case).outreach_due(noted.level)
        case, facts = case.attach(
            opening.referral_id, opening.concerns, noted.level, due, self.at, sensitivity=opening.sensitivity
        )
        self.put(case)
        return case, facts

    def _open(self, opening: Opening, noted: Noted) -> tuple[Case, tuple[CaseEvent, ...]]:
        office = self.office(opening.campus)
        family = family_of(opening)
        student_id = noted.student_id
        sensitivity = TITLEIX if family == Family.MISCONDUCT_SEX else opening.sensitivity
        need = Need(
            students=self.students.aliases(student_id),
            walled=walled(family, sensitivity),
            wanted=frozenset((family, *opening.concerns)),
            related=self._related(student_id, opening.campus, office),
        )
        chosen = assignment.assign(need, office, self.loads)
        case = Case(
            case_id=new_id(),
            campus=opening.campus,
            student_id=student_id,
            family=family,
            sensitivity=sensitivity,
            state=State.ASSIGNED if chosen.staff_id else State.NEW,
            level=noted.level,
            concerns=opening.concerns,
            added_concerns=(),
            reason_code=opening.reason_code,
            assignment=chosen,
            owner_since=self.at if chosen.staff_id else None,
            accepted_at=None,
            declined_by=(),
            outreach_due=office.outreach_due(noted.level),
            report_due=office.report_due(opening.received_at),
            calendar_version=office.calendar_version,
            clocks_edition=office.clocks_edition,
            next_contact_due=None,
            contacts=0,
            first_attempt_at=None,
            engaged_at=None,
            referred_at=opening.received_at,
            opened_at=self.at,
            ended_at=None,
            merged_into=None,
            apart=False,
            referrals=(opening.referral_id,),
            members=(),
            version=1,
            changed_by=assignment.BY_RULE,
            changed_how="opened",
            changed_at=self.at,
        )
        self.put(case)
        return case, (case.opened(),)

    def _name(self, case: Case, student_id: UUID) -> tuple[CaseEvent, ...]:
        """Make a case of nobody in particular the student's, or ask whether it is one with the case they have."""
        standing = self._standing(student_id, case.campus, case.family)
        if standing:
            self._ask(standing[0], case, student_id)
            return ()
        case, facts = case.identify(student_id, self.at)
        self.put(case)
        return (*facts, *self.reassign_if_barred(case))

    def reassign_if_barred(self, case: Case) -> tuple[CaseEvent, ...]:
        """Find an owner for a case that has none, or whose owner must not work with the student now known."""
        need = self.need(case)
        office = self._office(case)
        everybody = (*office.managers, *office.coordinators, *office.deputies)
        barred = {c.staff_id for c in everybody if not c.conflicts.isdisjoint(need.students)}
        chosen = self._assign(case) if case.owner_id is None or case.owner_id in barred else None
        if chosen is None or chosen.staff_id == case.owner_id:
            return ()
        case, facts = case.assign(chosen, self.at)
        self.put(case)
        return facts

    def _assign(self, case: Case) -> Assignment:
        # Whoever gives a case up does not count it any more when compared with the others.
        loads = dict(self.loads)
        if case.owner_id is not None:
            loads[case.owner_id] = loads.get(case.owner_id, 1) - 1
        return assignment.assign(self.need(case), self._office(case), loads)

    def _related(self, student_id: UUID | None, campus: str, office: Office) -> tuple[Related, ...]:
        """Return who knows the student, the closest first. A walled case relates nobody: that would show it."""
        if student_id is None:
            return ()
        related = []
        past = [
            case
            for id_ in self._histories.get((self.students.resolve(student_id), campus), ())
            if (case := self.cases[id_]).owner_id is not None and not walled(case.family, case.sensitivity)
        ]
        if past:
            last = max(past, key=lambda case: (case.is_open, case.ended_at or case.opened_at))
            if last.owner_id is not None and (last.ended_at is None or last.ended_at >= office.related_since):
                ended = last.ended_at.date() if last.ended_at is not None else None
                related.append(Related(last.owner_id, Chosen.LAST_OWNER, ended))
        advisor = self.students.advisor(student_id)
        if advisor is not None:
            related.append(Related(advisor, Chosen.ADVISOR))
        return tuple(related)

    def _ask(self, case: Case, other: Case, student_id: UUID) -> None:
        self.questions.append(
            Combination(
                combination_id=derived_id("combination", *sorted((str(case.case_id), str(other.case_id)))),
                campus=case.campus,
                sensitivity=case.sensitivity,
                case_id=case.case_id,
                other_case_id=other.case_id,
                student_id=student_id,
                asked_at=self.at,
            )
        )


def family_of(opening: Opening) -> str:
    """Return the family a referral's case belongs to. Whatever is Title IX stands alone in that family's case."""
    return Family.MISCONDUCT_SEX.value if walled(opening.family, opening.sensitivity) else opening.family


def _graver(one: str, other: str) -> str:
    return one if graver(one, than=other) else other
