"""What operators see: status and dead letters. And that it is only theirs."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.ids import new_id
from shared.messaging import health
from shared.web.app import create_app
from tests.integration.web.conftest import TOY, Toy


@pytest.fixture
def app(toy: Toy) -> FastAPI:
    return create_app(TOY, toy.settings, toy.api, title="Toy")


@pytest.fixture(autouse=True)
async def _people(toy: Toy) -> None:
    await toy.write("DELETE FROM dead_letters")
    await toy.write("DELETE FROM timers")
    await toy.hire("olga", ("operator", "*"))
    await toy.hire("adam", ("administrator", "*"))
    await toy.hire("maria", ("supervisor", "NORTH"), ("director", "*"))


@pytest.fixture
def stalled() -> Iterator[str]:
    loop = f"{TOY}.stream"
    health._beats[loop] = 0.0 - health.STALLED_AFTER
    yield loop
    health.gone(loop)


async def ask(toy: Toy, app: FastAPI, person: str, path: str, body: Any = None) -> httpx.Response:
    async with toy.client(app, person) as client:
        return await (client.post(path, json=body) if body is not None else client.get(path))


async def letter(toy: Toy, state: str = "dead") -> str:
    id_ = str(new_id())
    await toy.write(
        "INSERT INTO dead_letters (id, consumer, topic, partition, log_offset, key, headers, payload, event_type,"
        " event_id, error_class, error_place, attempts, state, recorded_at)"
        " VALUES (CAST(:id AS uuid), 'work', 'none.flags', 3, (SELECT count(*) FROM dead_letters), 'k', '[]', '{}',"
        " 'a.v1', 'e', 'KeyError', 'x.py:1', 3, :state, now())",
        id=id_,
        state=state,
    )
    return id_


async def test_status_counts_what_waits_and_how_long(toy: Toy, app: FastAPI) -> None:
    await letter(toy)
    await letter(toy, "waiting")
    await toy.write(
        "INSERT INTO timers (id, kind, subject, step, campus, due_at)"
        " VALUES (gen_random_uuid(), 'a', gen_random_uuid(), 1, 'NORTH', :due)",
        due=toy.clock.now() - timedelta(seconds=90),
    )
    assert (await ask(toy, app, "maria", "/status")).status_code == 403, "its audit row now waits for the relay"
    toy.clock.move(timedelta(seconds=30))
    status = (await ask(toy, app, "olga", "/status")).json()
    assert (status["service"], status["ready"], status["troubles"]) == (TOY, True, {})
    assert status["outbox"] == {"rows": 1, "oldest_seconds": 30}
    assert status["dead_letters"] == {"dead": 1, "waiting": 1, "parked": 0}
    assert status["timers"] == {"waiting": 1, "late": 1, "late_seconds": 120}


async def test_a_loop_that_stopped_turning_ends_liveness_and_shows_in_status(
    toy: Toy, app: FastAPI, stalled: str
) -> None:
    answer = await ask(toy, app, "olga", "/health/live")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:caselight:problem:loop_stalled")
    assert (await ask(toy, app, "olga", "/status")).json()["troubles"] == {stalled: "stalled"}


async def test_dead_letters_are_listed_page_by_page(toy: Toy, app: FastAPI) -> None:
    ids = [await letter(toy) for _ in range(3)]
    await letter(toy, "discarded")
    first = (await ask(toy, app, "adam", "/dead-letters?limit=2")).json()
    second = (await ask(toy, app, "adam", f"/dead-letters?limit=2&after={first['after']}")).json()
    assert [each["id"] for page in (first, second) for each in page["items"]] == ids
    assert second["after"] is None
    discarded = (await ask(toy, app, "adam", "/dead-letters?state=discarded")).json()["items"]
    assert [each["state"] for each in discarded] == ["discarded"]
    assert (await ask(toy, app, "adam", "/dead-letters?consumer=other")).json()["items"] == []


async def test_an_operator_opens_retries_and_discards_and_each_is_audited(toy: Toy, app: FastAPI) -> None:
    one, other = await letter(toy), await letter(toy)
    opened = (await ask(toy, app, "olga", f"/dead-letters/{one}")).json()
    assert (opened["letter"]["id"], opened["payload"]) == (one, "{}")
    assert (await ask(toy, app, "olga", "/dead-letters:retry", {"ids": [one, other]})).json() == {"changed": 2}
    assert (await ask(toy, app, "olga", f"/dead-letters/{one}")).json()["letter"]["retry_asked"] is True
    unwanted = {"ids": [other], "reason": "test_data"}
    assert (await ask(toy, app, "olga", "/dead-letters:discard", unwanted)).json() == {"changed": 1}
    again = await ask(toy, app, "olga", "/dead-letters:discard", unwanted)
    assert (again.status_code, again.json()["type"]) == (409, "urn:caselight:problem:not_dead")
    audits = await toy.audits()
    assert [(audit["action"], audit["filter"]) for audit in audits] == [
        ("dead_letters.show", ""),
        ("dead_letters.retry", ""),
        ("dead_letters.show", ""),
        ("dead_letters.discard", "reason=test_data"),
        ("dead_letters.discard", "reason=test_data"),
    ]
    assert audits[1]["resource_ids"] == [one, other]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/dead-letters", None),
        ("/dead-letters/{id}", None),
        ("/dead-letters:retry", {"ids": ["{id}"]}),
        ("/dead-letters:discard", {"ids": ["{id}"], "reason": "x"}),
    ],
)
async def test_dead_letters_are_for_operators(toy: Toy, app: FastAPI, path: str, body: dict[str, Any] | None) -> None:
    id_ = await letter(toy)
    sent = None if body is None else body | {"ids": [id_]}
    answer = await ask(toy, app, "maria", path.format(id=id_), sent)
    assert answer.status_code in (403, 404)
    assert [row.state for row in await toy.rows("SELECT state FROM dead_letters")] == ["dead"]


async def test_a_dead_letter_that_is_not_there_is_not_there(toy: Toy, app: FastAPI) -> None:
    assert (await ask(toy, app, "olga", f"/dead-letters/{new_id()}")).status_code == 404
    wrong: list[dict[str, Any]] = [{"ids": []}, {"ids": ["x"]}, {"ids": [str(new_id())] * 501}, {"id": 1}]
    for body in wrong:
        assert (await ask(toy, app, "olga", "/dead-letters:retry", body)).status_code == 422
    answer = await ask(
        toy, app, "olga", "/dead-letters:discard", {"ids": [str(new_id())], "reason": "Because I say so"}
    )
    assert answer.status_code == 422
