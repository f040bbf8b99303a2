"""Explains a page in sentences: who was told, when and why, who was not and why not, and what comes next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notifications.domain import words
from services.notifications.domain.causes import DANGER
from services.notifications.domain.page import Page
from services.notifications.domain.people import NOBODY
from services.notifications.domain.record import EMERGENCY, Answer, State, Telling, Turn
from shared.program import Program


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message. `failed` is whether its address refused it for good."""

    queued_at: datetime
    sent_at: datetime | None
    failed: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing that happened, in words."""

    at: datetime
    text: str


# Messages by turn and by whom they were for.
Receipts = Mapping[tuple[int, str], Receipt]


def explain(page: Page, program: Program, receipts: Receipts, now: datetime, *, reader: str) -> list[Sentence]:
    """Tell somebody what happened to a page, in order of time, and what happens next if nobody takes it."""
    told = _Told(page, program, receipts)
    sentences = [told.raised(), *told.turns(), *told.answers()]
    if page.enriched_at and page.case_known_to(reader):
        sentences.append(Sentence(page.enriched_at, "The case of the matter became known and was added to the page."))
    # Sorting is stable: what happened at one instant stays in the order above.
    return [*sorted(sentences, key=lambda sentence: sentence.at), *told.ahead(now)]


def policy_sentences(page: Page, program: Program) -> list[str]:
    """Return the line that was frozen into the page, a sentence for each step."""
    told = _Told(page, program, {})
    line = page.policy.line
    steps = [
        f"Step {number}: {told.named(step.targets)}; then {_minutes(step.wait_minutes)} to accept."
        for number, step in enumerate(line.steps, start=1)
    ]
    end = f"After that {told.named(line.unreached_targets)}, every {_minutes(line.repeat_minutes)}"
    return [*steps, f"{end} until somebody takes it."]


@dataclass(frozen=True, slots=True)
class _Told:
    """A page with what its sentences need."""

    page: Page
    program: Program
    receipts: Receipts

    def raised(self) -> Sentence:
        page, cause = self.page, self.page.cause
        what = "danger" if cause.function == DANGER else "a Title IX report"
        reference = f"Referral {cause.reference}" if cause.reference else "A referral that could not be read whole"
        text = (
            f"{reference} at {self._campus} raised this page at {self._clock(page.raised_at)}, about {what}, "
            f"level {cause.level}. Edition {page.policy.edition} of the paging policy was copied into it."
        )
        waited = page.raised_at - cause.happened_at
        if waited.total_seconds() >= 60:  # noqa: PLR2004 - below a minute it is no delay worth a sentence
            text += f" What it is about was {words.span(waited)} old by then."
        return Sentence(page.raised_at, text)

    def turns(self) -> Iterator[Sentence]:
        waited = None
        for turn in self.page.turns:
            if turn.because == "due" and waited is not None:
                yield Sentence(turn.at, f"Nobody had accepted within {words.span(turn.at - waited)}.")
            yield from self._turn(turn)
            waited = turn.at if turn.until else waited

    def _turn(self, turn: Turn) -> Iterator[Sentence]:
        opening = _OPENINGS.get(turn.because)
        if opening:
            yield Sentence(turn.at, opening)
        tellings = [telling for telling in self.page.tellings if telling.turn == turn.number]
        if turn.step == 0:
            yield Sentence(turn.at, "Nobody had taken the page by the end of its line: it is owned, but unreached.")
        yield from (self._telling(telling) for telling in tellings if telling.why != NOBODY)
        if turn.until is None:
            yield Sentence(
                turn.at, f"Nobody could be told in this step ({self.named(turn.targets)}): the next came at once."
            )

    def _telling(self, telling: Telling) -> Sentence:
        if telling.target == EMERGENCY:
            text = f"The emergency contact {telling.person} was told, because nobody of the line was left."
            return Sentence(telling.at, text + self._receipt(telling))
        name = words.staff_name(self.program, telling.person)
        if not telling.told:
            why = words.WHY_NOT.get(telling.why, "they could not be told")
            return Sentence(telling.at, f"{name} was not told at {self._clock(telling.at)}, because {why}.")
        because = words.BECAUSE.get(telling.target, "the policy names them").format(campus=self._campus)
        text = f"{name} was told at {self._clock(telling.at)}, because {because}."
        return Sentence(telling.at, text + self._receipt(telling))

    def _receipt(self, telling: Telling) -> str:
        receipt = self.receipts.get((telling.turn, telling.person))
        if receipt is None:
            return ""
        if receipt.failed:
            return " The mail server refused the address for good."
        if receipt.sent_at is None:
            return " The mail has not left yet."
        seconds = max(0.0, (receipt.sent_at - receipt.queued_at).total_seconds())
        return f" The mail server took the message after {seconds:.1f} s."

    def answers(self) -> Iterator[Sentence]:
        for answer in self.page.answers:
            name = words.staff_name(self.program, answer.person)
            yield Sentence(answer.at, self._answer(name, answer))

    def _answer(self, name: str, answer: Answer) -> str:
        if answer.kind == "accepted":
            return self._accepted(name, answer)
        if answer.kind == "outcome":
            said = words.OUTCOMES.get(answer.reason, "wrote down what came of it")
            return f"{name} {said} at {self._clock(answer.at)}."
        return self._declined(name, answer)

    def _accepted(self, name: str, answer: Answer) -> str:
        page = self.page
        end = answer.at + timedelta(hours=page.policy.grant_hours)
        until = words.day_and_clock(self.program, page.cause.campus, end)
        accepted = f"{name} accepted at {self._clock(answer.at)}, and the telling stopped."
        return f"{accepted} That one matter is open to them until {until}."

    def _declined(self, name: str, answer: Answer) -> str:
        reason = words.DECLINED.get(answer.reason, "another reason")
        return f"{name} said at {self._clock(answer.at)} that they cannot take it: {reason}."

    def ahead(self, now: datetime) -> Iterator[Sentence]:
        page = self.page
        if page.state == State.ACCEPTED and page.contact_due and not page.contacted_at:
            if page.policy.line.contact_minutes:
                at = max(page.contact_due, now)
                yield Sentence(at, f"Unless the student is reached before {self._clock(at)}, this page opens again.")
            return
        if page.due_at is None or not page.open:
            return
        steps = page.policy.line.steps
        more = page.state == State.NOTIFYING and page.step < len(steps)
        targets = steps[page.step].targets if more else page.policy.line.unreached_targets
        at = max(page.due_at, now)
        yield Sentence(at, f"If nobody accepts before {self._clock(at)}, this goes to {self.named(targets)}.")

    def named(self, targets: tuple[str, ...]) -> str:
        """Return targets as a list in words."""
        return words.joined([words.TARGETS.get(target, target).format(campus=self._campus) for target in targets])

    @property
    def _campus(self) -> str:
        return words.campus_name(self.program, self.page.cause.campus)

    def _clock(self, at: datetime | None) -> str:
        return words.clock(self.program, self.page.cause.campus, at, seconds=True) if at else ""


_OPENINGS = {
    "declined": "Everybody just told had said that they cannot take it, so the next step came at once.",
    "failed": "No message of the step before had reached its address, so the next step came at once.",
    "reopened": "Nobody had been reached in time after the page was accepted, so it opened again.",
    "worsened": "The danger turned out graver, so the line of the graver level began.",
}


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return f"{minutes * 60:g} seconds"
    return "1 minute" if minutes == 1 else f"{minutes:g} minutes"
