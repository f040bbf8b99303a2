"""A page: who is told, in which order, until somebody takes it. The policy is frozen into it when it is raised."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.notifications.domain import people
from services.notifications.domain.causes import Cause
from services.notifications.domain.people import Around, Matter
from services.notifications.domain.record import (
    ALREADY_TOLD,
    DECLINE_REASONS,
    EMERGENCY,
    Answer,
    Policy,
    State,
    Telling,
    Turn,
)
from shared.events import STRICTEST
from shared.events.codes import level as level_of
from shared.events.pages import (
    PageAccepted,
    PageDeclined,
    PageEnriched,
    PageEvent,
    PageRaised,
    PageStepTaken,
    PageUnreached,
)
from shared.refusal import Refused


@dataclass
class Page:
    """One page. Its methods change it and return the facts to publish; `fresh` are tellings whose mail is still owed.

    `turn` counts tellings, so a timer or a failed delivery of an earlier one is seen to be stale.
    """

    id: UUID
    cause: Cause
    policy: Policy
    raised_at: datetime
    student_id: UUID | None
    level: str
    state: State = State.NOTIFYING
    case_id: UUID | None = None
    step: int = 0
    line_from: int = 0
    due_at: datetime | None = None
    repeat: int = 0
    owner_id: str | None = None
    accepted_by: str | None = None
    accepted_at: datetime | None = None
    accepted_via: str = ""
    grant_until: datetime | None = None
    contact_due: datetime | None = None
    enriched_at: datetime | None = None
    contacted_at: datetime | None = None
    disposition: str = ""
    disposed_at: datetime | None = None
    reopened: int = 0
    version: int = 0
    turns: list[Turn] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    saved: int = 0

    # -------------------------------------------------------------------------------------------- what is so

    @property
    def turn(self) -> int:
        """The number of the latest turn."""
        return len(self.turns)

    @property
    def open(self) -> bool:
        """Whether somebody is still wanted."""
        return self.state in (State.NOTIFYING, State.UNREACHED)

    @property
    def acceptance(self) -> int:
        """How often it was accepted so far: which acceptance a clock belongs to."""
        return sum(answer.kind == "accepted" for answer in self.answers)

    @property
    def matter(self) -> Matter:
        """What choices of people depend on."""
        return Matter(self.cause.campus, self.student_id, self.cause.walled)

    def case_known_to(self, person: str) -> UUID | None:
        """Return the case, if it is known and `person` may know that there is one.

        Of danger out of a Title IX report only whoever took it may: to others the case would tell what lies behind.
        """
        hidden = self.cause.walled and self.cause.sensitivity != STRICTEST and person != self.accepted_by
        return None if hidden else self.case_id

    @property
    def addressees(self) -> tuple[str, ...]:
        """Staff who were told, in order, nobody twice."""
        return tuple(dict.fromkeys(t.person for t in self.tellings if t.told and t.target != EMERGENCY))

    @property
    def fresh(self) -> Sequence[Telling]:
        """Tellings made since the page was loaded, of people who are told."""
        return [telling for telling in self.tellings[self.saved :] if telling.told]

    @property
    def declined(self) -> frozenset[str]:
        """Who said that they cannot take it."""
        return frozenset(answer.person for answer in self.answers if answer.kind == "declined")

    # ------------------------------------------------------------------------------------------ what happens

    @classmethod
    def raise_for(
        cls, id_: UUID, cause: Cause, policy: Policy, around: Around, *, student_id: UUID | None, now: datetime
    ) -> tuple["Page", list[PageEvent]]:
        """Make the page of a cause and take its first step that has somebody to tell.

        `student_id` is who it is known to be about by now, which may be more than the cause says.
        """
        page = cls(id=id_, cause=cause, policy=policy, raised_at=now, student_id=student_id, level=cause.level)
        raised = page.fact(PageRaised, policy_edition=policy.edition, happened_at=cause.happened_at, raised_at=now)
        return page, [raised, *page.advance("raised", around, now)]

    def pass_time(self, turn: int, around: Around, now: datetime) -> list[PageEvent]:
        """Go on because nobody answered turn `turn` in time; nothing when somebody did, or the page went on since.

        One turn however late the timer comes: after a standstill people get one message, not one for each missed.
        """
        if not self.open or turn != self.turn:
            return []
        return self.advance("due", around, now)

    def accept(self, person: str, via: str, now: datetime) -> list[PageEvent]:
        """Give the page to the first who takes it. Raises Refused for everybody after, saying that it is taken."""
        self._refuse_taken()
        line = self.policy.line
        self.state, self.due_at = State.ACCEPTED, None
        self.accepted_by, self.accepted_at, self.accepted_via = person, now, via
        self.grant_until = now + timedelta(hours=self.policy.grant_hours)
        # A line without such a clock (Title IX) asks for contact while the matter is open to the responder.
        self.contact_due = now + timedelta(minutes=line.contact_minutes) if line.contact_minutes else self.grant_until
        self.answers.append(Answer(person, "accepted", via, now))
        return [
            self.fact(
                PageAccepted,
                accepted_by=person,
                via=via,
                raised_at=self.raised_at,
                accepted_at=now,
                grant_until=self.grant_until,
                contact_due=self.contact_due,
            )
        ]

    def decline(self, person: str, reason: str, via: str, around: Around, now: datetime) -> list[PageEvent]:
        """Note that somebody cannot take it; when nobody of the turn is left who could, go on at once."""
        self._refuse_taken()
        if reason not in DECLINE_REASONS:
            raise Refused("unknown_reason", "Choose one of the reasons: " + ", ".join(DECLINE_REASONS), 422)
        if person in self.declined:
            raise Refused("already_declined", "You have said already that you cannot take this page.")
        self.answers.append(Answer(person, "declined", via, now, reason))
        events: list[PageEvent] = [self.fact(PageDeclined, declined_by=person, reason_code=reason, declined_at=now)]
        if self._awaited():
            return events
        if self.state == State.NOTIFYING:
            return events + self.advance("declined", around, now)
        self._tell_contacts(around, now)
        return events

    def fail(self, turn: int, around: Around, now: datetime) -> list[PageEvent]:
        """Go on at once: no message of turn `turn` reached its address, and none will."""
        if not self.open or turn != self.turn:
            return []
        if self.state == State.NOTIFYING:
            return self.advance("failed", around, now)
        self._tell_contacts(around, now)
        return []

    def worsen(self, level: str, policy: Policy, around: Around, now: datetime) -> list[PageEvent]:
        """Start the graver level's line, at once and from its beginning, when the danger turns out graver."""
        if self.state != State.NOTIFYING or level_of(level).rank <= level_of(self.level).rank:
            return []
        self.level, self.policy, self.step, self.line_from = level, policy, 0, self.turn
        return self.advance("worsened", around, now)

    def identify(self, student_id: UUID | None) -> None:
        """Note who it is about: from now on their walls and relations count, and none where nobody knows any more."""
        self.student_id = student_id

    def enrich(self, case_id: UUID, around: Around, now: datetime) -> list[PageEvent]:
        """Name the case of the matter; its case manager hears of it now if a step already taken meant them."""
        if self.case_id is not None:
            return []
        self.case_id, self.enriched_at = case_id, now
        return [self.fact(PageEnriched, enriched_at=now), *self._tell_related(around, now)]

    def follow(self, case_id: UUID, student_id: UUID | None, around: Around, now: datetime) -> list[PageEvent]:
        """Name the case that took over the case of the matter, and whose it is where nobody knew."""
        self.case_id, self.student_id = None, self.student_id or student_id
        return self.enrich(case_id, around, now)

    # ----------------------------------------------------------------------------------------------- the line

    def advance(self, because: str, around: Around, now: datetime) -> list[PageEvent]:
        """Take the next step that has somebody to tell; behind the last one somebody owns the page."""
        events: list[PageEvent] = []
        while self.state == State.NOTIFYING and self.step < len(self.policy.line.steps):
            self.step += 1
            step = self.policy.line.steps[self.step - 1]
            told = self._take(step.targets, because, timedelta(minutes=step.wait_minutes), around, now)
            events.append(self._step_fact(step.targets, told, now))
            if told:
                return events
            because = "empty"
        return [*events, self._own(because, around, now)]

    def _own(self, because: str, around: Around, now: datetime) -> PageEvent:
        """Leave the page with an owner who is told now and again later; with nobody, with the emergency contacts."""
        self.state, self.repeat = State.UNREACHED, self.repeat + 1
        line = self.policy.line
        told = self._take(line.unreached_targets, because, timedelta(minutes=line.repeat_minutes), around, now)
        self.owner_id = told[0] if told else None
        if not told or self.declined.issuperset(told):
            self._tell_contacts(around, now)
        return self.fact(PageUnreached, owner_id=self.owner_id, repeat=self.repeat, unreached_at=now)

    def _take(
        self, targets: tuple[str, ...], because: str, wait: timedelta, around: Around, now: datetime
    ) -> tuple[str, ...]:
        """Tell everybody the targets mean who may be told, and note who is not told and why."""
        number = self.turn + 1
        again = self.state == State.UNREACHED
        before = frozenset() if again else self._told_in_this_line()
        met = people.line_up(self.matter, targets, around, now)
        for candidate in met:
            why = candidate.hindrance or (ALREADY_TOLD if candidate.person in before else "")
            self.tellings.append(Telling(number, candidate.person, candidate.target, not why, now, why))
        told = tuple(t.person for t in self.tellings if t.turn == number and t.told)
        if not met:
            self.tellings.append(Telling(number, "", targets[0], told=False, at=now, why=people.NOBODY))
        self.due_at = now + wait if told or again else None
        self.turns.append(Turn(number, 0 if again else self.step, targets, because, now, self.due_at))
        return told

    def _told_in_this_line(self) -> frozenset[str]:
        return frozenset(t.person for t in self.tellings if t.told and t.turn > self.line_from)

    def _awaited(self) -> bool:
        """Return whether somebody told in the latest turn has not declined."""
        told = {t.person for t in self.tellings if t.told and t.turn == self.turn}
        return not told <= self.declined

    def _tell_contacts(self, around: Around, now: datetime) -> None:
        known = {t.person for t in self.tellings if t.turn == self.turn and t.target == EMERGENCY}
        for address in dict.fromkeys(around.program.emergency_contacts(self.cause.campus, now)):
            if address not in known:
                self.tellings.append(Telling(self.turn, address, EMERGENCY, told=True, at=now))

    def _tell_related(self, around: Around, now: datetime) -> list[PageEvent]:
        meant = any(people.RELATED in step.targets for step in self.policy.line.steps[: self.step])
        if self.state != State.NOTIFYING or not meant:
            return []
        known = {t.person for t in self.tellings}
        found = [c for c in people.line_up(self.matter, (people.RELATED,), around, now) if c.person not in known]
        self.tellings += [Telling(self.turn, c.person, c.target, not c.hindrance, now, c.hindrance) for c in found]
        told = tuple(c.person for c in found if not c.hindrance)
        return [self._step_fact((people.RELATED,), told, now)] if told else []

    # ------------------------------------------------------------------------------------------------- facts

    def _refuse_taken(self) -> None:
        if self.state == State.ENDED:
            raise Refused("page_ended", "This page has ended: somebody has written down what became of it.")
        if self.state == State.ACCEPTED:
            raise Refused("page_taken", "Somebody has taken this page already.")

    def _step_fact(self, targets: tuple[str, ...], told: tuple[str, ...], now: datetime) -> PageEvent:
        return self.fact(PageStepTaken, step=self.step, target="+".join(targets), staff_ids=told, taken_at=now)

    def fact(self, kind: type[PageEvent], **more: object) -> PageEvent:
        """Return an event of this page, the next in its order."""
        self.version += 1
        return kind(
            campus=self.cause.campus,
            sensitivity=self.cause.sensitivity,
            sequence=self.version,
            page_id=self.id,
            cause_id=self.cause.id,
            function=self.cause.function,
            level=self.level,
            referral_id=self.cause.referral_id,
            case_id=self.case_id,
            **more,
        )
