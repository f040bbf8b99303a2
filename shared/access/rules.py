"""Who may do what, as a table. What it does not say is denied. `tests/access/matrix.yaml` says it again, by hand.

How to read a rule: `campus` are the roles that open *standard* matters of their campus; `wall` the roles that a
campus's Title IX wall lets in; `people` the ways of standing to one matter that open it whatever its sensitivity.
Nothing else opens anything that is not standard.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.access.actions import Action

TITLEIX_ROLES = frozenset({"titleix_coordinator", "titleix_deputy"})
STAFF_ROLES = TITLEIX_ROLES | {
    "case_manager", "supervisor", "director", "triager", "duty_officer", "feed_manager", "operator", "administrator",
    "privacy_officer",
}  # fmt: skip
# `faculty` is anybody signed in: it opens nothing that signing in does not.
ROLES = STAFF_ROLES | {"faculty"}


class Standing(StrEnum):
    """How somebody stands to one matter."""

    OWNER = "owner"
    TEAM = "team"
    GRANT = "grant"
    ADDRESSEE = "addressee"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table. `anybody` is every signed-in person, `staff` whoever holds a staff role anywhere.

    `service` and `link` say whether a service, or the bearer of a link addressed to them, may do it.
    """

    campus: frozenset[str] = frozenset()
    wall: frozenset[str] = frozenset()
    people: frozenset[Standing] = frozenset()
    anybody: bool = False
    staff: bool = False
    service: bool = False
    link: bool = False


def _rule(
    *campus: str,
    wall: bool = False,
    people: tuple[Standing, ...] = (),
    anybody: bool = False,
    staff: bool = False,
    service: bool = False,
    link: bool = False,
) -> Rule:
    walls = TITLEIX_ROLES if wall else frozenset()
    return Rule(frozenset(campus), walls, frozenset(people), anybody=anybody, staff=staff, service=service, link=link)


_TEAM = (Standing.OWNER, Standing.TEAM)
_MATTER = (Standing.OWNER, Standing.TEAM, Standing.GRANT)
_ADDRESSEE = (Standing.ADDRESSEE,)
_CARE = ("case_manager", "supervisor", "triager")
_FEEDS = ("feed_manager", "administrator")

RULES: dict[Action, Rule] = {
    Action.PROGRAM_READ: _rule(staff=True, service=True),
    Action.PROGRAM_CHANGE: _rule("administrator"),
    # That it is another person than who proposed it is the proposal's to know.
    Action.PROGRAM_APPROVE: _rule("administrator"),
    # ------------------------------------------------------------------------------------------------- intake
    Action.ROSTER_IMPORT: _rule(*_FEEDS),
    Action.FLAGS_IMPORT: _rule(*_FEEDS),
    Action.REFERRAL_IMPORT: _rule(*_FEEDS),
    Action.IMPORTS_READ: _rule(*_FEEDS),
    Action.FLAGS_LIST: _rule(*_CARE, "feed_manager", people=_MATTER),
    # An instructor raises a flag as anybody brings a referral, and learns nothing by it.
    Action.FLAGS_RAISE: _rule(anybody=True, service=True),
    Action.FLAGS_CLEAR: _rule(*_CARE, people=_TEAM),
    Action.FLAGS_REOPEN: _rule(*_CARE, people=_TEAM),
    # Counts of what rules did or would do; whose flags they are shows only to whom FLAGS_LIST lets in.
    Action.RULES_SIMULATE: _rule("administrator", "supervisor", "director"),
    Action.RULES_FIRINGS: _rule("administrator", "supervisor", "director"),
    Action.OUTREACH_LIST: _rule(*_CARE),
    Action.OUTREACH_MESSAGE: _rule(*_CARE),
    Action.OUTREACH_END: _rule(*_CARE),
    # The delivery worker asks for an address at the moment of sending, and at no other.
    Action.OUTREACH_RESOLVE: _rule(service=True),
    # The delivery worker turns an id into an address at the moment of sending, and at no other.
    Action.PEOPLE_RESOLVE: _rule(*_CARE, *TITLEIX_ROLES, wall=True, people=_MATTER, service=True),
    # To look somebody up by a name is to see what the name alone would show, and no more.
    Action.PEOPLE_FIND: _rule(*_CARE, *TITLEIX_ROLES, wall=True, people=_MATTER),
    Action.STUDENT_READ: _rule(*_CARE, *TITLEIX_ROLES, wall=True, people=_MATTER),
    Action.STUDENT_NAME: _rule(*_CARE),
    Action.STUDENT_MERGE: _rule("triager", "supervisor"),
    Action.STUDENT_READ_EMERGENCY: _rule("case_manager", "supervisor", people=_MATTER),
    Action.STUDENT_CHANGE_EMERGENCY: _rule("case_manager", "supervisor"),
    # 34 CFR 668.46(h): confidential, for authorized campus officials; working with the student is no reason.
    Action.STUDENT_READ_MISSING_PERSON: _rule("duty_officer", "supervisor"),
    Action.STUDENT_CHANGE_MISSING_PERSON: _rule("supervisor"),
    # Whoever stands before the public form is its link's addressee: nobody has to sign in to be heard.
    Action.REFERRAL_CREATE: _rule(anybody=True, service=True, link=True),
    # Before there is a case; see ATTACHED for afterwards.
    Action.REFERRAL_LIST: _rule("triager", wall=True, people=(Standing.GRANT,)),
    Action.REFERRAL_READ: _rule("triager", wall=True, people=(Standing.GRANT,)),
    Action.REFERRAL_READ_NARRATIVE: _rule("triager", wall=True, people=(Standing.GRANT,)),
    Action.REFERRAL_TRIAGE: _rule("triager", wall=True, service=True),
    Action.REFERRAL_MATCH: _rule("triager", wall=True, people=(Standing.GRANT,), service=True),
    # Whoever reads a referral may say where screening was wrong; word lists are the whole system's.
    Action.REFERRAL_CORRECT: _rule("triager", wall=True, people=(Standing.GRANT,)),
    Action.LEXICON_READ: _rule(staff=True),
    Action.LEXICON_CHANGE: _rule("administrator"),
    Action.REFERRAL_ASK: _rule("triager", wall=True, people=(Standing.GRANT,)),
    Action.REFERRAL_REDIRECT: _rule("triager", wall=True),
    Action.REFERRAL_SPLIT: _rule("triager", wall=True),
    Action.REFERRAL_RETRACT: _rule("triager", wall=True),
    Action.REFERRAL_REOPEN: _rule("triager", wall=True),
    # What a student may inspect is put together by whoever answers for privacy, behind the wall by the coordinator.
    Action.REFERRAL_INSPECT: _rule("privacy_officer", wall=True),
    # The referrer, known by a passphrase or a mailed link: how far it is, and a place to say more.
    Action.REFERRER_READ: _rule(link=True),
    Action.REFERRER_ADD: _rule(link=True),
    Action.REFERRER_RETRACT: _rule(link=True),
    # The delivery worker asks for an address at the moment of sending, and at no other.
    Action.REFERRER_RESOLVE: _rule(service=True),
    Action.FEED_LIST: _rule(*_FEEDS, people=(Standing.OWNER,)),
    Action.FEED_READ: _rule(*_FEEDS, people=(Standing.OWNER,)),
    Action.FEED_CHANGE: _rule(*_FEEDS),
    Action.FEED_TRY: _rule(*_FEEDS, people=(Standing.OWNER,)),
    # The feed itself, known by its token or its signature, for nothing but its own deliveries.
    Action.FEED_DELIVER: _rule(service=True, link=True),
    Action.QUARANTINE_LIST: _rule(*_FEEDS, people=(Standing.OWNER,)),
    # What was set aside may say anything about anybody: for whoever has to mend it, and for nobody else.
    Action.QUARANTINE_SHOW: _rule("feed_manager", people=(Standing.OWNER,)),
    Action.QUARANTINE_MEND: _rule("feed_manager", people=(Standing.OWNER,)),
    Action.QUARANTINE_REPLAY: _rule("feed_manager", people=(Standing.OWNER,)),
    Action.QUARANTINE_DISCARD: _rule("feed_manager", people=(Standing.OWNER,)),
    # -------------------------------------------------------------------------------------------------- cases
    Action.CASE_LIST: _rule(*_CARE, "director", wall=True, people=_MATTER),
    Action.CASE_READ: _rule(*_CARE, wall=True, people=_MATTER),
    Action.CASE_ASSIGN: _rule("supervisor", wall=True, service=True),
    Action.CASE_ACCEPT: _rule(people=(Standing.OWNER,)),
    Action.CASE_DECLINE: _rule(people=(Standing.OWNER,)),
    Action.CASE_RECORD_CONTACT: _rule("case_manager", "supervisor", wall=True, people=_MATTER),
    Action.CASE_COMBINE: _rule(*_CARE, wall=True, people=_TEAM),
    Action.CASE_HOLD: _rule("supervisor", wall=True, people=_TEAM),
    Action.CASE_CLOSE: _rule("supervisor", wall=True, people=_TEAM),
    # A note of kind `clinical` is decided about as clinical too, whatever the case is.
    Action.CASE_READ_NOTES: _rule("case_manager", "supervisor", wall=True, people=_MATTER),
    Action.CASE_WRITE_NOTE: _rule("case_manager", "supervisor", wall=True, people=_MATTER),
    # ------------------------------------------------------------------------------------------ notifications
    Action.PAGE_LIST: _rule("duty_officer", "supervisor", "director", "triager", wall=True, people=_ADDRESSEE),
    Action.PAGE_READ: _rule(
        "duty_officer", "supervisor", "director", "triager", wall=True, people=_ADDRESSEE, link=True
    ),
    Action.PAGE_WHY: _rule("duty_officer", "supervisor", "director", "triager", wall=True, people=_ADDRESSEE),
    # Accepting grants the matter, so nobody who was not told may accept: it would be a way to help oneself.
    Action.PAGE_ACCEPT: _rule(people=_ADDRESSEE, link=True),
    Action.PAGE_DECLINE: _rule(people=_ADDRESSEE, link=True),
    Action.PAGE_RECORD_OUTCOME: _rule(people=_ADDRESSEE),
    Action.LATE_REVIEW_LIST: _rule("duty_officer", "supervisor", wall=True, people=(Standing.OWNER,)),
    Action.LATE_REVIEW_FINISH: _rule("duty_officer", "supervisor", wall=True, people=(Standing.OWNER,)),
    # ---------------------------------------------------------------------------------------------- analytics
    Action.FIGURES_READ: _rule("director", "supervisor"),
    Action.CASELOAD_READ: _rule("director", "supervisor"),
    # ---------------------------------------------------------------------------------------------- operation
    Action.STATUS_READ: _rule("operator", "administrator"),
    Action.DEAD_LETTERS_LIST: _rule("operator", "administrator"),
    Action.DEAD_LETTERS_SHOW: _rule("operator"),
    Action.DEAD_LETTERS_RETRY: _rule("operator"),
    Action.DEAD_LETTERS_DISCARD: _rule("operator"),
}

# A referral that belongs to a case is read as the case is.
ATTACHED: dict[Action, Rule] = {
    Action.REFERRAL_LIST: _rule(*_CARE, wall=True, people=_MATTER),
    Action.REFERRAL_READ: _rule(*_CARE, wall=True, people=_MATTER),
    Action.REFERRAL_READ_NARRATIVE: _rule(*_CARE, wall=True, people=_MATTER),
    Action.REFERRAL_MATCH: _rule(*_CARE, wall=True, people=_MATTER, service=True),
    Action.REFERRAL_CORRECT: _rule(*_CARE, wall=True, people=_MATTER),
    Action.REFERRAL_ASK: _rule(*_CARE, wall=True, people=_MATTER),
}

# Where things of a kind are listed: who finds one there may be refused openly.
LISTINGS: dict[str, Action] = {
    "flags": Action.FLAGS_LIST,
    "outreach": Action.OUTREACH_LIST,
    "referral": Action.REFERRAL_LIST,
    "student": Action.STUDENT_READ,
    "case": Action.CASE_LIST,
    "page": Action.PAGE_LIST,
    "late_review": Action.LATE_REVIEW_LIST,
    "dead_letters": Action.DEAD_LETTERS_LIST,
    "feed": Action.FEED_LIST,
    "quarantine": Action.QUARANTINE_LIST,
}

# A duty grant shows a walled matter only as far as the danger goes.
ONLY_DANGER = "only_danger"
HIDE_PARTIES = "hide_parties"
# A director sees that a case is there and how it goes, and nothing of what it says.
METADATA_ONLY = "metadata_only"
# A refusal that must look as if there were nothing.
HIDE_EXISTENCE = "hide_existence"


def rule_for(action: Action, *, attached: bool) -> Rule:
    """Return the line of the table for an action; one that the table does not know is denied to everybody."""
    if attached and action in ATTACHED:
        return ATTACHED[action]
    return RULES.get(action, Rule())
