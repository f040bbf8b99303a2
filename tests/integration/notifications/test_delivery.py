"""Messages leave soon, many at a time, at least once, whatever happens in between."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from time import perf_counter

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.notifications.delivery import courier
from services.notifications.storage import deliveries
from shared.access.actors import service_actor
from shared.events.teams import Member
from shared.ids import new_id
from shared.storage.engines import Database
from tests.integration.notifications.conftest import Office, addresses
from tests.support.eventually import eventually
from tests.support.loops import running
from tests.unit.notifications.world import FAR_OFF, LONG_AGO, STUDENT, person, rota, team


async def test_a_page_leaves_when_it_is_committed_and_not_at_the_next_look(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "_LOOK_EVERY", 3600.0)
    async with running(office.works.courier.run):
        for _ in range(3):
            event = await office.danger()
            await eventually(lambda event=event: office.mails_to("uma", event.reference))  # type: ignore[misc]


async def test_a_database_that_hangs_up_is_waited_for(office: Office) -> None:
    async with running(office.works.courier.run):
        await office.danger()
        await eventually(lambda: office.mails_to("uma"))
        with suppress(DBAPIError):  # the connection that asks for it is one of them
            await office.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user ORDER BY pid = pg_backend_pid()"
            )
        event = await office.danger()
        await eventually(lambda: office.mails_to("uma", event.reference))


async def test_a_message_that_cannot_be_made_moves_its_page_on(office: Office) -> None:
    await office.danger()
    async with office.works.database.transaction(service_actor("notifications")) as tx:
        await tx.connection.execute(text("UPDATE deliveries SET facts = '{}'"))
    await office.send()
    assert addresses(office.mail.messages()) == ["bea"]


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"to_senders": "550 we do not take mail from you"}, "waiting"),  # about us: it can be mended
        ({"to_content": "451 busy"}, "waiting"),
        ({"to_content": "554 not this"}, "failed"),
    ],
)
async def test_what_the_server_refuses_for_now_and_for_good_is_told_apart(
    office: Office, fault: dict[str, str], state: str
) -> None:
    for name, answer in fault.items():
        setattr(office.mail, name, answer)
    await office.danger()
    await office.send()
    assert not office.mail.messages()
    assert {row.state for row in await office.rows("SELECT state FROM deliveries WHERE turn = 1")} == {state}

    office.mail.to_senders = office.mail.to_content = ""
    await office.pass_time(seconds=2)
    assert bool(office.mails_to("uma")) == (state == "waiting")


async def test_idle_connections_are_kept_and_a_server_that_hung_up_costs_no_message(office: Office) -> None:
    connections = office.works.courier.connections
    await connections.warm(3)
    await connections.warm(3)
    port = office.mail.port
    office.mail.stop()
    office.mail._wanted_port = port
    office.mail.start()
    await office.danger()
    await office.send()
    assert len(office.mails_to("uma")) == 1
    office.mail.stop()
    await connections.warm(3)  # nobody there: no error, and nothing kept
    office.mail.start()


@pytest.mark.no_cover  # following each line takes longer than the mail
async def test_1300_recipients_are_told_within_a_minute(office: Office) -> None:
    people = [person(f"p{number}", f"Person {number}", "case_manager") for number in range(1300)]
    await office.know(*people, rota("NORTH", *(staff.staff_id for staff in people)))
    began = perf_counter()
    await office.danger()
    await office.send()
    seconds = perf_counter() - began

    assert len({str(mail["To"]) for mail in office.mail.messages()}) == 1300
    assert seconds < 60


async def test_beyond_a_number_of_pages_a_minute_one_message_names_them_all(office: Office) -> None:
    events = [await office.danger() for _ in range(60)]
    await office.send()
    mails = office.mails_to("uma")
    assert len(mails) < 60
    await office.pass_time(seconds=6)
    words = " ".join(str(mail.get_content()) for mail in office.mails_to("uma"))
    for event in events:
        assert event.reference in words


async def test_two_couriers_send_each_message_once(office: Office) -> None:
    people = [person(f"q{number}", f"Person {number}", "case_manager") for number in range(200)]
    await office.know(*people, rota("NORTH", *(staff.staff_id for staff in people)))
    await office.danger()
    other = type(office.works.courier)(
        office.works.database, office.works.courier.writer, office.works.courier.connections
    )
    await asyncio.gather(office.send(), other.run_due())
    assert len(office.mail.messages()) == 200


async def test_what_a_killed_courier_had_claimed_is_sent_when_the_claim_has_run_out(office: Office) -> None:
    event = await office.danger()
    await _claim_as_somebody_else(office.works.database)
    await office.send()
    assert not office.mail.messages()
    office.clock.move(timedelta(seconds=21))
    await office.send()
    assert len(office.mails_to("uma", event.reference)) == 1


async def test_an_accepted_page_takes_back_what_has_not_left(office: Office) -> None:
    office.mail.answers = {"uma@staff.example.edu": "451 later"}
    event = await office.danger()
    await office.send()
    page = await office.page_of("uma", event)
    async with office.client("uma") as client:
        assert (await client.post(f"/pages/{page['page_id']}/accept")).is_success
    office.mail.answers = {}
    await office.pass_time(minutes=5)
    assert not office.mail.messages()


async def test_a_mail_server_that_comes_back_gets_everything(office: Office) -> None:
    port = office.mail.port
    await office.danger()
    await office.send()
    office.mail.stop()
    event = await office.danger()
    await office.send()
    office.mail._wanted_port = port
    office.mail.start()
    await office.pass_time(seconds=20)
    assert office.mails_to("uma", event.reference)


async def test_the_courier_drains_when_it_is_stopped(office: Office) -> None:
    people = [person(f"r{number}", f"Person {number}", "case_manager") for number in range(40)]
    await office.know(*people, rota("NORTH", *(staff.staff_id for staff in people)))
    async with running(office.works.courier.run):
        await office.danger()
        await eventually(office.mail.messages)
    states = {row.state for row in await office.rows("SELECT DISTINCT state FROM deliveries")}
    assert "claimed" not in states


async def test_a_team_is_told_in_its_step(office: Office) -> None:
    members = (Member("ben", "member", LONG_AGO), Member("dee", "guest", LONG_AGO, LONG_AGO + timedelta(1)))
    await office.know(team("ana", members=(*members, Member("tia", "member", LONG_AGO, FAR_OFF))))
    await office.danger(level="elevated", student_id=STUDENT)
    await office.pass_time(minutes=10, seconds=1)
    assert office.mails_to("ben")
    assert office.mails_to("tia")
    assert not office.mails_to("dee")


async def _claim_as_somebody_else(database: Database) -> None:
    """Claim everything as a courier does that dies before it sends."""
    async with database.transaction(service_actor("notifications")) as tx:
        claimed = await deliveries.claim(tx.connection, 100, tx.now, tx.now + timedelta(seconds=20), [new_id()])
    assert claimed
