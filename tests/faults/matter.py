"""One day's work at one campus, done by people who insist, and the account of what became of it.

Campuses are alike but for their names, so two of them must end with the same account, whatever happened at one.
"""

from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from deploy.local.databases import Connection
from shared.settings import Settings
from tests.faults.installation import PATIENCE, Installation
from tests.faults.rows import connected, rows
from tests.support.eventually import eventually

IN_DANGER = "He told his roommate that he is going to kill himself tonight and has the pills in his room."
WORRY = "She has been crying in class and says she feels low most days."
ASSAULT = "She told me that she was raped by another student after the party."
OPEN = [{"weekday": day, "opens": "00:00", "closes": "23:59"} for day in range(7)]
ALWAYS = [{"weekday": day, "starts": "00:00", "hours": 24.0} for day in range(7)]
STUDENTS = 2
SERVICES = ("intake", "cases", "notifications", "analytics")
# Rows of delivery itself, and of imports: how often something was tried is not what came of it.
_DELIVERY = {
    "outbox",
    "inbox",
    "dead_letters",
    "parked",
    "replica_ready",
    "idempotency_keys",
    "progress",
    "history",
    "imports",
}

_REFERRALS = """
    SELECT referral_id, state, decision, reason_code, family, level, found_by, sensitivity, status,
           match_basis, version, case_id IS NOT NULL AS has_case
    FROM referrals WHERE campus = $1
"""
_CASES = """
    SELECT array(SELECT referral_id FROM referrals WHERE referrals.case_id = cases.case_id) AS about,
           family, level, state, sensitivity, owner_id, student_id IS NOT NULL AS known,
           array(SELECT staff_id || ' ' || capacity FROM team_members AS member
                 WHERE member.case_id = cases.case_id ORDER BY 1) AS team
    FROM cases WHERE campus = $1
"""
_PAGES = """
    SELECT referral_id, function, state, addressees, case_id IS NOT NULL AS has_case, body ->> 'accepted_by' AS taken
    FROM pages WHERE campus = $1
"""
_DELIVERIES = """
    SELECT referral_id, deliveries.kind, deliveries.person, deliveries.state, deliveries.turn
    FROM deliveries JOIN pages ON pages.id = deliveries.page_id WHERE deliveries.campus = $1
"""
_NOTICES = "SELECT person, sum(bundled) FROM deliveries WHERE campus = $1 AND kind = 'notice' GROUP BY person"
_FIGURES = """
    SELECT kind, code, sensitivity, sum(count) FROM figures WHERE campus = $1 GROUP BY kind, code, sensitivity
"""
_LOADS = "SELECT staff_id, sensitivity, open_cases FROM caseloads WHERE campus = $1"
_COUNT = "SELECT '{table}' AS name, count(*) FROM {table} WHERE campus = $1"
# People may have asked twice, and two changes of a team may be told in one snapshot.
_EVENTS = """
    SELECT type, count(*) FROM history
    WHERE campus = $1 AND type NOT LIKE 'caselight.access.%' AND type NOT LIKE 'caselight.team%' GROUP BY type
"""
_WITH_CAMPUS = """
    SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND attname = 'campus'
"""
_MAILS = """
    SELECT referral_id, address, deliveries.id FROM deliveries JOIN pages ON pages.id = page_id
    WHERE deliveries.campus = $1
"""

Account = dict[str, Any]


@dataclass
class Matter:
    """What was brought at one campus: the ids of its referrals, in the order of the script, and the page taken."""

    campus: str
    referrals: list[UUID]

    def label(self, referral_id: UUID) -> int:
        """Return the place of a referral in the script; -1 for one that nobody brought."""
        return self.referrals.index(referral_id) if referral_id in self.referrals else -1


def document(*campuses: str) -> dict[str, Any]:
    """Return a program of campuses that differ in nothing but their names. No page escalates while a test runs."""
    long = {"wait_minutes": 600}
    line = {
        "steps": [{"targets": ["duty"], **long}, {"targets": ["system"], **long}],
        "unreached_targets": ["system"],
        "repeat_minutes": 600,
        "contact_minutes": 600,
    }
    wall = {"steps": [{"targets": ["titleix_coordinator"], **long}], "unreached_targets": ["titleix_deputy"]}
    paging = {"critical": line, "elevated": line, "titleix": wall | {"repeat_minutes": 600, "contact_minutes": None}}
    edition = {"edition": "faults-1", "effective_from": "2026-01-01T00:00:00Z", "values": paging}
    return {
        "campuses": [
            {"campus": campus, "name": f"Campus {campus}", "zone": "UTC", "hours": OPEN} for campus in campuses
        ],
        "staff": [
            _person("ada", "*", "administrator", "feed_manager"),
            *(
                _person(f"{campus}-{short}".lower(), campus, *roles)
                for campus in campuses
                for short, roles in _STAFF.items()
            ),
        ],
        "rotas": [
            {
                "campus": campus,
                "function": "duty",
                "zone": "UTC",
                "weekly": [{"staff_id": f"{campus}-duty".lower(), **shift} for shift in ALWAYS],
            }
            for campus in campuses
        ],
        "policies": [{"campus": "*", "name": "paging", "editions": [edition]}],
    }


_STAFF = {
    "duty": ("duty_officer",),
    "manager": ("case_manager", "triager"),
    "coordinator": ("titleix_coordinator",),
    "faculty": ("faculty",),
}


def _person(staff_id: str, campus: str, *roles: str) -> dict[str, Any]:
    return {
        "staff_id": staff_id,
        "name": staff_id.title(),
        "email": f"{staff_id}@staff.example.edu",
        "campus": campus,
        "roles": [{"name": role, "campus": campus} for role in roles],
    }


def roster(*campuses: str) -> str:
    """Return a file with the students of these campuses."""
    lines = ["student_id,campus_code,name,email"]
    for campus in campuses:
        lines += [f"{campus}-{n},{campus},Student {n},{campus}-{n}@students.example.edu" for n in range(STUDENTS)]
    return "\n".join(lines) + "\n"


def flags(campus: str) -> str:
    """Return a file of flags about one student, enough of them for the threshold rule."""
    lines = ["alert_id,campus_code,student_id,course_code,reason_code,severity,raised_at"]
    courses = enumerate(("BIO101", "MAT110", "BIO101", "ENG102"), 1)
    lines += [f"{campus}-{n},{campus},{campus}-0,{course},LATE_WORK,1,2026-09-0{n}T12:00:00Z" for n, course in courses]
    return "\n".join(lines) + "\n"


async def import_flags(at: Installation, campus: str) -> None:
    """Import the flags of a campus."""
    await at.upload("ada", f"/flags/imports?source={campus.lower()}", flags(campus))


async def work(at: Installation, campus: str) -> Matter:
    """Bring danger, two worries of one student, misconduct and somebody nobody knows; triage; take the danger page."""
    duty = f"{campus}-duty".lower()
    matter = Matter(campus, [])
    for about, words, more in (
        ({"student_id": f"{campus}-0"}, IN_DANGER, {"urgency": "emergency"}),
        ({"student_id": f"{campus}-1"}, WORRY, {"concerns": ["mood"]}),
        ({"student_id": f"{campus}-1"}, WORRY, {"concerns": ["mood"]}),
        ({"student_id": f"{campus}-1"}, ASSAULT, {"concerns": ["sexual_misconduct"]}),
        ({"description": "sits at the window"}, WORRY, {"concerns": ["mood"]}),
    ):
        body = {"campus": campus, "about": about, "narrative": words, "source_kind": "faculty", **more}
        receipt = await at.insist(f"{campus}-faculty".lower(), "intake", "/referrals", body)
        matter.referrals.append(UUID(receipt["referral_id"]))
    decision = {"decision": "open_case", "reason_code": "level"}
    for who, referral_id in (("coordinator", matter.referrals[3]), ("manager", matter.referrals[4])):
        path = f"/referrals/{referral_id}/triage"
        await at.insist(f"{campus}-{who}".lower(), "intake", path, decision, done_before=True)
    page = await page_of(at, duty, matter.referrals[0])
    await at.insist(duty, "notifications", f"/pages/{page}/accept", {}, done_before=True)
    return matter


async def page_of(at: Installation, person: str, referral_id: UUID) -> str:
    """Return the page of a referral once there is one."""

    async def found() -> str | None:
        pages = (await at.get(person, "notifications", f"/pages?referral_id={referral_id}"))["items"]
        return pages[0]["page_id"] if pages else None

    return str(await eventually(found, within=PATIENCE, every=0.1, why="there is a page"))


# --------------------------------------------------------------------------------------------------- the account


async def account(settings: Settings, matter: Matter) -> Account:
    """Return what became of a campus's matters, in words that do not name the campus."""
    async with AsyncExitStack() as open_:
        connections = {service: await open_.enter_async_context(connected(settings, service)) for service in SERVICES}
        ask = _Asker(connections, matter)
        return {
            "referrals": await ask.about("intake", _REFERRALS),
            "cases": await ask.about("cases", _CASES),
            "pages": await ask.about("notifications", _PAGES),
            "deliveries": await ask.about("notifications", _DELIVERIES),
            "notices": await ask.about("notifications", _NOTICES),
            "figures": await ask.about("analytics", _FIGURES),
            "caseloads": await ask.about("analytics", _LOADS),
            "events": await ask.about("analytics", _EVENTS),
            **await ask.counts(),
        }


@dataclass
class _Asker:
    connections: dict[str, Connection]
    matter: Matter

    async def about(self, service: str, query: str) -> list[tuple[Any, ...]]:
        found = await self.connections[service].fetch(query, self.matter.campus)
        return sorted((tuple(self._plain(value) for value in row) for row in found), key=repr)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, UUID):
            return self.matter.label(value)
        if isinstance(value, list):
            return tuple(sorted((self._plain(each) for each in value), key=repr))
        return value.replace(self.matter.campus.lower(), "campus") if isinstance(value, str) else value

    async def counts(self) -> dict[str, int]:
        """Count the rows of every table that names the campus: a row too many anywhere shows here."""
        counted: dict[str, int] = {}
        for service, connection in self.connections.items():
            named = [row["relname"] for row in await connection.fetch(_WITH_CAMPUS) if row["relname"] not in _DELIVERY]
            query = " UNION ALL ".join(_COUNT.format(table=table) for table in named)
            found = await connection.fetch(query, self.matter.campus)
            counted |= {f"rows of {service}.{row['name']}": row["count"] for row in found}
        return counted


async def given_up(settings: Settings) -> int:
    """Return how many events were given up or wait behind one that was, anywhere."""
    return sum([len(await rows(settings, service, "SELECT FROM dead_letters")) for service in SERVICES])


async def mails(at: Installation, matter: Matter) -> Counter[tuple[int, str]]:
    """Count the mails about pages of a matter, by referral and address; fails on one that is not under its own id."""
    known = {f"<{row['id']}@localhost>": row for row in await rows(at.settings, "notifications", _MAILS, matter.campus)}
    found: Counter[tuple[int, str]] = Counter()
    for mail in at.mail.mails():
        row = known.get(str(mail.content["Message-ID"]))
        if row is not None:
            found[matter.label(row["referral_id"]), row["address"].replace(matter.campus.lower(), "campus")] += 1
            assert mail.recipients == (row["address"],)
    return found
