"""A case as its page shows it: words for codes, the time line, what can be chosen. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.console.reading import FAMILIES
from services.console.visit import Visit
from shared.web.ui.times import When, when

STATES = {
    "new": "New, nobody’s yet",
    "assigned": "Assigned",
    "outreach": "Trying to reach the student",
    "engaged": "In contact",
    "on_hold": "On hold",
    "closed": "Closed",
    "merged": "Combined into another case",
}
MODES = {
    "phone": "Phone", "email": "E-mail", "text": "Text message", "in_person": "In person", "video": "Video",
    "letter": "Letter", "portal": "Portal", "home_visit": "Home visit",
}  # fmt: skip
OUTCOMES = {
    "reached": "Reached", "no_answer": "No answer", "left_message": "Left a message", "replied": "Replied",
    "sent": "Sent", "declined": "Did not want to talk", "kept": "Came to the appointment", "no_show": "Did not come",
    "bounced": "Came back", "wrong_number": "Wrong number",
}  # fmt: skip
PARTIES = {
    "student": "The student", "parent": "A parent", "friend": "A friend", "faculty": "Faculty", "staff": "Staff",
    "provider": "A provider", "police": "Police", "other": "Somebody else",
}  # fmt: skip
KINDS = {"progress": "Progress", "consultation": "Consultation", "plan": "Plan", "clinical": "Clinical"}
AMEND_REASONS = {
    "correction": "Something was wrong",
    "addition": "Something was missing",
    "student_asked": "The student asked",
}
DECLINE_REASONS = {
    "conflict": "I know somebody in this", "capacity": "I have too many cases",
    "skill": "Somebody else knows this better", "language": "Another language is needed", "other": "Another reason",
}  # fmt: skip
REASSIGN_REASONS = {
    "capacity": "Too many cases", "skill": "Knows this better", "relation": "Knows the student", "absence": "Absence",
    "student_asked": "The student asked", "conflict": "Conflict of interest", "other": "Another reason",
}  # fmt: skip
HOLD_REASONS = {"leave": "On leave", "hospital": "In hospital", "break": "Academic break", "custody": "In custody"}
CLOSE_CODES = {
    "resolved": "The concern is resolved", "services_in_place": "Other services have taken over",
    "declined": "The student declined help", "unreachable": "The student could not be reached",
    "left_campus": "The student left the campus", "died": "The student died", "opened_in_error": "Opened in error",
}  # fmt: skip
CONTACT_OUTCOMES = {"reached": "Yes", "not_reached": "No", "not_needed": "It was not needed"}
REACHED = {
    "reached": "The student was reached.", "not_reached": "The student was not reached.",
    "not_needed": "Nobody had to reach the student.",
}  # fmt: skip
LEVELS = {
    "none": "No concern left",
    "mild": "Mild",
    "moderate": "Moderate",
    "elevated": "Elevated",
    "critical": "Critical",
}
REOPEN_REASONS = {
    "student_back": "The student is back", "new_concern": "There is a new concern",
    "closed_in_error": "Closed in error",
}  # fmt: skip
_CHANGES = {
    "assigned": "Given to somebody else", "accepted": "Accepted", "declined": "Declined", "held": "Put on hold",
    "resumed": "Work goes on", "closed": "Closed", "reopened": "Reopened", "combined": "Combined with another case",
    "kept_apart": "Kept apart from another case",
}  # fmt: skip
# Who owns a case now, and why, is said of the last of these.
_GIVING = ("assigned", "declined")
_CODES = DECLINE_REASONS | HOLD_REASONS | CLOSE_CODES | REOPEN_REASONS | REASSIGN_REASONS
_DECLINED = {
    "conflict": "Knows somebody in this", "capacity": "Has too many cases", "skill": "Somebody else knows this better",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One edition of a note."""

    text: str
    name: str
    at: When
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, as the time line shows it. A note carries its editions, the newest first."""

    kind: str
    title: str
    by: str
    happened_at: datetime
    at: When
    text: str = ""
    note_id: str = ""
    said: Sequence[Said] = ()
    restricted: bool = False


def timeline(visit: Visit, case: Mapping[str, Any], notes: Mapping[str, Any] | None) -> list[Entry]:
    """Return what happened, the newest first: contacts, signed notes, what people changed, and the beginning."""
    changes = notes["changes"] if notes is not None else ()
    given = [each for each in changes if each["how"] in _GIVING]
    entries = [_opened(visit, case, given_since=bool(given))]
    entries += [_contact(visit, each) for each in case["contact_log"] or ()]
    if notes is not None:
        entries += [_note(visit, each) for each in notes["notes"] if each["signed_at"]]
        entries += [_change(visit, each, case if given and each is given[-1] else None) for each in changes]
    return sorted(entries, key=lambda entry: entry.happened_at, reverse=True)


def drafts(notes: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the reader's own drafts, each with its `text`."""
    if notes is None:
        return []
    return [
        {**each, "text": each["editions"][-1]["text"] if each["editions"] else ""}
        for each in notes["notes"]
        if not each["signed_at"]
    ]


def colleagues(visit: Visit, case: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return whom a case can be given to, by name; behind the wall only coordinators and deputies."""
    roles = ("titleix_coordinator", "titleix_deputy") if case["sensitivity"] == "titleix" else ("case_manager",)
    held = {id_ for role in roles for id_ in visit.program.holders(role, case["campus"], visit.now)}
    found = [
        (id_, visit.staff_name(id_) + ("" if visit.program.present(id_, visit.now) else ", away"))
        for id_ in held
        if id_ != case["owner_id"]
    ]
    return sorted(found, key=lambda each: each[1])


def words(code: str | None) -> str:
    """Return a code in words, where nobody wrote better ones."""
    return FAMILIES.get(code or "") or (code or "").replace("_", " ").capitalize()


def _moment(visit: Visit, said: str) -> tuple[datetime, When]:
    moment = datetime.fromisoformat(said)
    return moment, when(moment, visit.now, visit.zone)


def _opened(visit: Visit, case: Mapping[str, Any], *, given_since: bool) -> Entry:
    why = "" if given_since else case["assignment_sentence"] or ""
    text = f"Given to {why}" if why and case["owner_id"] else why
    return Entry("", "Case opened", "", *_moment(visit, case["opened_at"]), text=text)


def _contact(visit: Visit, each: Mapping[str, Any]) -> Entry:
    tried = OUTCOMES.get(each["outcome_code"], words(each["outcome_code"]))
    whom = "" if each["with"] == "student" else f", {PARTIES.get(each['with'], 'somebody').lower()}"
    title = f"Contact: {tried.lower()}{whom}, {MODES.get(each['mode'], each['mode']).lower()}"
    return Entry("good" if each["two_way"] else "", title, visit.staff_name(each["by"]), *_moment(visit, each["at"]))


def _note(visit: Visit, each: Mapping[str, Any]) -> Entry:
    said = [
        Said(
            text=edition["text"],
            name=edition["name"],
            at=_moment(visit, edition["at"])[1],
            reason=AMEND_REASONS.get(edition["reason_code"], ""),
        )
        for edition in reversed(each["editions"])
    ]
    return Entry(
        "",
        f"{KINDS.get(each['kind'], words(each['kind']))} note",
        each["author_name"],
        *_moment(visit, each["signed_at"]),
        note_id=each["note_id"],
        said=said,
        restricted=each["restricted"],
    )


def _change(visit: Visit, each: Mapping[str, Any], given: Mapping[str, Any] | None) -> Entry:
    """Say what somebody changed. `given` is the case, where this is the last time that it was given to somebody."""
    code, how = each["code"], each["how"]
    said = _CHANGES.get(how, words(how))
    if how == "assigned" and given and given["owner_name"]:
        said = f"Given to {given['owner_name']}"
    why = (_DECLINED if how == "declined" else {}).get(code) or _CODES.get(code, words(code))
    by = "A rule" if each["by"] == "rule" else each["by"]
    return Entry("", said, by, *_moment(visit, each["at"]), text=why)
