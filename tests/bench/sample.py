"""What the benchmarks bring in: a program, a roster, flags and referrals, the same in every run."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.local.installation import ADMINISTRATOR

_BEGIN = datetime(2026, 8, 24, 12, tzinfo=UTC)
_ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
_ALWAYS = {"weekday": 0, "starts": "00:00", "hours": 168}
_WORDS = (
    "She has missed three labs and told me the rent is two months behind. She works nights and sleeps in her car "
    "between shifts. I would like somebody to call her this week; she said that she would be glad of it."
)
DANGER = "He wrote in his essay that he wants to kill himself tonight. I could not reach him by phone."


def campus(number: int) -> str:
    """Return the code of a campus."""
    return f"C{number:03}"


def program(campuses: int, managers: int) -> dict[str, Any]:
    """Return a program: each campus with somebody on duty round the clock and `managers` who take cases.

    Nobody is called a second time while a benchmark runs.
    """
    codes = [campus(number) for number in range(campuses)]
    steps = [{"targets": ["duty", "related_on_duty"], "wait_minutes": 60}]
    line = {"steps": steps, "unreached_targets": ["system"], "repeat_minutes": 60, "contact_minutes": 30}
    people = [staff(f"duty-{code}", code, "duty_officer") for code in codes]
    people += [staff(f"manager-{code}-{n}", code, "case_manager") for code in codes for n in range(managers)]
    people += [staff(ADMINISTRATOR, "*", "administrator", "operator", "feed_manager")]
    return {
        "campuses": [
            {"campus": code, "name": f"Campus {code}", "zone": _ZONES[n % len(_ZONES)]} for n, code in enumerate(codes)
        ],
        "staff": people,
        "rotas": [
            {"campus": code, "function": "duty", "weekly": [{"staff_id": f"duty-{code}", **_ALWAYS}]} for code in codes
        ],
        "policies": [
            {
                "campus": "*",
                "name": "paging",
                "editions": [
                    {"edition": "bench-1", "effective_from": "2026-01-01T00:00:00Z", "values": {"critical": line}}
                ],
            }
        ],
    }


def staff(id_: str, code: str, *roles: str) -> dict[str, Any]:
    """Return a member of staff with roles on a campus."""
    return {
        "staff_id": id_,
        "campus": code,
        "name": f"Person {id_}",
        "email": f"{id_.lower()}@example.edu",
        "roles": [{"name": role, "campus": code} for role in roles],
    }


def roster(students: int, campuses: int) -> bytes:
    """Return a roster file."""
    lines = (
        f"{number},{campus(number % campuses)},Student {number},student.{number}@students.example.edu"
        for number in range(students)
    )
    return "\n".join(("student_id,campus_code,name,email", *lines, "")).encode()


def flags(first: int, count: int, students: int, campuses: int) -> Iterator[bytes]:
    """Yield a flag file in pieces: each student now and then, over two years, in four courses."""
    yield b"alert_id,campus_code,student_id,term_code,course_code,section,reason_code,severity,comment,raised_at\n"
    for start in range(first, first + count, 1000):
        yield "".join(
            _flag(number, students, campuses) for number in range(start, min(start + 1000, first + count))
        ).encode()


def _flag(number: int, students: int, campuses: int) -> str:
    student = number * 7919 % students
    at = _BEGIN - timedelta(minutes=number * 104729 % 1_051_200)
    course = f"CRS{number % 4}01"
    words = "Has not handed in the last two exercises." if number % 3 == 0 else ""
    return (
        f"A-{number},{campus(student % campuses)},{student},2026FA,{course},{course}-1,LATE_WORK,{number % 3 + 1},"
        f"{words},{at.isoformat()}\n"
    )


def referral_rows(first: int, count: int, campuses: int) -> bytes:
    """Return a referral file: each is about another student, known, and opens a case by rule."""
    header = "source_event_id,campus_code,student_id,source_kind,concerns,urgency,relationship,narrative,happened_at"
    lines = (
        f'R-{number},{campus(number % campuses)},{number},faculty,finances;housing,soon,instructor,"{_WORDS}",'
        f"{(_BEGIN + timedelta(seconds=number)).isoformat()}"
        for number in range(first, first + count)
    )
    return "\n".join((header, *lines, "")).encode()


def referral(number: int, campuses: int, students: int, *, danger: bool) -> dict[str, Any]:
    """Return one referral as somebody sends it by HTTP."""
    student = number % students
    return {
        "campus": campus(student % campuses),
        "about": {"student_id": str(student)},
        "concerns": ["suicide"] if danger else ["finances", "housing"],
        "urgency": "emergency" if danger else "soon",
        "narrative": DANGER if danger else _WORDS,
        "relationship": "instructor",
        "source_kind": "faculty",
    }
