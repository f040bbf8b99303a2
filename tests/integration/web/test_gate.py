"""The gate over real HTTP and a real database: who gets through, what row security adds, and what is audited."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.access.actions import Action
from shared.access.decision import Resource
from shared.refusal import Refused
from shared.web.app import create_app
from shared.web.gate import Door, SignedIn
from tests.integration.web.conftest import TOY, Toy

router = APIRouter()
FIND = text("SELECT id, campus, sensitivity, owner_id FROM matters WHERE id = CAST(:id AS uuid)")


async def resource_of(door: Door, id_: str) -> Resource | None:
    row = (await door.connection.execute(FIND, {"id": id_})).first()
    if row is None:
        return None
    return Resource("case", id=id_, campus=row.campus, sensitivity=row.sensitivity, owner_id=row.owner_id)


@router.get("/matters/{id_}")
async def read(gate: SignedIn, id_: str) -> dict[str, str]:
    async with gate.begin() as door:
        resource = await resource_of(door, id_)
        if resource is None:
            await door.absent(Action.CASE_READ, "case", id_)
        decision = await door.allow(Action.CASE_READ, resource)
        return {"reason": decision.reason}


@router.get("/matters")
async def list_(gate: SignedIn) -> list[str]:
    async with gate.begin() as door:
        rows = (await door.connection.execute(text("SELECT id, campus, sensitivity, owner_id FROM matters"))).all()
        resources = [Resource("case", str(row.id), row.campus, row.sensitivity, owner_id=row.owner_id) for row in rows]
        decisions = door.allow_each(Action.CASE_LIST, resources)
        ids = [each.id for each, decision in zip(resources, decisions, strict=True) if decision]
        await door.record_list(Action.CASE_LIST, ids, "all")
        return ids


@router.post("/matters/{campus}")
async def create(gate: SignedIn, campus: str, sensitivity: str = "standard") -> dict[str, int]:
    async with gate.begin() as door:
        await door.allow(Action.REFERRAL_CREATE, Resource("referral", campus=campus))
        insert = text("INSERT INTO matters (id, campus, sensitivity) VALUES (gen_random_uuid(), :campus, :sensitivity)")
        await door.connection.execute(insert, {"campus": campus, "sensitivity": sensitivity})
        return {"seen": (await door.connection.execute(text("SELECT count(*) FROM matters"))).scalar_one()}


@router.post("/refuse/{id_}")
async def refuse(gate: SignedIn, id_: str) -> None:
    async with gate.begin() as door:
        await door.allow(Action.CASE_READ, Resource("case", id=id_, campus="NORTH"))
        await door.connection.execute(text("DELETE FROM matters"))
        raise Refused("too_late", "Somebody else was first.")


@router.get("/undecided")
async def undecided(gate: SignedIn) -> dict[str, int]:
    async with gate.begin() as door:
        return {"seen": (await door.connection.execute(text("SELECT count(*) FROM matters"))).scalar_one()}


@router.post("/pieces")
async def pieces(gate: SignedIn) -> dict[str, int]:
    async with gate.begin() as door:
        await door.allow(Action.FLAGS_IMPORT, Resource("flags", campus="*"))
    for _ in range(3):
        async with gate.begin() as door:
            insert = text("INSERT INTO matters (id, campus, sensitivity) VALUES (gen_random_uuid(), 'WEST', 'titleix')")
            await door.connection.execute(insert)
    return {"pieces": 3}


@pytest.fixture
def app(toy: Toy) -> FastAPI:
    return create_app(TOY, toy.settings, toy.api, title="Toy", routers=[router])


@pytest.fixture
async def people(toy: Toy) -> AsyncIterator[None]:
    await toy.hire("maria", ("case_manager", "NORTH"))
    await toy.hire("sam", ("case_manager", "SOUTH"))
    await toy.hire("dora", ("director", "*"))
    await toy.hire("tia", ("titleix_coordinator", "NORTH"))
    await toy.hire("feed", ("feed_manager", "*"))
    yield
    await toy.write("DELETE FROM matters")


async def ask(toy: Toy, app: ASGIApp, person: str | None, method: str, path: str) -> httpx.Response:
    async with toy.client(app, person) as client:
        return await client.request(method, path)


@pytest.mark.usefixtures("people")
async def test_a_campus_role_opens_a_standard_matter_and_the_audit_says_so(toy: Toy, app: FastAPI) -> None:
    matter = await toy.matter()
    answer = await ask(toy, app, "maria", "GET", f"/matters/{matter}")
    assert answer.json() == {"reason": "role:case_manager"}
    (audit,) = await toy.audits()
    wanted = {
        "actor_id": "maria", "actor_kind": "person", "action": "case.read", "resource_ids": [matter],
        "allowed": True, "basis": "role:case_manager", "campus": "NORTH", "service": TOY,
    }  # fmt: skip
    assert {name: audit[name] for name in wanted} == wanted


@pytest.mark.usefixtures("people")
async def test_what_is_hidden_and_what_is_not_there_read_the_same_and_both_are_audited(toy: Toy, app: FastAPI) -> None:
    walled, elsewhere = await toy.matter(sensitivity="titleix"), await toy.matter(campus="SOUTH")
    nothing = "00000000-0000-7000-8000-000000000000"
    answers = [await ask(toy, app, "maria", "GET", f"/matters/{id_}") for id_ in (walled, elsewhere, nothing)]
    answers.append(await ask(toy, app, "dora", "GET", f"/matters/{walled}"))
    sensitive = await toy.matter(sensitivity="sensitive")
    answers.append(await ask(toy, app, "maria", "GET", f"/matters/{sensitive}"))
    told = {_without_id(answer) for answer in answers}
    assert len(told) == 1
    assert {answer.status_code for answer in answers} == {404}
    assert [(audit["allowed"], audit["basis"]) for audit in await toy.audits()] == [
        *[(False, "absent")] * 4,
        (False, "no_standing"),
    ]


@pytest.mark.usefixtures("people")
async def test_a_known_standard_matter_is_refused_openly_to_staff_of_the_campus(toy: Toy, app: FastAPI) -> None:
    matter = await toy.matter()
    answer = await ask(toy, app, "dora", "GET", f"/matters/{matter}")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:caselight:problem:forbidden")
    assert [(audit["allowed"], audit["basis"]) for audit in await toy.audits()] == [(False, "no_role")]


@pytest.mark.usefixtures("people")
async def test_the_wall_opens_to_the_coordinator_of_that_campus(toy: Toy, app: FastAPI) -> None:
    matter = await toy.matter(sensitivity="titleix")
    answer = await ask(toy, app, "tia", "GET", f"/matters/{matter}")
    assert answer.json() == {"reason": "role:titleix_coordinator"}


@pytest.mark.usefixtures("people")
async def test_a_listing_leaves_out_what_is_not_theirs_and_is_one_audit_row(toy: Toy, app: FastAPI) -> None:
    mine, _, _ = await toy.matter(), await toy.matter(campus="SOUTH"), await toy.matter(sensitivity="titleix")
    answer = await ask(toy, app, "maria", "GET", "/matters")
    assert answer.json() == [mine]
    (audit,) = await toy.audits()
    assert (audit["resource_ids"], audit["filter"], audit["sensitivity"]) == ([mine], "all", "standard")


@pytest.mark.usefixtures("people")
async def test_the_audit_row_of_a_listing_is_as_sensitive_as_what_it_shows(toy: Toy, app: FastAPI) -> None:
    await toy.matter()
    walled = await toy.matter(sensitivity="titleix")
    assert (await ask(toy, app, "tia", "GET", "/matters")).json() == [walled]
    (audit,) = await toy.audits()
    assert audit["sensitivity"] == "titleix"


@pytest.mark.usefixtures("people")
async def test_anybody_signed_in_may_bring_a_referral_to_any_campus_and_sees_no_other(toy: Toy, app: FastAPI) -> None:
    await toy.matter(campus="SOUTH")
    answers = [
        await ask(toy, app, "a-professor", "POST", f"/matters/EAST?sensitivity={sensitivity}")
        for sensitivity in ("standard", "titleix")
    ]
    assert [answer.json() for answer in answers] == [{"seen": 1}, {"seen": 2}]
    assert (await ask(toy, app, "a-professor", "GET", "/matters")).json() == []


@pytest.mark.usefixtures("people")
async def test_a_name_typed_where_a_campus_belongs_does_not_travel_in_the_audit_row(toy: Toy, app: FastAPI) -> None:
    assert (await ask(toy, app, "a-professor", "POST", "/matters/Quellmorrow")).status_code == 200
    assert (await ask(toy, app, "a-professor", "POST", "/matters/SOUTH")).status_code == 200
    assert [audit["campus"] for audit in await toy.audits()] == ["*", "SOUTH"]
    assert not await toy.rows("SELECT 1 FROM outbox WHERE convert_from(headers, 'UTF8') LIKE '%Quellmorrow%'")


@pytest.mark.usefixtures("people")
async def test_a_refusal_undoes_the_work_and_keeps_the_audit_row(toy: Toy, app: FastAPI) -> None:
    matter = await toy.matter()
    answer = await ask(toy, app, "maria", "POST", f"/refuse/{matter}")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:caselight:problem:too_late")
    assert len(await toy.rows("SELECT 1 FROM matters")) == 1
    assert [(audit["allowed"], audit["resource_ids"]) for audit in await toy.audits()] == [(True, [matter])]


@pytest.mark.usefixtures("people")
async def test_an_answer_nobody_decided_on_is_never_given(toy: Toy, app: FastAPI) -> None:
    answer = await ask(toy, app, "maria", "GET", "/undecided")
    assert answer.status_code == 500
    assert "seen" not in answer.text


@pytest.mark.usefixtures("people")
async def test_an_import_decides_once_and_commits_in_pieces(toy: Toy, app: FastAPI) -> None:
    assert (await ask(toy, app, "feed", "POST", "/pieces")).json() == {"pieces": 3}
    assert len(await toy.rows("SELECT 1 FROM matters WHERE campus = 'WEST'")) == 3
    assert len(await toy.audits()) == 1


@pytest.mark.usefixtures("people")
async def test_a_role_taken_away_is_gone_with_the_next_request(toy: Toy, app: FastAPI) -> None:
    matter = await toy.matter()
    await toy.hire("leaver", ("case_manager", "NORTH"))
    assert (await ask(toy, app, "leaver", "GET", f"/matters/{matter}")).status_code == 200
    await toy.hire("leaver", ("case_manager", "NORTH"), status="removed")
    assert (await ask(toy, app, "leaver", "GET", f"/matters/{matter}")).status_code == 404


async def test_whoever_does_not_say_who_they_are_gets_nowhere(toy: Toy, app: FastAPI) -> None:
    answer = await ask(toy, app, None, "GET", "/matters")
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:caselight:problem:not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    async with toy.client(app) as client:
        forged = await client.get("/matters", headers={"Authorization": "Bearer x.y.z"})
    assert (forged.status_code, forged.json()["type"]) == (401, "urn:caselight:problem:token_invalid")


async def test_named_administrators_rule_only_while_the_program_has_no_staff(toy: Toy) -> None:
    settings = toy.settings.model_copy(update={"administrators": "root, other"})
    app = create_app(TOY, settings, toy.api, title="Toy")
    await toy.write("DELETE FROM program_snapshots")
    assert (await ask(toy, app, "root", "GET", "/status")).status_code == 200
    assert (await ask(toy, app, "somebody", "GET", "/status")).status_code == 403
    await toy.hire("maria", ("case_manager", "NORTH"))
    assert (await ask(toy, app, "root", "GET", "/status")).status_code == 403


async def test_before_its_replicas_are_filled_a_service_answers_503(toy: Toy) -> None:
    asked: list[bool] = []

    async def ready(_connection: AsyncConnection) -> bool:
        asked.append(True)
        return len(asked) > 2

    app = create_app(TOY, toy.settings, toy.api, title="Toy", routers=[router], ready=ready)
    for path in ("/matters", "/health/ready"):
        answer = await ask(toy, app, "maria", "GET", path)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:caselight:problem:replica_not_ready")
        assert answer.headers["Retry-After"] == "1"
    for _ in range(3):
        assert (await ask(toy, app, "maria", "GET", "/matters")).status_code == 200
    assert len(asked) == 3, "once ready it is not asked again"


@pytest.mark.usefixtures("people")
async def test_no_answer_leaves_before_its_audit_row(toy: Toy, app: FastAPI) -> None:
    """At the first byte of any answer, an audit row of it is committed: another connection can read it."""
    matter, walled = await toy.matter(), await toy.matter(sensitivity="titleix")
    seen: list[tuple[str, int, int]] = []

    def watched(path: str) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    seen.append((path, message["status"], len(await toy.audits())))
                await send(message)

            await app(scope, receive, sending)

        return serve

    asked = [
        ("maria", "GET", f"/matters/{matter}"),
        ("maria", "GET", f"/matters/{walled}"),
        ("dora", "GET", f"/matters/{matter}"),
        ("maria", "GET", "/matters"),
        ("maria", "POST", f"/refuse/{matter}"),
        ("a-professor", "POST", "/matters/NORTH"),
        ("maria", "GET", "/status"),
        ("maria", "GET", "/dead-letters"),
    ]
    for person, method, path in asked:
        await toy.write("DELETE FROM outbox")
        await ask(toy, watched(path), person, method, path)
    assert seen == [(path, status, 1) for (path, status, _) in seen]
    assert [status for _, status, _ in seen] == [200, 404, 403, 200, 409, 200, 403, 403]


@pytest.mark.usefixtures("people")
async def test_when_the_audit_row_cannot_be_kept_nothing_is_told(toy: Toy, app: FastAPI) -> None:
    matter = await toy.matter()
    await toy.write("DELETE FROM outbox")
    await toy.as_owner("REVOKE INSERT ON outbox FROM toy_api")
    try:
        answer = await ask(toy, app, "maria", "GET", f"/matters/{matter}")
        denied = await ask(toy, app, "dora", "GET", f"/matters/{matter}")
    finally:
        await toy.as_owner("GRANT INSERT ON outbox TO toy_api")
    assert (answer.status_code, denied.status_code) == (500, 500)
    assert "reason" not in answer.json()


def _without_id(answer: httpx.Response) -> str:
    body = answer.json()
    body.pop("request_id")
    return str(body)
