"""Rows and records of the size the product's have, without its code."""

import json


def payload(number: int) -> bytes:
    """Return about 450 bytes of JSON, what an event of a referral weighs."""
    return json.dumps(
        {
            "campus": "NORTH",
            "sensitivity": "standard",
            "sequence": 1,
            "referral_id": f"0192{number:08x}-0000-7000-8000-000000000000",
            "reference": "K7Q-2M4X-9RTD",
            "student_id": f"0192{number:08x}-0000-7000-8000-000000000001",
            "live": True,
            "source_kind": "faculty",
            "channel": "file",
            "concerns": ["mood", "finances"],
            "level": "moderate",
            "urgency": "soon",
            "received_at": "2026-09-14T09:00:00Z",
            "happened_at": "2026-09-14T08:30:15.250000Z",
        }
    ).encode()
