"""A referral in words: what screening found in it, marked where it stands; who told; what happened; what may become."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Said = Mapping[str, Any]
# (text, kind of hit or "", its number) as the macro `narrative` takes them.
Part = tuple[str, str, int]

WORDS = {
    "danger_imminent": "imminent danger",
    "danger": "danger",
    "missing_person": "missing person",
    "child_abuse": "child abuse",
    "sex_based_misconduct": "sex-based misconduct",
    "hazing": "hazing",
}
_TIMES = "\u00d7"
_KIND = {"danger_imminent": "danger", "danger": "danger", "hazing": "other"}
# Gravest first: of several at one place that one is shown.
_ORDER = tuple(WORDS)

CONCERNS = {
    "sexual_misconduct": "Sexual misconduct", "partner_violence": "Partner violence", "stalking": "Stalking",
    "suicide": "Suicide", "self_harm": "Self-harm", "missing_person": "Missing person", "threat": "Threat",
    "violence": "Violence", "weapon": "Weapon", "hazing": "Hazing", "child_abuse": "Child abuse", "mood": "Mood",
    "anxiety": "Anxiety", "physical_health": "Physical health", "substance": "Substance use", "eating": "Eating",
    "bereavement": "Grief", "trauma": "Trauma", "family": "Family", "legal": "Legal", "immigration": "Immigration",
    "finances": "Money", "food": "Food", "housing": "Housing", "roommate": "Roommate",
    "discrimination": "Discrimination", "conduct": "Conduct", "attendance": "Attendance", "grades": "Grades",
    "missing_work": "Missing work", "withdrawal": "Withdrawal", "other": "Other",
}  # fmt: skip
FAMILIES = {
    "misconduct_sex": "Sex-based misconduct", "safety_self": "Safety of the student",
    "safety_others": "Safety of others", "health": "Health", "life_event": "Life event", "basic_needs": "Basic needs",
    "community": "Community", "academic": "Academic", "other": "Other",
}  # fmt: skip
SOURCES = {
    "self": "The student", "peer": "Another student", "faculty": "Faculty", "staff": "Staff", "parent": "Parent",
    "police": "Police", "anonymous": "Anonymous", "rule": "Rule over flags", "other": "Somebody else",
}  # fmt: skip
CHANNELS = {
    "form": "form", "api": "staff form", "file": "file", "webhook": "feed", "topic": "feed", "phone": "phone",
    "rule": "",
}  # fmt: skip
RATINGS = (
    ("mild", "Mild", "1"), ("moderate", "Moderate", "2"), ("elevated", "Elevated", "3"), ("critical", "Critical", "4"),
)  # fmt: skip
LEVELS = {code: words for code, words, _ in RATINGS}
DECISIONS = (
    ("attach", "Add to open case", "a"),
    ("open_case", "Open a case", "o"),
    ("watch_no_case", "Watch", "w"),
    ("redirect", "Send elsewhere", "s"),
    ("duplicate", "Duplicate", "d"),
    ("not_our_student", "Not ours", "n"),
)
STATES = {
    "matching": "Not matched yet",
    "triage_due": "Waits for a decision",
    "triaged": "Decided",
    "retracted": "Taken back",
}
DECIDED = {
    "attach": "added to the open case",
    "open_case": "a case was opened",
    "watch_no_case": "watched, no case",
    "redirect": "sent elsewhere",
    "duplicate": "a duplicate",
    "not_our_student": "not ours",
    "spam": "thrown away as spam",
}
# Reasons for each decision, the first of which is meant where nobody names one. Where to send is a reason that must be
# named.
REASONS: dict[str, tuple[tuple[str, str], ...]] = {
    "attach": (("same_concern", "Same concern as the case"), ("new_information", "New information about it")),
    "open_case": (("new_concern", "A new concern"), ("needs_outreach", "Somebody should reach out")),
    "watch_no_case": (
        ("nothing_more_known", "Nothing more is known yet"),
        ("helped_already", "Somebody helps already"),
        ("outreach", "Somebody asks the student: to the outreach list"),
    ),
    "redirect": (
        ("conduct", "To student conduct"),
        ("human_resources", "To human resources"),
        ("police", "To campus police"),
        ("housing", "To housing"),
        ("disability", "To disability services"),
        ("counseling", "To counseling"),
        ("dean", "To the dean"),
        ("other_office", "To another office"),
    ),
    "duplicate": (("same_matter", "Says what another one says"),),
    "not_our_student": (("not_enrolled", "Not a student here"), ("spam", "Spam: throw it away")),
}
MUST_RATE = frozenset({"attach", "open_case", "watch_no_case"})
VERDICTS = {
    "right": "Screening was right",
    "not_danger": "Not danger",
    "danger_missed": "Danger was missed",
    "misconduct_missed": "Sex-based misconduct was missed",
}


@dataclass(frozen=True, slots=True)
class Narrative:
    """What was written, cut at the hits, and what each hit is: (number, word, what, word list)."""

    parts: Sequence[Part]
    hits: Sequence[tuple[int, str, str, str]]
    denied: Sequence[str]
    screened_with: str
    only_danger: bool


def narrative_of(said: Said) -> Narrative:
    """Cut a narrative at its hits. Negated ones stay plain text, and are named below."""
    text: str = said["narrative"]
    parts, hits, place = list[Part](), list[tuple[int, str, str, str]](), 0
    for number, hit in enumerate(_shown(said["hits"]), start=1):
        start, end, category = hit["start"], hit["end"], hit["category"]
        parts += [(text[place:start], "", 0), (text[start:end], _KIND.get(category, "urgent"), number)]
        edition = str(hit.get("edition") or said["screened_with"])
        hits.append((number, text[start:end], str(WORDS.get(category, category)), edition))
        place = end
    parts.append((text[place:], "", 0))
    return Narrative(
        parts=[part for part in parts if part[0]],
        hits=hits,
        denied=list(dict.fromkeys(text[hit["start"] : hit["end"]] for hit in said["hits"] if hit["negated"])),
        screened_with=said["screened_with"],
        only_danger=said["only_danger"],
    )


def _shown(hits: Iterable[Said]) -> Iterator[Said]:
    """Yield the hits to mark: none within another, the gravest first where several begin at one place."""
    place = 0
    meant = (hit for hit in hits if not hit["negated"])
    for hit in sorted(meant, key=lambda hit: (hit["start"], _grave(hit["category"]), -hit["end"])):
        if hit["start"] >= place:
            place = hit["end"]
            yield hit


def _grave(category: str) -> int:
    return _ORDER.index(category) if category in _ORDER else len(_ORDER)


def found_in(row: Said) -> tuple[str, str]:
    """Return the mark of a row of the desk, (words, kind): danger and how often, what else was found, or "No hits"."""
    hits: Mapping[str, int] = row["hits"]
    danger = hits.get("danger", 0) + hits.get("danger_imminent", 0)
    if danger or in_danger(row):
        return (f"Danger {_TIMES}{danger}" if danger else "Danger"), "danger"
    if not hits:
        return "No hits", ""
    category = min(hits, key=_grave)
    return f"{WORDS.get(category, category).capitalize()} {_TIMES}{hits[category]}", "strong"


def in_danger(referral: Said) -> bool:
    """Whether somebody is called for it."""
    return referral["level"] in ("elevated", "critical")


def concerns_of(referral: Said) -> str:
    """Return concerns in words: "Mood, self-harm"."""
    codes = referral["concerns"] or ()
    return ", ".join(CONCERNS.get(code, code.replace("_", " ")).lower() for code in codes).capitalize() or "–"


def source_of(referral: Said) -> str:
    """Return who brought it and how: "Faculty, form"."""
    who = SOURCES.get(referral["source_kind"] or "", "Somebody")
    how = CHANNELS.get(referral["channel"], referral["channel"])
    return f"{who}, {how}" if how else who


def reason_for(decision: str, chosen: str) -> str:
    """Return the reason to give: what was chosen if it is one of this decision, else its first."""
    known = [code for code, _ in REASONS.get(decision, ())]
    return chosen if chosen in known else known[0] if known and decision != "redirect" else ""


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened to a referral."""

    at: datetime
    title: str
    by: str = ""
    kind: str = ""
    text: str = ""


_TURNS = {
    "redirected": "Sent elsewhere", "duplicate_of": "Named a duplicate", "split_from": "Split from another referral",
    "split_into": "Split by person", "moved_to": "Given to another campus", "moved_from": "Came from another campus",
    "retracted": "Taken back", "reopened": "Opened again",
}  # fmt: skip
_MESSAGES = {"question": "Asked the referrer", "answer": "The referrer answered", "addition": "The referrer added"}


def happened(referral: Said, thread: Said | None, corrections: Sequence[Said], pages: Sequence[Said]) -> list[Happened]:
    """Return what happened to a referral, the newest first. `by` holds staff ids, or "" for nobody of the staff."""
    found = [Happened(_at(referral["received_at"]), "Received", text=source_of(referral))]
    if referral["triaged_at"]:
        words = DECIDED.get(referral["decision"], referral["decision"])
        found.append(Happened(_at(referral["triaged_at"]), f"Decided: {words}", referral["decided_by"], "good"))
    for page in pages:
        kind = "danger" if page["function"] == "danger" else ""
        found.append(Happened(_at(page["raised_at"]), f"Page {page['reference']} went out", kind=kind))
        if page["accepted_at"]:
            found.append(Happened(_at(page["accepted_at"]), "Page accepted", page["accepted_by"] or "", "good"))
    found += [Happened(_at(each["made_at"]), VERDICTS[each["verdict"]], each["made_by"]) for each in corrections]
    if thread is not None:
        found += [
            Happened(_at(each["written_at"]), _MESSAGES[each["kind"]], each["author_id"]) for each in thread["messages"]
        ]
        found += [
            Happened(_at(each["done_at"]), _TURNS.get(each["kind"], each["kind"]), each["done_by"])
            for each in thread["turns"]
        ]
    return sorted(found, key=lambda each: each.at, reverse=True)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
