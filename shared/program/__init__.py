"""The program as every service sees it: who works where, who is on duty, under which rules, open at which hours.

A pure view over the snapshots of topic `program`. `load_program` reads it from the service's own replica.
"""

from shared.program.calendar import Calendar
from shared.program.defaults import DEFAULTS, SHIPPED
from shared.program.policies import Policy, read
from shared.program.rules import (
    RULES,
    TARGETS,
    Assignment,
    Capacity,
    Clocks,
    Closing,
    EmergencyContacts,
    FlagRule,
    Grants,
    Late,
    Line,
    Paging,
    Step,
    Term,
    Threshold,
    Triage,
    TriageRule,
    When,
)
from shared.program.store import load_program
from shared.program.view import Program

__all__ = [
    "DEFAULTS",
    "RULES",
    "SHIPPED",
    "TARGETS",
    "Assignment",
    "Calendar",
    "Capacity",
    "Clocks",
    "Closing",
    "EmergencyContacts",
    "FlagRule",
    "Grants",
    "Late",
    "Line",
    "Paging",
    "Policy",
    "Program",
    "Step",
    "Term",
    "Threshold",
    "Triage",
    "TriageRule",
    "When",
    "load_program",
    "read",
]
