"""Events as learning systems send them, with invented people: a shape is the sender's, every value is made up."""

import json
from typing import Any

from joserfc import jws
from joserfc.jwk import KeySet, RSAKey

CANVAS = "com.instructure.canvas"
DROPPED = ("203.0.113.9", "Firefox", "sora@example.edu", "lms.example.edu/courses", "I could not finish")


def canvas_event(name: str = "grade_change", *, body: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "event_name": name,
            "event_time": "2026-09-14T10:30:00.250Z",
            "request_id": "6f3b1d1e-0000-4000-8000-000000000001",
            "producer": "canvas",
            "root_account_uuid": "madeUpAccount",
            "user_id": "21070000000000987",
            "user_sis_id": "T-456",
            "user_login": "sora@example.edu",
            "context_type": "Course",
            "context_id": "21070000000000565",
            "context_sis_source_id": "BIO-101-1",
            "context_role": "TeacherEnrollment",
            "client_ip": "203.0.113.9",
            "user_agent": "Firefox",
            "url": "https://lms.example.edu/courses/565/gradebook",
            "session_id": "ef686f8ed684abf78cbfa1f6a58112b5",
        }
        | metadata,
        "body": {
            "assignment_id": "21070000000000355",
            "grade": "41",
            "grader_id": "21070000000000987",
            "old_score": 70,
            "points_possible": 100,
            "score": 41.5,
            "student_id": "21070000000000048",
            "student_sis_id": "P-1001",
            "submission_id": "21070000000011086",
            "user_id": "21070000000000048",
        }
        if body is None
        else body,
    }


def caliper_event(**more: Any) -> dict[str, Any]:
    return {
        "@context": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "id": "urn:uuid:319f0132-0584-4efd-9489-000000000001",
        "type": "GradeEvent",
        "profile": "GradingProfile",
        "actor": {"id": "urn:lms:user:987", "type": "Person"},
        "action": "Graded",
        "object": {
            "id": "urn:lms:submission:11086",
            "type": "Attempt",
            "assignee": {
                "id": "urn:lms:user:48",
                "type": "Person",
                "name": "Sora Example",
                "otherIdentifiers": [
                    {"type": "SystemIdentifier", "identifierType": "SisSourcedId", "identifier": "P-1001"},
                    {
                        "type": "SystemIdentifier",
                        "identifierType": "EmailAddress",
                        "identifier": "sora.e@example.edu",
                    },
                ],
            },
        },
        "generated": {"id": "urn:lms:score:1", "type": "Score", "maxScore": 100, "scoreGiven": 41.5},
        "group": {"id": "urn:lms:course:565", "type": "CourseSection", "courseNumber": "BIO-101-1"},
        "eventTime": "2026-09-14T10:30:00.250Z",
        "session": {"id": "urn:lms:session:ef686f8e", "client": {"ipAddress": "203.0.113.9", "userAgent": "Firefox"}},
        "extensions": {CANVAS: {"client_ip": "203.0.113.9", "user_login": "sora@example.edu"}},
    } | more


def login_event(actor: dict[str, Any], at: str, **more: Any) -> dict[str, Any]:
    """Return a sign-in as Caliper 1.2 tells it: of whom, and when."""
    return {
        "@context": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "id": "urn:uuid:fcd495d0-3740-4298-9bec-1154571dc211",
        "type": "SessionEvent",
        "profile": "SessionProfile",
        "actor": actor,
        "action": "LoggedIn",
        "object": {"id": "https://lms.example.edu", "type": "SoftwareApplication"},
        "session": {"id": "urn:lms:session:1", "type": "Session", "client": {"ipAddress": "203.0.113.9"}},
        "eventTime": at,
    } | more


def envelope(*events: Any, **more: Any) -> dict[str, Any]:
    return {
        "sensor": "https://lms.example.edu/sensor",
        "sendTime": "2026-09-14T10:30:02.000Z",
        "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "data": list(events),
    } | more


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


class Signer:
    """A sender with keys: the previous, the current and the next one, all published."""

    def __init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}) for kid in ("previous", "current", "next")]

    def published(self) -> dict[str, Any]:
        return dict(KeySet(list(self.keys)).as_dict(private=False))

    def sign(self, value: Any, key: int = 1, **header: Any) -> bytes:
        return self.sign_bytes(as_bytes(value), key, **header)

    def sign_bytes(self, body: bytes, key: int = 1, **header: Any) -> bytes:
        head = {"alg": "RS256", "kid": self.keys[key].kid} | header
        return jws.serialize_compact(head, body, self.keys[key]).encode()
