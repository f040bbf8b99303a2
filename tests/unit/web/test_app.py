"""The application's outside: errors, limits, headers and logs, without a database."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request
from pydantic import BaseModel, Field, field_validator
from sqlalchemy.exc import OperationalError
from starlette.types import Message

from shared.clock import SystemClock
from shared.refusal import Refused
from shared.settings import Settings
from shared.storage.engines import connect
from shared.telemetry import ALLOWED_FIELDS
from shared.web.app import create_app
from shared.web.problems import faults_of

router = APIRouter()
SECRET = "Grendel-4711"


class Inner(BaseModel, extra="forbid"):
    id: UUID
    kind: Literal["one", "two"] = "one"


class Body(BaseModel, extra="forbid"):
    name: Annotated[str, Field(max_length=20)] = ""
    at: datetime | None = None
    on: date | None = None
    count: int = 0
    inner: list[Inner] = []
    free: dict[str, Any] = {}

    @field_validator("name")
    @classmethod
    def _no_talk(cls, name: str) -> str:
        if name == SECRET:
            raise ValueError(f"{name} is not welcome")
        return name


@router.post("/echo")
async def echo(body: Body) -> Body:
    return body


@router.get("/things/{thing}")
async def things(thing: int, words: Annotated[str, Query(max_length=5)] = "") -> dict[str, Any]:
    return {"thing": thing, "words": words}


@router.post("/stream")
async def stream(request: Request) -> dict[str, int]:
    return {"bytes": sum([len(piece) async for piece in request.stream()])}


@router.get("/break")
async def break_(how: str) -> None:
    if how == "refused":
        raise Refused("stale", "Somebody changed it first.", pointer="/body/version")
    if how == "slow_down":
        raise Refused("too_many_requests", "Slow down.", status=429, retry_after=0.2)
    if how == "database":
        raise OperationalError("SELECT", {}, ConnectionRefusedError("postgres at 10.0.0.7 said " + SECRET))
    if how == "socket":
        raise ConnectionResetError(SECRET)
    raise KeyError(SECRET)


@pytest.fixture(scope="module")
def app() -> FastAPI:
    settings = Settings(environment="test", postgres_url="postgresql://nobody@127.0.0.1:1/postgres")
    database = connect(settings, "toy", "api", SystemClock())
    return create_app(
        "toy", settings, database, title="Toy", routers=[router], streamed=["/stream"], stream_limit=1_000_000
    )


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://toy.test") as client:
        yield client


@pytest.fixture
def log() -> Iterator[list[dict[str, Any]]]:
    """What is logged, as the fields that a line may hold, and the message."""
    lines: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append({"message": record.getMessage(), **record.__dict__})

    handler, logger = Kept(), logging.getLogger("caselight")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(before)


async def post(client: httpx.AsyncClient, body: object) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/echo", content=content, headers={"Content-Type": "application/json"})


async def test_an_invalid_body_is_answered_with_a_pointer_to_each_field(client: httpx.AsyncClient) -> None:
    body = {"name": "x" * 21, "count": "many", "inner": [{"id": "no"}], "extra": 1}
    answer = await post(client, body)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:caselight:problem:invalid"
    pointers = [error["pointer"] for error in problem["errors"]]
    assert pointers == ["/body/name", "/body/count", "/body/inner/0/id", "/body/extra"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": SECRET},
        {"name": SECRET * 3},
        {"at": SECRET},
        {"on": SECRET},
        {"count": SECRET},
        {"inner": [{"id": SECRET}]},
        {"inner": [{"id": str(UUID(int=1)), "kind": SECRET}]},
        {"inner": SECRET},
        SECRET,
        [SECRET],
        b'{"name": "Grendel-4711',
        b"Grendel-4711",
    ],
)
async def test_an_error_never_quotes_what_was_sent(client: httpx.AsyncClient, body: object) -> None:
    answer = await post(client, body)
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert "Grendel" not in answer.text


@pytest.mark.parametrize("depth", [300, 700])
async def test_what_is_nested_deeply_is_refused_like_anything_else(client: httpx.AsyncClient, depth: int) -> None:
    body = b'{"name": ' + b"[" * depth + b'"Grendel-4711"' + b"]" * depth + b"}"
    answer = await post(client, body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body/name")
    assert "Grendel" not in answer.text


@pytest.mark.parametrize("path", [f"/things/{SECRET}", f"/things/1?words={SECRET}", f"/nothing/{SECRET}"])
async def test_an_error_never_quotes_the_address(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code in (404, 422)
    assert answer.json()["title"]
    assert "Grendel" not in answer.text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (rb'{"name": "a\u0000b"}', "/body/name"),
        (rb'{"free": {"deep": ["x", "\ud800"]}}', "/body/free/deep/1"),
        (rb'{"free": {"a\u0000": 1}}', "/body/free"),
        (rb'{"free": {"x": NaN}}', "/body"),
        (rb'{"free": {"x": -Infinity}}', "/body"),
    ],
)
async def test_text_that_cannot_be_stored_is_refused_with_a_pointer(
    client: httpx.AsyncClient, body: bytes, pointer: str
) -> None:
    answer = await post(client, body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_every_field_that_cannot_be_stored_is_named_however_deep_it_is(client: httpx.AsyncClient) -> None:
    body = rb'{"name": "\u0000", "free": {"a": ["\u0000", {"b": "\u0000"}], "c": "fine"}}'
    pointers = [error["pointer"] for error in (await post(client, body)).json()["errors"]]
    assert pointers == ["/body/name", "/body/free/a/0", "/body/free/a/1/b"]
    deep = rb'{"free": {"x": ' + b"[" * 900 + rb'"\u0000"' + b"]" * 900 + b"}}"
    assert (await post(client, deep)).status_code == 422


@pytest.mark.parametrize("text", ["a\\u0000 as words", "😀", "NaN", "Infinity and beyond", "\\ud800"])
async def test_text_that_only_looks_so_is_taken(client: httpx.AsyncClient, text: str) -> None:
    answer = await post(client, {"name": text})
    assert answer.status_code == 200
    assert answer.json()["name"] == text


@pytest.mark.parametrize("path", ["/things/1?words=a%00", "/things/%00"])
async def test_a_nul_in_the_address_is_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 422


async def test_a_body_too_large_is_refused_whether_it_says_so_or_not(client: httpx.AsyncClient) -> None:
    large = b'{"name": "' + b"x" * 300_000 + b'"}'

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(large), 10_000):
            yield large[at : at + 10_000]

    told = await post(client, large)
    untold = await client.post("/echo", content=pieces(), headers={"Content-Type": "application/json"})
    for answer in (told, untold):
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:caselight:problem:too_large")


async def test_an_import_is_streamed_up_to_a_limit_of_its_own(client: httpx.AsyncClient) -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 100_000

    assert (await client.post("/stream", content=pieces(9))).json() == {"bytes": 900_000}
    assert (await client.post("/stream", content=pieces(11))).status_code == 413
    assert (await client.post("/stream", content=b"x" * 1_100_000)).status_code == 413


async def test_a_streamed_body_is_not_gathered_first(app: FastAPI) -> None:
    given: list[int] = []
    parts = iter([b"a", b"b"])

    async def receive() -> Message:
        given.append(len(given))
        body = next(parts, None)
        return {"type": "http.request", "body": body or b"", "more_body": body is not None}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200

    scope = {
        "type": "http", "method": "POST", "path": "/stream", "raw_path": b"/stream", "query_string": b"", "headers": [],
        "http_version": "1.1", "scheme": "http", "server": ("toy", 80), "client": ("c", 1), "root_path": "",
    }  # fmt: skip
    await app(scope, receive, send)
    assert len(given) == 3


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("refused", 409, "stale"),
        ("slow_down", 429, "too_many_requests"),
        ("database", 503, "unavailable"),
        ("socket", 503, "unavailable"),
        ("bug", 500, "internal"),
    ],
)
async def test_every_failure_is_a_problem_that_says_no_more_than_it_should(
    client: httpx.AsyncClient, log: list[dict[str, Any]], how: str, status: int, code: str
) -> None:
    answer = await client.get("/break", params={"how": how})
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:caselight:problem:{code}")
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert SECRET not in answer.text
    assert "postgres" not in answer.text
    assert ("Retry-After" in answer.headers) is (status in (429, 503))
    assert not any(SECRET in line["message"] for line in log)


async def test_a_refusal_points_at_the_field_at_fault(client: httpx.AsyncClient) -> None:
    answer = await client.get("/break?how=refused")
    assert answer.json()["errors"] == [{"pointer": "/body/version", "detail": "Somebody changed it first."}]


async def test_a_request_is_one_line_in_the_log_with_the_route_and_without_the_address(
    client: httpx.AsyncClient, log: list[dict[str, Any]]
) -> None:
    answer = await client.get("/things/4711?words=Grend", headers={"X-Request-Id": "abcd-1234"})
    assert answer.headers["X-Request-Id"] == "abcd-1234"
    (line,) = (line for line in log if line["message"] == "request")
    said = {name: line[name] for name in ALLOWED_FIELDS & set(line)}
    assert said.pop("seconds") < 1
    assert said == {"method": "GET", "route": "/things/{thing}", "status": 200, "request_id": "abcd-1234"}


@pytest.mark.parametrize("given", ["", "short", "a b c d e f g h", "x" * 65, "<script>alert</script>"])
async def test_a_request_id_that_could_be_anything_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/health/live", headers={"X-Request-Id": given})
    assert UUID(answer.headers["X-Request-Id"]).version == 7


@pytest.mark.parametrize("path", ["/health/live", "/nothing", "/things/x", "/break?how=bug", "/openapi.json"])
async def test_every_answer_forbids_caching_sniffing_framing_and_referring(
    client: httpx.AsyncClient, path: str
) -> None:
    headers = (await client.get(path)).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Referrer-Policy"] == "no-referrer"


async def test_a_process_lives_while_its_database_is_away_and_says_that_it_cannot_answer(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/health/live")).json() == {"status": "live"}
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:caselight:problem:unavailable")


async def test_every_operation_declares_its_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert {"Problem", "Fault"} <= set(document["components"]["schemas"])
    for operations in document["paths"].values():
        for operation in operations.values():
            for status in ("400", "401", "403", "404", "409", "413", "422", "429", "503"):
                assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


async def test_other_methods_and_other_paths_are_problems_too(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/echo")
    assert (answer.status_code, answer.json()["type"]) == (405, "urn:caselight:problem:method_not_allowed")
    assert answer.headers["Allow"] == "POST"
    assert (await client.get("/docs")).status_code == 404


def test_faults_are_said_in_plain_words() -> None:
    members = "Input should be <SourceKind.SELF: 'self'> or <SourceKind.PEER: 'peer'>"
    said = faults_of([
        {"type": "literal_error", "loc": ("body", "source_kind"), "msg": members, "input": "teacher"},
        {"type": "uuid_parsing", "loc": ("path", "letter_id"), "msg": "found `x` at 1", "input": "abc"},
        {"type": "url_parsing", "loc": ("body", "at"), "msg": "found `x` at 1", "input": "abc"},
    ])  # fmt: skip

    assert [fault.detail for fault in said] == [
        "Input should be 'self' or 'peer'.", "This is no id.", "Not accepted: url parsing.",
    ]  # fmt: skip
