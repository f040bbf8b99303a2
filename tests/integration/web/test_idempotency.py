"""One answer however often it is asked for."""

import asyncio

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel
from sqlalchemy import text
from starlette.responses import Response

from shared.access.actions import Action
from shared.access.decision import Resource
from shared.ids import new_id
from shared.refusal import Refused
from shared.web.app import create_app
from shared.web.gate import SignedIn
from shared.web.idempotency import IdempotencyKey, once
from tests.integration.web.conftest import TOY, Toy

router = APIRouter()


class Matter(BaseModel, extra="forbid"):
    campus: str


@router.post("/matters", status_code=201)
async def create(request: Request, gate: SignedIn, matter: Matter, key: IdempotencyKey) -> Response:
    async with gate.begin() as door:
        await door.allow(Action.REFERRAL_CREATE, Resource("referral", campus=matter.campus))

        async def make() -> tuple[int, dict[str, str]]:
            if matter.campus == "NOWHERE":
                raise Refused("unknown_campus", "There is no such campus.", status=422)
            id_ = str(new_id())
            insert = text(
                "INSERT INTO matters (id, campus, sensitivity) VALUES (CAST(:id AS uuid), :campus, 'standard')"
            )
            await door.connection.execute(insert, {"id": id_, "campus": matter.campus})
            await asyncio.sleep(0.02)
            return 201, {"id": id_}

        return await once(door, request, make)


@pytest.fixture
def app(toy: Toy) -> FastAPI:
    return create_app(TOY, toy.settings, toy.api, title="Toy", routers=[router])


async def send(toy: Toy, app: FastAPI, key: str | None, campus: str = "NORTH", person: str = "anna") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key is not None else {}
    async with toy.client(app, person) as client:
        return await client.post("/matters", json={"campus": campus}, headers=headers)


async def matters(toy: Toy) -> int:
    return len(await toy.rows("SELECT 1 FROM matters"))


@pytest.fixture(autouse=True)
async def _empty(toy: Toy) -> None:
    await toy.write("DELETE FROM matters")


async def test_the_same_request_twice_is_done_once_and_answered_the_same(toy: Toy, app: FastAPI) -> None:
    key = str(new_id())
    first, second = await send(toy, app, key), await send(toy, app, key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await matters(toy) == 1
    assert len(await toy.audits()) == 2, "an answer given again is an answer"


async def test_at_one_instant_too(toy: Toy, app: FastAPI) -> None:
    key = str(new_id())
    answers = await asyncio.gather(*(send(toy, app, key) for _ in range(4)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert await matters(toy) == 1


async def test_another_request_under_the_same_key_is_refused(toy: Toy, app: FastAPI) -> None:
    key = str(new_id())
    await send(toy, app, key)
    answer = await send(toy, app, key, campus="SOUTH")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:caselight:problem:key_used")
    assert await matters(toy) == 1


async def test_a_key_belongs_to_its_caller(toy: Toy, app: FastAPI) -> None:
    key = str(new_id())
    first, second = await send(toy, app, key), await send(toy, app, key, person="bert")
    assert first.json() != second.json()
    assert await matters(toy) == 2


async def test_what_was_refused_may_be_sent_again(toy: Toy, app: FastAPI) -> None:
    key = str(new_id())
    assert (await send(toy, app, key, campus="NOWHERE")).status_code == 422
    assert (await send(toy, app, key)).status_code == 201


@pytest.mark.parametrize("key", [None, "", "x" * 201, "a b"])
async def test_a_key_must_be_sent_and_be_one(toy: Toy, app: FastAPI, key: str | None) -> None:
    answer = await send(toy, app, key)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/header/Idempotency-Key"]
    assert await matters(toy) == 0
