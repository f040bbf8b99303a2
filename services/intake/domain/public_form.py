"""The public form: what may be answered, what is missing, and the referral that the answers make."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.intake.domain.referral_rows import LONGEST_DESCRIPTION, LONGEST_NARRATIVE
from services.intake.domain.referrals import About
from shared.events.codes import SourceKind, Urgency

ABOUT = ("other", "me", "unsure", "group")
# How somebody knows the person, and what that makes of them as a source.
RELATIONS: Mapping[str, str] = {
    "friend": SourceKind.PEER,
    "roommate": SourceKind.PEER,
    "classmate": SourceKind.PEER,
    "parent": SourceKind.PARENT,
    "instructor": SourceKind.FACULTY,
    "staff": SourceKind.STAFF,
    "other": SourceKind.OTHER,
}
URGENCIES: Mapping[str, str] = {
    "now": Urgency.EMERGENCY,
    "today": Urgency.URGENT,
    "week": Urgency.SOON,
    "no_rush": Urgency.ROUTINE,
}
# What it may be about, in the codes of concerns; on the form each is a plain sentence.
TOPICS = (
    "mood", "suicide", "threat", "sexual_misconduct", "substance", "physical_health", "bereavement", "finances",
    "missing_work", "roommate", "other",
)  # fmt: skip
LONGEST_LINE = 200
LONGEST_WHERE = LONGEST_DESCRIPTION - 2 * LONGEST_LINE
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,189}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
# Signs that show nothing, or that turn a line around; emoji keep what joins them.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff\n\t]")


@dataclass(frozen=True, slots=True)
class Fault:
    """A question that has to be answered again: its field, and the key of the words that say so."""

    field: str
    says: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody filled in. Lines are one line; `where` and `words` may be many. Unanswered is empty."""

    about: str = ""
    named: str = ""
    who: str = ""
    who_id: str = ""
    relation: str = ""
    where: str = ""
    words: str = ""
    urgency: str = ""
    topics: tuple[str, ...] = ()
    knows: str = ""
    your_name: str = ""
    your_email: str = ""
    your_phone: str = ""
    share: str = ""
    notices: bool = False
    comeback: bool = False

    @property
    def is_named(self) -> bool:
        """Whether the referrer says who they are."""
        return bool(self.your_name or self.your_email or self.your_phone)


def line(typed: str) -> str:
    """Return one line as it was typed, without what nobody sees in it."""
    return " ".join(_TURNING.sub(" ", text(typed)).split())


def text(typed: str) -> str:
    """Return text as it was typed, in one form of Unicode, without what cannot be stored or nobody sees in it."""
    return unicodedata.normalize("NFC", _UNSEEN.sub("", typed.replace("\r\n", "\n").replace("\r", "\n"))).strip()


def first_faults(answers: Answers, *, anonymous: bool) -> list[Fault]:
    """Return what is missing on the first page."""
    faults = [] if answers.about in ABOUT else [Fault("about", "fault_about")]
    if anonymous and answers.named not in ("yes", "no"):
        faults.append(Fault("named", "fault_named"))
    return faults


def faults(answers: Answers, *, anonymous: bool) -> list[Fault]:
    """Return what has to be answered again before it can be taken in, in the order of the page."""
    found = first_faults(answers, anonymous=anonymous)
    found += _words_faults(answers)
    found += [
        Fault(name, "fault_line")
        for name in ("who", "who_id", "your_name", "your_phone")
        if len(getattr(answers, name)) > LONGEST_LINE
    ]
    if len(answers.where) > LONGEST_WHERE:
        found.append(Fault("where", "fault_where"))
    if answers.your_email and not _EMAIL.fullmatch(answers.your_email):
        found.append(Fault("your_email", "fault_email"))
    if (answers.named == "yes" or not anonymous) and not answers.is_named:
        found.append(Fault("your_name", "fault_name" if anonymous else "fault_name_needed"))
    if answers.notices and not answers.your_email:
        found.append(Fault("your_email", "fault_notices"))
    return found


def _words_faults(answers: Answers) -> list[Fault]:
    if not answers.words:
        return [Fault("words", "fault_words")]
    return [Fault("words", "fault_words_long")] if len(answers.words) > LONGEST_NARRATIVE else []


def about(answers: Answers) -> About:
    """Return whom it is about, as far as the answers say: an id, an address, a name, or where to look."""
    if answers.about == "me":
        return About(_id(answers.who_id), answers.your_email.lower(), "", answers.your_name)
    email = answers.who_id.lower() if _EMAIL.fullmatch(answers.who_id) else ""
    number = "" if email else _id(answers.who_id)
    unread = "" if email or number else answers.who_id
    described = "\n".join(filter(None, (answers.where, unread)))
    return About(number, email, described, answers.who)


def source_kind(answers: Answers) -> str:
    """Return who brings it, in codes. Whoever gives no name is nobody in particular, however they know the person."""
    if answers.about == "me":
        return SourceKind.SELF.value
    if not answers.is_named:
        return SourceKind.ANONYMOUS.value
    return str(RELATIONS.get(answers.relation, SourceKind.OTHER))


def marks(answers: Answers) -> tuple[str, ...]:
    """Return the marks that follow from the answers."""
    known = {"yes": ("aware",), "no": ("unaware",)}.get(answers.knows, ())
    return (*(("group",) if answers.about == "group" else ()), *known)


def urgency(answers: Answers) -> str:
    """Return how soon somebody is asked to look, in codes."""
    return str(URGENCIES.get(answers.urgency, Urgency.ROUTINE))


def chosen(topics: Sequence[str]) -> tuple[str, ...]:
    """Return the topics that there are, once each."""
    return tuple(dict.fromkeys(topic for topic in topics if topic in TOPICS))


def _id(typed: str) -> str:
    return typed if _ID.fullmatch(typed) else ""
