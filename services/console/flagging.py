"""Flags, rules and outreach in words: what codes mean, and a rule as a sentence. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

REASONS = (
    ("ACADEMIC_CONCERN", "Academic concern"),
    ("ABSENCE", "Absences"),
    ("LATE_WORK", "Work came late"),
    ("MISSING_WORK", "Work is missing"),
    ("LOW_SCORE", "Low scores"),
    ("NEVER_ATTENDED", "Never came"),
    ("TARDINESS", "Comes late"),
    ("PERSONAL_CONCERN", "Personal concern"),
    ("OTHER", "Something else"),
)
SEVERITIES = (("1", "Low"), ("2", "Medium"), ("3", "High"))
STATES = (("", "Any"), ("open", "Open"), ("cleared", "Cleared"), ("expired", "Expired"))
CLEARED = (
    ("resolved", "It is resolved"),
    ("excused", "It was excused"),
    ("mistake", "It was a mistake"),
    ("withdrawn", "The student left the course"),
    ("duplicate", "It came twice"),
    ("other", "Another reason"),
)
_CLEARED = dict(CLEARED) | {
    "source": "Its source cleared it",
    "active": "The student was active again",
    "expired": "Nobody did anything in time",
}
FAMILIES = (
    ("academic", "Academic"),
    ("other", "Other"),
    ("life_event", "Life event"),
    ("basic_needs", "Basic needs"),
    ("community", "Community"),
    ("health", "Health"),
    ("safety_others", "Safety of others"),
    ("safety_self", "Safety of the student"),
)
LEVELS = (("mild", "Mild"), ("moderate", "Moderate"), ("elevated", "Elevated"), ("critical", "Critical"))
MODES = (("active", "Makes referrals"), ("watch", "Only watches"))
TEMPLATES = (
    ("check_in", "Checking in"),
    ("resources", "Help there is"),
    ("appointment", "An offer to talk"),
)
LANGUAGES = (("en", "English"), ("es", "Spanish"))
# The outcomes of an outreach list, by what follows from each.
OUTCOMES: tuple[tuple[str, Sequence[tuple[str, str]]], ...] = (
    (
        "That is enough",
        (
            ("student_responded", "Student responded"),
            ("appointment_scheduled", "Appointment scheduled"),
            ("problem_addressed", "Problem addressed"),
            ("problem_addressed_by_referral", "Referred to somebody who helps"),
            ("considering_future_services", "Considers services later"),
            ("assistance_declined", "Assistance declined"),
            ("not_an_early_alert_class", "Not an early-alert class"),
            ("duplicate_notice", "Duplicate notice"),
            ("other", "Other"),
        ),
    ),
    (
        "Still waiting",
        (
            ("waiting_for_response", "Waiting for a response"),
            ("letter_sent", "Letter sent"),
            ("pending", "Pending"),
        ),
    ),
    (
        "Needs a referral",
        (
            ("did_not_respond", "Did not respond"),
            ("unable_to_reach", "Unable to reach"),
            ("not_attending", "Not attending"),
            ("needs_a_case", "Needs a case"),
        ),
    ),
)
_OUTCOMES = {code: words for _, codes in OUTCOMES for code, words in codes} | {
    "no_outcome_in_time": "Nobody said anything in time"
}
_COUNTS = {1: "a flag", 2: "two flags", 3: "three flags"}
_RAMP = 5


def reason(code: str) -> str:
    """Return a reason in words; a code of a feed's own as it is written."""
    known = dict(REASONS).get(code.strip().upper().replace(" ", "_").replace("-", "_"))
    return known or code.replace("_", " ").capitalize()


def cleared(code: str) -> str:
    """Return why a flag needs nothing any more."""
    return _CLEARED.get(code, code)


def severity(number: int) -> str:
    """Return how grave a flag is."""
    return dict(SEVERITIES)[str(number)]


def outcome(code: str) -> str:
    """Return what came of asking a student."""
    return _OUTCOMES.get(code, code.replace("_", " "))


def place(flag: Mapping[str, Any]) -> str:
    """Return where a flag was raised: course and section."""
    course, section = flag["course"], flag["section"]
    return f"{course}, section {section}" if section and section != course else course or "No course"


def cohort(about: Mapping[str, Any]) -> str:
    """Return whom an outreach list gathers."""
    said = [about["course"], about["section"] and f"section {about['section']}", about["term"]]
    return ", ".join(filter(None, said)) or "No course"


def sentences(rule: Mapping[str, Any]) -> list[str]:
    """Return a rule in plain words."""
    reasons = [reason(code).lower() for code in rule.get("reasons", ())]
    what = f" for {_or(reasons)}" if reasons else ""
    grave = {2: " of medium or high gravity", 3: " of high gravity"}.get(rule.get("min_severity", 1), "")
    if rule.get("at_once"):
        found = [f"One flag{what}{grave} makes a referral at once, whatever the week can take."]
    else:
        flags, courses, days = rule.get("flags", 1), rule.get("courses", 1), rule.get("days", 21)
        where = f" in {courses} courses or more" if courses > 1 else ""
        number = _COUNTS.get(flags, f"{flags} flags")
        again, number = f"not again for {_number(days)} days", f"{number} or more{what}{grave}{where}"
        found = [f"When a student has {number} within {_number(days)} days, make one referral; {again}."]
    if rule.get("except_reasons"):
        found.append(f"{_or([reason(code) for code in rule['except_reasons']])} does not count.")
    first, last = rule.get("from_week"), rule.get("to_week")
    if first or last:
        found.append(f"Only flags from week {first or 1} {f'to week {last}' if last else 'on'} of the term count.")
    about = dict(FAMILIES).get(rule["family"], rule["family"]).lower()
    found.append(f"The referral is about: {about}, {rule['level']}.")
    if rule.get("mode") == "watch":
        found.append("It only watches: it counts by itself and makes nothing.")
    return found


def name(code: str) -> str:
    """Return a rule's name as a heading."""
    return code.replace("_", " ").capitalize()


def ramp(value: int, most: int) -> str:
    """Return the class that shades a figure among others up to `most`; none for nothing."""
    return f"cl-ramp-{max(1, -(-value * _RAMP // max(most, 1)))}" if value else ""


def instant(text: str) -> datetime:
    """Read an owner's time."""
    return datetime.fromisoformat(text)


def _or(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def _number(value: float) -> str:
    return f"{value:g}"
