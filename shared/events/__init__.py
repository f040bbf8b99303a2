"""Every event on every topic: the contracts between the services. One module per topic."""

from shared.events import access, cases, flags, outreach, pages, program, referrals, roster, teams
from shared.events.base import COMPACTED, SENSITIVITIES, STRICTEST, TOPICS, Envelope, Event, Snapshot, Topic, catalogue

__all__ = [
    "COMPACTED",
    "SENSITIVITIES",
    "STRICTEST",
    "TOPICS",
    "Envelope",
    "Event",
    "Snapshot",
    "Topic",
    "access",
    "cases",
    "catalogue",
    "flags",
    "outreach",
    "pages",
    "program",
    "referrals",
    "roster",
    "teams",
]
