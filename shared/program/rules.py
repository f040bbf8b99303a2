"""What the values of each policy mean, as types. Minutes, hours and days may be fractional where they are floats."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from shared.events.codes import Level
from shared.program.defaults import FIRST_RULE

Positive = Annotated[float, msgspec.Meta(gt=0, le=60 * 24 * 366)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Severity = Annotated[int, msgspec.Meta(ge=1, le=3)]
Week = Annotated[int, msgspec.Meta(ge=1, le=60)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]

# Whom a step of a page can name:
#   duty, duty_backup     the campus's rota `duty`, first and second in line
#   related_on_duty       the student's case manager, if at work (Program.at_work)
#   team                  the care team of the student's open case
#   director              holders of the role on the campus, then on the system
#   system, system_backup the rota `duty` of campus `*`
#   titleix_coordinator, titleix_deputy   holders of these roles; the only ones a Title IX line may name
TITLEIX_TARGETS = ("titleix_coordinator", "titleix_deputy")
TARGETS = (
    "duty",
    "duty_backup",
    "related_on_duty",
    "team",
    "director",
    "system",
    "system_backup",
    *TITLEIX_TARGETS,
)

Targets = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Rules(msgspec.Struct, frozen=True):
    """The values of one policy, typed."""

    NAME: ClassVar[str]

    @classmethod
    def modern(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return values of an edition, which may be years old, as they are written now."""
        return values


class Step(msgspec.Struct, frozen=True):
    """Tell these, all at once, and wait so long for an acceptance. With nobody to tell, the next step is now."""

    targets: Targets
    wait_minutes: Positive


class Line(msgspec.Struct, frozen=True):
    """How a page escalates.

    After the last step it is unreached: `unreached_targets` own it and are told at once and then every
    `repeat_minutes`. Contact is due `contact_minutes` after the acceptance; None sets no such clock.
    """

    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]
    unreached_targets: Targets
    repeat_minutes: Positive
    contact_minutes: Positive | None


class Paging(Rules, frozen=True):
    """Who is paged: by level for danger, and `titleix` for reports of sex-based misconduct."""

    NAME: ClassVar[str] = "paging"

    critical: Line
    elevated: Line
    titleix: Line


class OutreachDays(msgspec.Struct, frozen=True):
    """Business days until the first outreach, by level; None sets no clock."""

    critical: AtLeastOne | None
    elevated: AtLeastOne | None
    moderate: AtLeastOne | None
    mild: AtLeastOne | None
    none: AtLeastOne | None

    def of(self, level: Level) -> int | None:
        """Return the days for a level."""
        days: int | None = getattr(self, level.value)
        return days


class Clocks(Rules, frozen=True):
    """By when work is due. Hours are hours the campus is open (`Program.deadline`)."""

    NAME: ClassVar[str] = "clocks"

    triage_hours: Positive
    outreach_business_days: OutreachDays
    report_to_case_business_hours: Positive


class FlagRule(msgspec.Struct, frozen=True, kw_only=True):
    """Makes a referral of flags: at least `flags` in `days` x 24 h over `courses` courses (design §6).

    Only flags of `min_severity` and above count, of these `reasons` (all, where none is named) and none of
    `except_reasons`, raised from week `from_week` of their term to the end of week `to_week`; where a week is asked
    for, a flag of no known term does not count. `at_once`: one such flag is enough, whatever `flags`, `days` and
    `courses` say, and its referral waits for no capacity. `family` and `level` are what the referral is about and how
    grave. In mode `watch` a rule counts by itself and makes nothing.
    """

    name: Word
    family: str
    level: str
    flags: AtLeastOne = 1
    days: Positive = 21
    courses: AtLeastOne = 1
    min_severity: Severity = 1
    reasons: tuple[Reason, ...] = ()
    except_reasons: tuple[Reason, ...] = ()
    from_week: Week | None = None
    to_week: Week | None = None
    at_once: bool = False
    mode: Literal["active", "watch"] = "active"


class Threshold(Rules, frozen=True):
    """The rules over flags. At one instant those `at_once` come first, then in order; no flag is counted twice."""

    NAME: ClassVar[str] = "threshold"

    rules: Annotated[tuple[FlagRule, ...], msgspec.Meta(max_length=50)]

    @classmethod
    def modern(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return values as they are written now. Earlier editions say one rule, by itself: it is called `threshold`."""
        if not values or "rules" in values:
            return values
        return {"rules": [{**FIRST_RULE, **values}]}


class Term(msgspec.Struct, frozen=True):
    """A term by its code, from the day on which its first week begins until the day it ends, both included."""

    term: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    starts: date
    ends: date


class Terms(Rules, frozen=True):
    """When terms begin and end: what `from_week` and `to_week` of rules over flags count by."""

    NAME: ClassVar[str] = "terms"

    terms: Annotated[tuple[Term, ...], msgspec.Meta(max_length=200)]


class Capacity(Rules, frozen=True):
    """How many referrals of rules a campus can take in a week (from Monday); None sets no limit, for there is no norm.

    What comes beyond becomes an outreach list for each `cohort`; who has no outcome there after `refer_after_days`
    is referred after all.
    """

    NAME: ClassVar[str] = "capacity"

    referrals_per_week: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None
    cohort: Literal["section", "course", "term"]
    refer_after_days: Positive


class FlagLife(Rules, frozen=True):
    """After how many days a flag that nobody cleared expires; None: never."""

    NAME: ClassVar[str] = "flags"

    expire_after_days: Positive | None


class When(msgspec.Struct, frozen=True):
    """The conditions of a triage rule; all that are given must hold, and no condition holds always.

    A list holds when the referral's value is in it (`families`: its gravest family; `concerns`: any of its concerns).
    `min_level` and `max_level` are inclusive. `matched`: whether the student is known.
    """

    families: tuple[str, ...] = ()
    except_families: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    source_kinds: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    urgencies: tuple[str, ...] = ()
    min_level: str | None = None
    max_level: str | None = None
    matched: bool | None = None


class TriageRule(msgspec.Struct, frozen=True):
    """The first rule whose conditions hold decides; when none holds, a person does."""

    name: Word
    when: When
    decision: str
    reason_code: Word


class Triage(Rules, frozen=True):
    """The rules for the easy referrals, in order."""

    NAME: ClassVar[str] = "triage"

    rules: tuple[TriageRule, ...]


class Late(Rules, frozen=True):
    """What an import brings that happened longer ago than this wakes nobody (design §5)."""

    NAME: ClassVar[str] = "late"

    hours: Positive


class Grants(Rules, frozen=True):
    """How long accepting a page opens its one matter to the responder."""

    NAME: ClassVar[str] = "grants"

    hours: Positive


class EmergencyContacts(Rules, frozen=True):
    """Addresses that intake mails by itself when a danger referral cannot leave it."""

    NAME: ClassVar[str] = "emergency_contacts"

    email: tuple[Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)], ...]


class Assignment(Rules, frozen=True):
    """Whom a case may go to. `max_load`: open cases per 1.0 FTE, None for no ceiling; no norm exists."""

    NAME: ClassVar[str] = "assignment"

    max_load: Positive | None
    relation_months: AtLeastOne


class Closing(Rules, frozen=True):
    """When a case may close without the student having been reached, and be opened again."""

    NAME: ClassVar[str] = "closing"

    unreachable_attempts: AtLeastOne
    reopen_days: AtLeastOne


class ReferralForm(Rules, frozen=True):
    """The public form of a campus: whether it is open, what it takes, and the numbers on top of it."""

    NAME: ClassVar[str] = "referral_form"

    open: bool
    anonymous: bool
    attachments: bool
    office: Annotated[str, msgspec.Meta(max_length=200)]
    emergency: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    crisis: Annotated[str, msgspec.Meta(max_length=50)]
    exit_url: Annotated[str, msgspec.Meta(pattern=r"^https://[^\s]+$", max_length=200)]


_ALL: tuple[type[Rules], ...] = (
    Paging, Clocks, Threshold, Terms, Capacity, FlagLife, Triage, Late, Grants, EmergencyContacts, Assignment,
    Closing, ReferralForm,
)  # fmt: skip
RULES: dict[str, type[Rules]] = {rules.NAME: rules for rules in _ALL}
