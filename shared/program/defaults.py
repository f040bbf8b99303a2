"""The policies in force until an installation publishes its own: design §6, workflows §2. Plain JSON, in one place.

`rules.py` says what each key means. Where the field has no norm the value is empty or the mildest that still works.
"""

from typing import Any

from shared.events.program import Hours

SHIPPED = "shipped"

# Until a campus says when it is open.
SHIPPED_HOURS = tuple(Hours(weekday=day, opens="09:00", closes="17:00") for day in range(5))

_CRITICAL: dict[str, Any] = {
    "steps": [
        {"targets": ["duty", "related_on_duty"], "wait_minutes": 2},
        {"targets": ["duty_backup"], "wait_minutes": 2},
        {"targets": ["director"], "wait_minutes": 2},
        {"targets": ["system"], "wait_minutes": 2},
    ],
    "unreached_targets": ["system"],
    "repeat_minutes": 5,
    "contact_minutes": 30,
}
_ELEVATED: dict[str, Any] = {
    "steps": [
        {"targets": ["related_on_duty", "duty"], "wait_minutes": 10},
        {"targets": ["team"], "wait_minutes": 10},
        {"targets": ["duty_backup"], "wait_minutes": 10},
        {"targets": ["system"], "wait_minutes": 10},
    ],
    "unreached_targets": ["system"],
    "repeat_minutes": 10,
    "contact_minutes": 240,
}
# Behind the wall nobody else may be told, so the end of the line is the same two again. Danger in the same report
# pages the duty rota separately.
_TITLEIX: dict[str, Any] = {
    "steps": [
        {"targets": ["titleix_coordinator"], "wait_minutes": 60},
        {"targets": ["titleix_deputy"], "wait_minutes": 60},
    ],
    "unreached_targets": ["titleix_coordinator", "titleix_deputy"],
    "repeat_minutes": 60,
    "contact_minutes": None,
}

_TRIAGE_RULES: list[dict[str, Any]] = [
    {
        "name": "threshold_reached",
        "when": {"source_kinds": ["rule"], "except_families": ["misconduct_sex"]},
        "decision": "open_case",
        "reason_code": "threshold_reached",
    },
    {
        "name": "danger",
        "when": {"min_level": "elevated", "except_families": ["misconduct_sex"]},
        "decision": "open_case",
        "reason_code": "danger",
    },
    {
        "name": "known_student_from_staff",
        "when": {
            "source_kinds": ["faculty", "staff", "police"],
            "matched": True,
            "except_families": ["misconduct_sex", "other"],
        },
        "decision": "open_case",
        "reason_code": "concern_from_staff",
    },
    {
        "name": "known_student_asks",
        "when": {"source_kinds": ["self"], "matched": True, "except_families": ["misconduct_sex"]},
        "decision": "open_case",
        "reason_code": "student_asks",
    },
]

# What the one rule of an edition without a list of rules leaves out.
FIRST_RULE: dict[str, Any] = {
    "name": "threshold",
    "flags": 3,
    "days": 21,
    "courses": 2,
    "min_severity": 1,
    "family": "academic",
    "level": "mild",
}
# An instructor who worries about a person does not have to wait for two more flags (workflows §1).
_PERSONAL_CONCERN: dict[str, Any] = {
    "name": "personal_concern",
    "at_once": True,
    "reasons": ["PERSONAL_CONCERN"],
    "family": "other",
    "level": "moderate",
}

DEFAULTS: dict[str, dict[str, Any]] = {
    "paging": {"critical": _CRITICAL, "elevated": _ELEVATED, "titleix": _TITLEIX},
    "clocks": {
        "triage_hours": 8,
        "outreach_business_days": {"critical": 3, "elevated": 3, "moderate": 3, "mild": 3, "none": 3},
        "report_to_case_business_hours": 48,
    },
    "threshold": {"rules": [_PERSONAL_CONCERN, FIRST_RULE]},
    "terms": {"terms": []},
    "capacity": {"referrals_per_week": None, "cohort": "course", "refer_after_days": 7},
    "flags": {"expire_after_days": None},
    "triage": {"rules": _TRIAGE_RULES},
    "late": {"hours": 6},
    "grants": {"hours": 72},
    "emergency_contacts": {"email": []},
    "assignment": {"max_load": None, "relation_months": 24},
    # One school tries three times and waits three business days more before it closes; others set their own.
    "closing": {"unreachable_attempts": 3, "reopen_days": 30},
    "referral_form": {
        "open": True,
        "anonymous": True,
        "attachments": True,
        "office": "",
        "emergency": "911",
        "crisis": "988",
        "exit_url": "https://www.weather.gov/",
    },
}
