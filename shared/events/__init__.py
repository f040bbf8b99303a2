"""Every event on every topic: the contracts between the services. One module per topic."""

from shared.events import access, cases, feeds, flags, outreach, pages, program, referrals, roster, teams
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
    "feeds",
    "flags",
    "outreach",
    "pages",
    "program",
    "referrals",
    "roster",
    "teams",
]
