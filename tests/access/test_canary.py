"""A student whose name is unlike any other walks through the whole system; every place it may leave is searched.

Real processes, real time, logs at DEBUG, and the command line as people type it.
"""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local import databases as administration
from deploy.local.home import Home
from deploy.local.mail import MailSink
from deploy.local.stack import Stack, source
from shared.access.tokens import mint
from shared.clock import SystemClock
from shared.events import TOPICS
from shared.ids import new_id
from shared.settings import SERVICES, Settings
from tests.journeys.program import DOCUMENT
from tests.support.eventually import eventually
from tests.support.processes import ROOT, environment, several, start
from tests.support.quiet import until_quiet

FIRST, LAST, SIS_ID = "Zyxanthia", "Quellmorrow", "SISCANARY77123"
EMAIL, PHRASE = "zq.canary@students.example.edu", "purple heron by the boathouse"
CANARY = (FIRST, LAST, SIS_ID, EMAIL, PHRASE)
# Where it should be: intake alone knows who a student is, and a flag may come before its student does. What people
# wrote is sealed.
ITS_PLACE = {"intake.students": CANARY, "intake.student_names": (FIRST, LAST), "intake.flags": (SIS_ID,)}

DANGER = f"{FIRST} {LAST} said at the {PHRASE} that she is going to kill herself tonight."
MISCONDUCT = f"{FIRST} {LAST} was raped after the party. It was near the {PHRASE}."
WORRIED = f"{FIRST} {LAST} has not eaten for days; I saw her near the {PHRASE}."
BAD_ROWS = (
    "\n".join(
        [
            "student_id,campus_code,name,email",
            f"{SIS_ID},NORTH,{FIRST} {LAST},{EMAIL}",
            f"{SIS_ID}-2,NOWHERE,{FIRST} {LAST},{EMAIL}",
            f"{FIRST} {LAST},NORTH,{FIRST} {LAST},not an address of {LAST}",
            f'=HYPERLINK("{LAST}"),NORTH,{FIRST},{EMAIL}',
        ]
    )
    + "\n"
)


@dataclass
class Installation:
    """Services as processes, mail, a command line, and everything that came back from any of them."""

    settings: Settings
    urls: Mapping[str, str]
    folder: Path
    mail: MailSink
    logs: list[Path] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def call(self, person: str, method: str, service: str, path: str, **more: Any) -> httpx.Response:
        now = SystemClock().now()
        headers = {
            "Authorization": f"Bearer {mint(self.settings, person, now=now)}",
            "Idempotency-Key": str(new_id()),
        } | more.pop("headers", {})
        async with httpx.AsyncClient(base_url=self.urls[service], trust_env=False, timeout=20) as client:
            answer = await client.request(method, path, headers=headers, **more)
        if answer.is_error:
            self.errors.append(f"{answer.headers} {answer.text}")
        return answer

    async def good(self, person: str, method: str, service: str, path: str, **more: Any) -> Any:
        answer = await self.call(person, method, service, path, **more)
        assert answer.is_success, (path, answer.text)
        return answer.json()

    async def command(self, *words: str) -> str:
        """Run `caselight` with these words and return what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.cli.main", *words,
            env=environment(self.settings) | self.variables, cwd=ROOT,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await process.communicate()
        self.outputs.append(printed.decode())
        return self.outputs[-1]

    @property
    def variables(self) -> dict[str, str]:
        return {f"CASELIGHT_{service.upper()}_URL": url for service, url in self.urls.items()}

    def file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content)
        return str(path)


@pytest.fixture(scope="module")
async def installation(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Every service in a process of its own."""
    folder, mail = tmp_path_factory.mktemp("canary"), MailSink(tmp_path_factory.mktemp("mail"))
    mail.start()
    ports = free_ports(len(SERVICES))
    urls = {service: f"http://127.0.0.1:{port}" for service, port in zip(SERVICES, ports, strict=True)}
    own = settings.model_copy(
        update={
            "smtp_url": f"smtp://127.0.0.1:{mail.port}", "administrators": "ada", "log_level": "DEBUG",
            "public_url": urls["notifications"], "state": folder,
        }
    )  # fmt: skip
    found = Installation(own, urls, folder, mail)
    async with AsyncExitStack() as stack:
        served = []
        for service, port in zip(SERVICES, ports, strict=True):
            command = ["deploy.cli.main", "serve", "--port", str(port), service]
            served.append(start(command, own, folder, more=found.variables))
        await stack.enter_async_context(several(served))
        found.logs = [each.log for each in served]
        await eventually(lambda: live(urls.values()), within=60)
        await found.good("ada", "POST", "program", "/program:apply", json={"document": DOCUMENT, "dry_run": False})
        await eventually(lambda: live(urls.values(), "/health/ready"), within=60)
        await until_quiet(own, SystemClock().now(), within=60)  # every service knows the program
        yield found
    mail.stop()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


async def live(urls: Any, path: str = "/health/live") -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return all([(await client.get(url + path)).is_success for url in urls])
        except httpx.TransportError:
            return False


# ------------------------------------------------------------------------------------------------------------ its walk


async def walk(at: Installation) -> str:
    """Take the student everywhere a student comes, and into every mistake people make. Returns our id of theirs."""
    await at.command("roster", "import", at.file("roster.csv", BAD_ROWS), "--as", "ada")
    await by_hand(at)
    await by_file(at)
    student = await worked_on(at)
    await looked_up(at, student)
    await mistakes(at, student)
    await poison(at)
    for words in (("status",), ("dead-letters", "list"), ("doctor",)):
        await at.command(*words, *(() if words == ("doctor",) else ("--as", "ada")))
    await until_quiet(at.settings, SystemClock().now(), within=60)
    return student


async def by_hand(at: Installation) -> None:
    for narrative in (DANGER, MISCONDUCT, WORRIED):
        printed = await at.command("refer", narrative, "--campus", "NORTH", "--student-id", SIS_ID, "--as", "fay")
        assert "Reference" in printed, printed
    whom = ("--description", f"{FIRST} {LAST}, near the {PHRASE}")
    await at.command("refer", DANGER, "--campus", "NORTH", *whom, "--as", "fay")
    await at.command("refer", DANGER, "--campus", LAST, "--student-id", f"{FIRST} {LAST}", "--as", "fay")


async def by_file(at: Installation) -> None:
    moment = SystemClock().now().isoformat()
    earlier = [(SystemClock().now() - timedelta(days=day)).isoformat() for day in (1, 2, 3)]
    flags = ["alert_id,campus_code,student_id,student_email,course_code,reason_code,raised_at,comment"]
    flags += [
        f'{at_},NORTH,{SIS_ID},{EMAIL},BIO {at_},absence,{when},"{FIRST} {LAST}: {PHRASE}"'
        for at_, when in enumerate(earlier)
    ]
    flags += [f'x,NORTH,{SIS_ID},{EMAIL},BIO,absence,{LAST},"{PHRASE}"', f'y,{LAST},{SIS_ID},{EMAIL},{FIRST},,,"']
    await at.command("flags", "import", at.file("flags.csv", "\n".join(flags) + "\n"), "--as", "ada")
    referrals = ["source_event_id,campus_code,student_id,student_email,description,narrative,happened_at"]
    referrals += [
        f'r1,NORTH,{SIS_ID},{EMAIL},"{FIRST} {LAST}","{DANGER}",{moment}',
        f'r2,NORTH,,{EMAIL},"{FIRST} {LAST}","{WORRIED}",{earlier[0]}',
        f'r3,{LAST},{SIS_ID},{EMAIL},"{FIRST}","{PHRASE}",{moment}',
        f'r4,NORTH,{SIS_ID},not {EMAIL} at all,"{FIRST}","{PHRASE}",{FIRST}',
    ]
    await at.command("referrals", "import", at.file("referrals.csv", "\n".join(referrals) + "\n"), "--as", "ada")


async def worked_on(at: Installation) -> str:
    """Triage, match and open what came, take a page, record a contact; and read, as people with a right do."""

    async def known() -> Any:
        found = await at.good("ana", "GET", "intake", "/referrals?campus=NORTH")
        return found["items"] if any(each["student_id"] for each in found["items"]) else None

    referrals = await eventually(known, within=30)
    student = next(str(each["student_id"]) for each in referrals if each["student_id"])
    for each in referrals:
        path = f"/referrals/{each['referral_id']}"
        if each["student_id"] is None:
            await at.call("ana", "POST", "intake", f"{path}/match", json={"student_id": student})
        body = {"decision": "open_case", "reason_code": "named_concern"}
        await at.call("ana", "POST", "intake", f"{path}/triage", json=body)
    narrative = await at.good("ana", "GET", "intake", f"/referrals/{referrals[0]['referral_id']}/narrative")
    people = await at.good("ana", "POST", "intake", "/people:resolve", json={"student_ids": [student]})
    assert f"{FIRST} {LAST}" in str(people), "the control: whoever has a right reads the name"
    assert PHRASE in str(narrative)
    await eventually(lambda: asyncio.to_thread(at.mail.messages), within=30)
    for page in (await at.good("uma", "GET", "notifications", "/pages"))["items"][:1]:
        await at.call("uma", "POST", "notifications", f"/pages/{page['page_id']}/accept", json={})
    for case in (await at.good("ana", "GET", "cases", "/cases"))["items"]:
        contact = {"mode": "phone", "outcome_code": "reached"}
        await at.call("ana", "POST", "cases", f"/cases/{case['case_id']}/contacts", json=contact)
    return student


async def looked_up(at: Installation, student: str) -> None:
    """Propose, find, merge and undo; keep whom to call: everywhere a name is typed, or shown to who has a right."""
    here, other = f"/students/{student}", f"{SIS_ID[:-1]}4"
    more = f"{LAST} Senior | near the {PHRASE} | +1 555 0100 | {EMAIL}"
    roster = "student_id,campus_code,name,email,name_in_use,residence,emergency_contacts,missing_person_contacts\n"
    roster += f"{SIS_ID},NORTH,{FIRST} {LAST},{EMAIL},,,{more},{more}\n"
    roster += f"{other},NORTH,Somebody Else,else@students.example.edu,,,,\n"
    await at.command("roster", "import", at.file("more.csv", roster), "--as", "ada")
    contact = {"name": f"{FIRST} {LAST}", "relationship": PHRASE, "email": EMAIL}
    for kind in ("emergency", "missing-person"):
        await at.good("sam", "PUT", "intake", f"{here}/{kind}-contacts", json={"contacts": [contact]})
    about = {"name": f"{FIRST} {LAST}s", "residence": PHRASE, "email": f"x{EMAIL}", "student_id": SIS_ID[:-1] + "9"}
    sent = await at.good(
        "stu", "POST", "intake", "/referrals", json={"campus": "NORTH", "about": about, "narrative": "Hm."}
    )
    proposed = await at.good("ana", "GET", "intake", f"/referrals/{sent['referral_id']}/candidates")
    assert FIRST in str(proposed["candidates"]), "the control: whoever matches is shown the name"
    for q in (f"{FIRST} {LAST}", EMAIL, SIS_ID, LAST):
        for who in ("ana", "dee", "fay", "stu"):
            found = await at.good(who, "POST", "intake", "/people:find", json={"q": q})
            assert (FIRST in str(found)) == (who == "ana"), (who, q)
    (second,) = (await at.good("sam", "POST", "intake", "/people:find", json={"q": other}))["people"]
    body = {"same_as": student, "reason_code": "second_account"}
    merged = await at.good("sam", "POST", "intake", f"/students/{second['student_id']}/merges", json=body)
    undo = {"reason_code": "two_people"}
    await at.good("sam", "POST", "intake", f"/merges/{merged['merge_id']}/undo", json=undo)
    for path, typed in (
        ("/people:find", {"q": f"{FIRST} {LAST}", "campus": LAST}),
        ("/people:find", {"q": FIRST, "name": LAST}),
        (f"{here}/names", {"kind": FIRST, "value": LAST}),
        (f"{here}/merges", {"same_as": FIRST, "reason_code": LAST}),
        (f"/referrals/{sent['referral_id']}/match", {"student_id": LAST}),
        (f"/referrals/{sent['referral_id']}/match:leave", {"reason_code": LAST}),
    ):
        answer = await at.call("sam", "POST", "intake", path, json=typed)
        assert answer.status_code < 500, (path, answer.text)
    await at.call("sam", "GET", "intake", f"{here}/missing-person-contacts?reason={LAST}")


async def mistakes(at: Installation, student: str) -> None:
    """Put the name wherever a person may put it by mistake."""
    name = f"{FIRST} {LAST}"
    body = {"campus": "NORTH", "about": {"description": name}, "narrative": WORRIED}
    key = {"Idempotency-Key": f"{FIRST}-{LAST}"}
    wrong: list[tuple[str, str, str, dict[str, Any]]] = [
        ("POST", "intake", "/referrals", {"json": body | {"campus": name}}),
        ("POST", "intake", "/referrals", {"json": body | {"campus": LAST}}),
        ("POST", "intake", "/referrals", {"json": body | {"concerns": [name]}}),
        ("POST", "intake", "/referrals", {"json": body | {"happened_at": name}}),
        ("POST", "intake", "/referrals", {"json": body | {"about": {"email": name}}}),
        ("POST", "intake", "/referrals", {"json": body | {"narrative": PHRASE + "\x00"}}),
        ("POST", "intake", "/referrals", {"content": json.dumps(body)[:-9], "headers": JSON}),
        ("POST", "intake", "/referrals", {"json": body | {"narrative": name * 30_000}}),
        ("POST", "intake", "/people:resolve", {"json": {"student_ids": [SIS_ID, name]}}),
        ("GET", "intake", f"/referrals/{LAST}", {}),
        ("GET", "intake", f"/referrals?campus={name}", {}),
        ("GET", "intake", f"/flags?campus=NORTH&student_id={LAST}", {}),
        ("GET", "intake", f"/{FIRST}/{LAST}", {}),
        ("GET", "cases", f"/cases/{LAST}?owner={FIRST}", {}),
        ("GET", "cases", f"/cases?state={LAST}", {}),
        ("GET", "cases", f"/cases?campus={LAST}&owner={FIRST}", {}),
        ("GET", "cases", f"/combinations?campus={LAST}", {}),
        ("GET", "notifications", f"/pages?campus={LAST}", {}),
        ("GET", "notifications", f"/late-reviews?campus={LAST}", {}),
        ("GET", "analytics", f"/figures?campus={LAST}", {}),
        ("GET", "analytics", f"/figures/caseloads?campus={LAST}", {}),
        ("GET", "intake", f"/referrals?campus={LAST}", {}),
        ("GET", "intake", f"/flags?campus={LAST}", {}),
        ("GET", "intake", f"/dead-letters?consumer={LAST}", {}),
        ("GET", "program", f"/program?campus={LAST}", {}),
        ("GET", "notifications", f"/pages?state={name}", {}),
        ("GET", "notifications", f"/a/{FIRST}{LAST}", {}),
        ("POST", "notifications", f"/a/{FIRST}{LAST}", {"data": {"answer": name}}),
        ("GET", "analytics", f"/figures?campus={LAST}&since={FIRST}", {}),
        ("GET", "program", f"/program?kind={LAST}", {}),
        ("POST", "program", "/program:apply", {"json": {"document": {"staff": [{"name": name}]}, "dry_run": True}}),
        ("POST", "cases", f"/cases/{new_id()}/contacts", {"json": {"mode": name, "outcome_code": PHRASE}}),
    ]
    for method, service, path, more in wrong:
        answer = await at.call("ana", method, service, path, **more)
        assert answer.status_code < 500, (path, answer.text)
    for narrative in (WORRIED, DANGER):
        await at.call("fay", "POST", "intake", "/referrals", json=body | {"narrative": narrative}, headers=key)
    await at.call("ana", "GET", "intake", f"/referrals?campus=NORTH&state=triaged&after={student}")


async def poison(at: Installation) -> None:
    """Let a consumer meet a record it cannot read, of a type that it handles."""
    producer = AIOKafkaProducer(bootstrap_servers=at.settings.kafka_bootstrap)
    await producer.start()
    headers = [("ce_type", b"caselight.referral.triaged.v1"), ("ce_id", str(new_id()).encode())]
    await producer.send_and_wait(at.settings.topic("referrals"), b'{"level": 7}', key=b"poison", headers=headers)
    await producer.stop()


JSON = {"Content-Type": "application/json"}

# -------------------------------------------------------------------------------------------------------- the search


async def records(settings: Settings) -> bytes:
    """Return every byte on every topic: keys, headers, values."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)
    await consumer.start()
    try:
        places = [TopicPartition(settings.topic(topic), part) for topic in TOPICS for part in range(12)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends, found = await consumer.end_offsets(places), bytearray()
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                for record in batch:
                    found += (record.key or b"") + repr(record.headers).encode() + (record.value or b"")
        return bytes(found)
    finally:
        await consumer.stop()


async def tables(stack: Stack, settings: Settings) -> dict[str, str]:
    """Return every row of every table as text, and bytes as the text they may be."""
    found: dict[str, str] = {}
    for service in SERVICES:
        async with administration.session(stack.postgres_url, f"{settings.database_prefix}{service}") as connection:
            names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (name,) in names:
                rows = await connection.fetch(f'SELECT * FROM "{name}"')
                found[f"{service}.{name}"] = "\n".join(
                    value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                    for row in rows
                    for value in row.values()
                )
    return found


def canary_in(text: str | bytes) -> list[str]:
    """Return what of the canary is in a text, in any case, also percent-encoded or as JSON."""
    plain = (text.decode(errors="replace") if isinstance(text, bytes) else text).casefold()
    forms = {word: {word, word.replace(" ", "%20"), word.replace(" ", "+"), word.encode().hex()} for word in CANARY}
    return [word for word, several_ in forms.items() if any(form.casefold() in plain for form in several_)]


@pytest.mark.timeout(300)
async def test_the_canary_students_name_is_nowhere_it_should_not_be(installation: Installation, stack: Stack) -> None:
    student = await walk(installation)
    kept = await tables(stack, installation.settings)
    mails = "\n".join(path.read_text(errors="replace") for path in installation.mail.folder.rglob("*.eml"))
    searched: dict[str, tuple[str | bytes, str]] = {
        "topics": (await records(installation.settings), student),
        "logs": ("\n".join(path.read_text() for path in installation.logs), '"route": "/referrals/{referral_id}"'),
        "mail": (mails, "North"),
        "output of commands": ("\n".join(installation.outputs), "Reference"),
        "errors": ("\n".join(installation.errors), "urn:caselight:problem:"),
        "the log of Postgres": (await postgres_log(stack), MARKER),
    }
    searched |= {name: (rows, "") for name, rows in kept.items()}

    found = {place: set(canary_in(text)) - set(ITS_PLACE.get(place, ())) for place, (text, _) in searched.items()}

    assert {place: words for place, words in found.items() if words} == {}
    # The control: each place was really searched, and a canary that is there is found.
    for place, (text, certain) in searched.items():
        words = text.decode(errors="replace") if isinstance(text, bytes) else text
        assert certain in words, f"{place} was not searched: {words[:300]}"
    for place, allowed in ITS_PLACE.items():
        assert set(canary_in(kept[place])) & set(allowed), f"{place} was not searched"
    assert kept["intake.dead_letters"] + kept["cases.dead_letters"], "a dead letter was searched"
    assert kept["intake.import_rejects"], "the quarantine was searched"


MARKER = "canary control"


async def postgres_log(stack: Stack) -> str:
    """Return the server's log, where it is ours to read, after making sure that what is logged gets there."""
    if source("postgres") != "embedded":  # a server that came from outside: its log is its operator's
        return MARKER
    async with administration.session(stack.postgres_url) as connection:
        await connection.execute(f"DO $$ BEGIN RAISE WARNING '{MARKER}'; END $$")
    return await asyncio.to_thread(Home(stack.state).log("postgres").read_text)
