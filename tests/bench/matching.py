"""Who may be meant, among 200,000 students: how long a proposal takes, and how often it is right.

Precision: of the students proposed first, how many are the one who was meant. Recall: of those who were meant and are
on the roster, how many are among the proposed. Both on names as people remember them, some with a second sign.
"""

import time
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from deploy.local.stack import Stack
from services.intake.domain.people import comparable
from tests.bench import people, sample
from tests.bench.client import Client
from tests.bench.figures import Figure, figure, percentile, say
from tests.bench.installation import Installation, installed
from tests.bench.people import Person, Said

CAMPUSES, STUDENTS = 4, 200_000
WARM, COUNT = 40, 320
GOAL_MS = 50
GOAL_PRECISION, GOAL_RECALL = 0.75, 0.9
_SERVICES = ("program", "intake")
_FILE = 50_000


async def measure(stack: Stack) -> list[Figure]:
    """Measure proposals and look-ups over HTTP, with every name held against what was said for a reference."""
    everybody = people.people(STUDENTS, CAMPUSES)
    questions = list(people.said(everybody, WARM + COUNT))
    async with installed(stack, "match", _SERVICES) as installation:
        await installation.apply(_program())
        begun = time.monotonic()
        for start in range(0, STUDENTS, _FILE):
            await installation.bring_in("/roster/imports", people.roster(everybody[start : start + _FILE]))
        rate = STUDENTS / (time.monotonic() - begun)
        await installation.analyze("intake")
        async with installation.client("intake") as client:
            referrals = [await _refer(installation, client, number, each) for number, each in enumerate(questions)]
            await _propose(installation, client, questions[:WARM], referrals[:WARM])
            waits, answers = await _propose(installation, client, questions[WARM:], referrals[WARM:])
            looks = await _look_up(installation, client, questions)
    reference = _all_of_them(everybody, questions[WARM:])
    return [
        *_told(waits, looks, reference),
        *_right(answers, questions[WARM:]),
        figure("roster file", rate, "students/s"),
    ]


def _program() -> dict[str, Any]:
    program = sample.program(CAMPUSES, managers=1)
    for number in range(CAMPUSES):
        code = sample.campus(number)
        held = [{"name": role, "campus": code} for role in ("triager", "supervisor")]
        program["staff"].append(
            {"staff_id": f"desk-{code}", "campus": code, "name": "Desk", "email": "desk@example.edu", "roles": held}
        )
    return program


async def _refer(installation: Installation, client: Client, number: int, said: Said) -> str:
    where = said.meant.campus if said.meant else sample.campus(0)
    body = {"campus": where, "about": said.about, "narrative": "Has missed two weeks.", "source_kind": "faculty"}
    by = f"{said.by}-{number}" if said.by.startswith("person") else said.by
    headers = installation.headers(by) | {"Idempotency-Key": f"match-{number}"}
    status, answer = await client.send_json("/referrals", headers, body)
    assert status == 201, answer
    return str(answer["referral_id"])


async def _propose(
    installation: Installation, client: Client, questions: list[Said], referrals: list[str]
) -> tuple[list[float], list[list[str]]]:
    """Ask for the candidates of each referral; return the milliseconds and the ends of what was proposed."""
    waits, answers = list[float](), list[list[str]]()
    for said, referral in zip(questions, referrals, strict=True):
        where = said.meant.campus if said.meant else sample.campus(0)
        headers = installation.headers(f"desk-{where}")
        begun = time.monotonic()
        status, answer = await client.get_json(f"/referrals/{referral}/candidates", headers)
        waits.append(1000 * (time.monotonic() - begun))
        assert status == 200, answer
        answers.append([_who(each) for each in answer["candidates"]])
    return waits, answers


def _who(candidate: dict[str, Any]) -> str:
    known = {each["field"]: each["known"] for each in candidate["evidence"]}
    return str(known["email"])


async def _look_up(installation: Installation, client: Client, questions: list[Said]) -> list[float]:
    """Look each name up as the console's search does; return the milliseconds."""
    waits = []
    for said in questions[WARM:]:
        headers = installation.headers(f"desk-{sample.campus(0)}")
        begun = time.monotonic()
        status, answer = await client.send_json("/people:find", headers, {"q": said.about["name"]})
        waits.append(1000 * (time.monotonic() - begun))
        assert status == 200, answer
    return waits


def _all_of_them(everybody: list[Person], questions: list[Said]) -> list[float]:
    """Hold what was said against every name there is, in memory, with no database: the milliseconds of each."""
    names = [comparable(person.name) for person in everybody]
    waits = []
    for said in questions[:60]:
        begun = time.monotonic()
        process.extract(comparable(said.about["name"]), names, scorer=JaroWinkler.normalized_similarity, limit=6)
        waits.append(1000 * (time.monotonic() - begun))
    return waits


def _told(waits: list[float], looks: list[float], reference: list[float]) -> list[Figure]:
    slow, slow_look, beside = (percentile(each, 0.95) for each in (waits, looks, reference))
    return [
        figure("matching p50", percentile(waits, 0.5), "ms", reference=percentile(reference, 0.5)),
        figure("matching p95", slow, "ms", reference=beside, goal=f"< {GOAL_MS}", ok=slow < GOAL_MS),
        figure("find p95", slow_look, "ms", reference=beside, goal=f"< {GOAL_MS}", ok=slow_look < GOAL_MS),
    ]


def _right(answers: list[list[str]], questions: list[Said]) -> list[Figure]:
    """Work out how often the first proposed is right, and how often the right one is proposed at all."""
    proposed = [(answer, said) for answer, said in zip(answers, questions, strict=True) if answer]
    meant = [(answer, said.meant.email) for answer, said in zip(answers, questions, strict=True) if said.meant]
    first = sum(said.meant is not None and answer[0] == said.meant.email for answer, said in proposed)
    among = sum(email in answer for answer, email in meant)
    top = sum(bool(answer) and answer[0] == email for answer, email in meant)
    precision, recall = first / len(proposed), among / len(meant)
    quiet = sum(not answer for answer, said in zip(answers, questions, strict=True) if said.meant is None)
    strangers = sum(said.meant is None for said in questions)
    say(
        f"matching: {len(questions)} referrals, {strangers} of them about nobody on the roster; for {quiet} of those"
        f" nobody was proposed; the one meant came first for {top} of {len(meant)}"
    )
    return [
        figure("matching precision", precision, "of 1", goal=f">= {GOAL_PRECISION}", ok=precision >= GOAL_PRECISION),
        figure("matching recall", recall, "of 1", goal=f">= {GOAL_RECALL}", ok=recall >= GOAL_RECALL),
    ]
