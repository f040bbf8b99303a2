"""The code sets that events carry and the rules between them. Sources: design §6, workflows §1-4.

They travel as text. A producer checks what it writes with `check`; a reader maps what it does not know.
"""

from enum import StrEnum


class Level(StrEnum):
    """How grave a concern is, mildest first."""

    NONE = "none"
    MILD = "mild"
    MODERATE = "moderate"
    ELEVATED = "elevated"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Place in the order of gravity, 0 for none."""
        return _LEVELS.index(self)

    @property
    def pages(self) -> bool:
        """Whether a level calls somebody rather than telling them."""
        return self.rank >= Level.ELEVATED.rank


_LEVELS = tuple(Level)


def level(code: str) -> Level:
    """Read a level; an unknown one counts as critical, because silence would be the worse mistake."""
    try:
        return Level(code)
    except ValueError:
        return Level.CRITICAL


class Family(StrEnum):
    """Families of concerns, gravest first. One open case per student, campus and family."""

    MISCONDUCT_SEX = "misconduct_sex"
    SAFETY_SELF = "safety_self"
    SAFETY_OTHERS = "safety_others"
    HEALTH = "health"
    LIFE_EVENT = "life_event"
    BASIC_NEEDS = "basic_needs"
    COMMUNITY = "community"
    ACADEMIC = "academic"
    OTHER = "other"

    @property
    def rank(self) -> int:
        """Place in the order of gravity, 0 the gravest."""
        return _FAMILIES.index(self)


_FAMILIES = tuple(Family)

FAMILY_OF_CONCERN: dict[str, Family] = {
    "sexual_misconduct": Family.MISCONDUCT_SEX,
    "partner_violence": Family.MISCONDUCT_SEX,
    "stalking": Family.MISCONDUCT_SEX,
    "suicide": Family.SAFETY_SELF,
    "self_harm": Family.SAFETY_SELF,
    "missing_person": Family.SAFETY_SELF,
    "threat": Family.SAFETY_OTHERS,
    "violence": Family.SAFETY_OTHERS,
    "weapon": Family.SAFETY_OTHERS,
    "hazing": Family.SAFETY_OTHERS,
    "child_abuse": Family.SAFETY_OTHERS,
    "mood": Family.HEALTH,
    "anxiety": Family.HEALTH,
    "physical_health": Family.HEALTH,
    "substance": Family.HEALTH,
    "eating": Family.HEALTH,
    "bereavement": Family.LIFE_EVENT,
    "trauma": Family.LIFE_EVENT,
    "family": Family.LIFE_EVENT,
    "legal": Family.LIFE_EVENT,
    "immigration": Family.LIFE_EVENT,
    "finances": Family.BASIC_NEEDS,
    "food": Family.BASIC_NEEDS,
    "housing": Family.BASIC_NEEDS,
    "roommate": Family.COMMUNITY,
    "discrimination": Family.COMMUNITY,
    "conduct": Family.COMMUNITY,
    "attendance": Family.ACADEMIC,
    "grades": Family.ACADEMIC,
    "missing_work": Family.ACADEMIC,
    "withdrawal": Family.ACADEMIC,
    "other": Family.OTHER,
}


def family_of(concern: str) -> Family:
    """Return the family a concern belongs to; one this release does not know is "other"."""
    return FAMILY_OF_CONCERN.get(concern, Family.OTHER)


def gravest_family(concerns: tuple[str, ...]) -> Family:
    """Return the gravest family among concerns; "other" when there are none."""
    return min((family_of(concern) for concern in concerns), key=lambda family: family.rank, default=Family.OTHER)


class SourceKind(StrEnum):
    """Who brought a referral."""

    SELF = "self"
    PEER = "peer"
    FACULTY = "faculty"
    STAFF = "staff"
    PARENT = "parent"
    POLICE = "police"
    ANONYMOUS = "anonymous"
    RULE = "rule"
    OTHER = "other"


class Channel(StrEnum):
    """How a referral came."""

    FORM = "form"
    API = "api"
    FILE = "file"
    WEBHOOK = "webhook"
    TOPIC = "topic"
    PHONE = "phone"
    RULE = "rule"


class Urgency(StrEnum):
    """What the referrer says about urgency."""

    ROUTINE = "routine"
    SOON = "soon"
    URGENT = "urgent"
    EMERGENCY = "emergency"


class Decision(StrEnum):
    """What triage made of a referral. `triage_due` means a person still has to decide."""

    OPEN_CASE = "open_case"
    ATTACH = "attach"
    WATCH = "watch_no_case"
    REDIRECT = "redirect"
    DUPLICATE = "duplicate"
    NOT_OURS = "not_our_student"
    SPAM = "spam"
    TRIAGE_DUE = "triage_due"
