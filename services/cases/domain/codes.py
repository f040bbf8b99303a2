"""The code sets of cases. Sources: workflows §2; stored as text with the same CHECK."""

from enum import StrEnum

from shared.events.codes import Family, Level

TITLEIX = "titleix"

_RANKS = {level.value: level.rank for level in Level}


class State(StrEnum):
    """How far the work on a case has come."""

    NEW = "new"
    ASSIGNED = "assigned"
    OUTREACH = "outreach"
    ENGAGED = "engaged"
    ON_HOLD = "on_hold"
    CLOSED = "closed"
    MERGED = "merged"

    @property
    def is_open(self) -> bool:
        """Whether there is work to do, now or after a hold. One open case per student, campus and family."""
        return self not in (State.CLOSED, State.MERGED)


class HoldReason(StrEnum):
    """Why work on a case rests for a time."""

    LEAVE = "leave"
    HOSPITAL = "hospital"
    BREAK = "break"
    CUSTODY = "custody"


class CloseCode(StrEnum):
    """How the work on a case ended."""

    RESOLVED = "resolved"
    SERVICES_IN_PLACE = "services_in_place"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    LEFT_CAMPUS = "left_campus"
    DIED = "died"
    OPENED_IN_ERROR = "opened_in_error"


class ContactOutcome(StrEnum):
    """Whether the student was reached: closed is not the same as contacted."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    NOT_NEEDED = "not_needed"


class ReopenReason(StrEnum):
    """Why work on a closed case goes on."""

    STUDENT_BACK = "student_back"
    NEW_CONCERN = "new_concern"
    CLOSED_IN_ERROR = "closed_in_error"


class AmendReason(StrEnum):
    """Why a note says something else now."""

    CORRECTION = "correction"
    ADDITION = "addition"
    STUDENT_ASKED = "student_asked"


class NoteKind(StrEnum):
    """What a note is about. `clinical` ones are for clinical staff."""

    PROGRESS = "progress"
    CONSULTATION = "consultation"
    PLAN = "plan"
    CLINICAL = "clinical"


class Chosen(StrEnum):
    """Why a case went to whom it went, or to nobody."""

    LAST_OWNER = "last_owner"
    ADVISOR = "advisor"
    COVER = "cover"
    LOAD = "load"
    TITLEIX_COORDINATOR = "titleix_coordinator"
    TITLEIX_DEPUTY = "titleix_deputy"
    PERSON = "person"
    NO_STUDENT = "nobody_student_unknown"
    NO_STAFF = "nobody_on_staff"
    NOBODY_AVAILABLE = "nobody_available"


class Mode(StrEnum):
    """How somebody was contacted."""

    EMAIL = "email"
    PHONE = "phone"
    TEXT = "text"
    VIDEO = "video"
    IN_PERSON = "in_person"
    LETTER = "letter"
    PORTAL = "portal"
    HOME_VISIT = "home_visit"


class Direction(StrEnum):
    """Who began."""

    OUT = "out"
    IN = "in"


class Outcome(StrEnum):
    """What came of a contact."""

    REACHED = "reached"
    REPLIED = "replied"
    KEPT = "kept"
    DECLINED = "declined"
    LEFT_MESSAGE = "left_message"
    SENT = "sent"
    NO_ANSWER = "no_answer"
    NO_SHOW = "no_show"
    BOUNCED = "bounced"
    WRONG_NUMBER = "wrong_number"

    @property
    def answered(self) -> bool:
        """Whether the other side took part. Saying no is taking part."""
        return self in (Outcome.REACHED, Outcome.REPLIED, Outcome.KEPT, Outcome.DECLINED)


class Party(StrEnum):
    """With whom a contact was."""

    STUDENT = "student"
    PARENT = "parent"
    FRIEND = "friend"
    FACULTY = "faculty"
    STAFF = "staff"
    PROVIDER = "provider"
    POLICE = "police"
    OTHER = "other"


class DeclineReason(StrEnum):
    """Why an owner cannot take a case. A conflict is never explained further."""

    CONFLICT = "conflict"
    CAPACITY = "capacity"
    SKILL = "skill"
    LANGUAGE = "language"
    OTHER = "other"


class ReassignReason(StrEnum):
    """Why a person gives a case to somebody else."""

    CAPACITY = "capacity"
    SKILL = "skill"
    RELATION = "relation"
    ABSENCE = "absence"
    STUDENT_ASKED = "student_asked"
    CONFLICT = "conflict"
    OTHER = "other"


class Resolution(StrEnum):
    """What a person decided about two cases that may be one."""

    COMBINE = "combine"
    KEEP_APART = "keep_apart"


def walled(family: str, sensitivity: str) -> bool:
    """Return whether a matter belongs behind the Title IX wall. An unknown sensitivity was made titleix on arrival."""
    return sensitivity == TITLEIX or family == Family.MISCONDUCT_SEX


def graver(one: str, than: str) -> bool:
    """Return whether one level is graver than another. Levels are read, and unknown ones made critical, on arrival."""
    return _RANKS[one] > _RANKS[than]
