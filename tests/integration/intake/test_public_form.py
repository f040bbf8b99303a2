"""The public form, as a browser without JavaScript fills it in."""

import re
from typing import Any

import httpx

from services.intake.app import build
from shared.events.referrals import DangerRaised, MisconductReported, ReferralReceived
from tests.integration.intake.conftest import DANGER, Intake, kinds

WORRY = "She has been crying in class and says she feels low most days."


async def send(intake: Intake, campus: str = "NORTH", files: Any = None, **fields: Any) -> httpx.Response:
    """Post a form to a campus, from nowhere in particular."""
    transport = httpx.ASGITransport(app=intake.service.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        return await client.post(f"/refer/{campus}", data=fields, files=files)


async def look(intake: Intake, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=intake.service.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        return await client.get(path)


async def ticket(intake: Intake, **fields: str) -> str:
    """Answer the first page and return the ticket of the second."""
    answer = await send(intake, **({"about": "other", "named": "no", "step": "first"} | fields))
    assert answer.status_code == 200, answer.text
    return str(re.findall(r'name="ticket" value="([^"]+)"', answer.text)[0])


async def refer(intake: Intake, files: Any = None, **fields: Any) -> httpx.Response:
    """Fill in the whole form and send it."""
    given = {"about": "other", "named": "no", "step": "send", "words": WORRY, "comeback": "yes"} | fields
    if "ticket" not in given:
        given["ticket"] = await ticket(intake)
    return await send(intake, files=files, **given)


async def test_the_form_takes_a_referral_and_gives_a_reference_and_a_passphrase(intake: Intake) -> None:
    answer = await refer(intake)
    assert answer.status_code == 200, answer.text
    reference, phrase = re.findall(r"cl-receipt__code[^>]*>([^<]+)<", answer.text)
    assert WORRY not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    (row,) = await intake.rows("SELECT reference, channel, source_kind, state, marks FROM referrals")
    assert (row.reference, row.channel, row.source_kind, row.state, row.marks) == (
        reference, "form", "anonymous", "matching", [],
    )  # fmt: skip
    assert len(phrase.split("-")) == 6
    assert kinds(await intake.published("referral")) == ["ReferralReceived"]


def _bare(answer: httpx.Response) -> str:
    """Return a page without what makes its length differ each time."""
    return re.sub(r"<!--.*?-->", "", answer.text)


async def back(intake: Intake, receipt: str) -> str:
    """Type reference and passphrase of a receipt; return the address that they open."""
    reference, phrase = re.findall(r"cl-receipt__code[^>]*>([^<]+)<", receipt)
    answer = await post(intake, "/r", reference=reference.lower().replace("-", " "), passphrase=f" {phrase.upper()} ")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def post(intake: Intake, path: str, files: Any = None, **fields: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=intake.service.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        return await client.post(path, data=fields, files=files)


async def test_the_same_form_twice_is_one_referral_with_one_receipt(intake: Intake) -> None:
    given = await ticket(intake)
    first, second = await refer(intake, ticket=given), await refer(intake, ticket=given)
    codes = [re.findall(r"cl-receipt__code[^>]*>([^<]+)<", each.text) for each in (first, second)]
    assert codes[0] == codes[1]
    assert len(await intake.rows("SELECT 1 FROM referrals")) == 1
    other = await refer(intake, ticket=given, words="And another thing about her.")
    assert re.findall(r"cl-receipt__code[^>]*>([^<]+)<", other.text)[0] != codes[0][0]
    assert len(await intake.rows("SELECT 1 FROM referrals")) == 2


async def test_danger_in_the_form_is_raised_and_the_receipt_says_nothing_of_it(intake: Intake) -> None:
    plain, danger = await refer(intake), await refer(intake, words=DANGER)
    assert "DangerRaised" in kinds(await intake.published("referral"))

    def without(answer: httpx.Response) -> str:
        return re.sub(r"cl-receipt__code[^>]*>[^<]+<", "", _bare(answer))

    assert without(plain) == without(danger)


async def test_a_referrer_comes_back_answers_a_question_and_adds_danger(intake: Intake) -> None:
    receipt = (await refer(intake)).text
    (row,) = await intake.rows("SELECT referral_id FROM referrals")
    asked = await intake.post("sam", f"/referrals/{row.referral_id}/questions", text="Which class was it?")
    page = await back(intake, receipt)
    shown = (await look(intake, page)).text
    assert "Which class was it?" in shown
    assert WORRY not in shown
    assert 'aria-current="step"' in shown

    answer = await post(intake, page, words="BIO 101, on Monday.", answers=asked["message_id"])
    assert answer.status_code == 200
    assert "BIO 101" not in answer.text
    thread = await intake.get("sam", f"/referrals/{row.referral_id}/thread")
    assert [(each["kind"], each["text"]) for each in thread["messages"]] == [
        ("question", "Which class was it?"),
        ("answer", "BIO 101, on Monday."),
    ]

    await intake.forget_outbox()
    assert (await post(intake, page, words=DANGER)).status_code == 200
    events = await intake.published("referral")
    assert kinds(events) == ["DangerRaised", "ReferralAddedTo"]
    danger = next(each for each in events if isinstance(each, DangerRaised))
    assert str(danger.cause_id) in {
        each["message_id"] for each in (await intake.get("sam", f"/referrals/{row.referral_id}/thread"))["messages"]
    }
    assert len(await intake.rows("SELECT 1 FROM danger_watches")) == 1


async def test_files_come_by_their_content_and_leave_only_to_be_saved(intake: Intake) -> None:
    picture = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(30)
    files = [
        ("files", ("../../etc/x\u202egnp.exe", picture, "application/x-msdownload")),
        ("files", ("run.png", b"MZ\x90\x00" + bytes(200), "image/png")),
        ("files", ("note.html", b"<!doctype html><script>alert(1)</script>", "text/plain")),
        ("files", ("note.txt", "A note, é".encode(), "text/plain")),
        ("files", ("", b"", "application/octet-stream")),
    ]
    answer = await refer(intake, files=files)
    assert answer.status_code == 200
    assert answer.text.count("was not kept") == 2
    (row,) = await intake.rows("SELECT referral_id FROM referrals")
    thread = await intake.get("sam", f"/referrals/{row.referral_id}/thread")
    assert [(each["kind"], each["name"]) for each in thread["attachments"]] == [
        ("image/png", "xgnp.png"),
        ("text/plain", "note.txt"),
    ]
    path = f"/referrals/{row.referral_id}/attachments/{thread['attachments'][0]['attachment_id']}"
    got = await intake.call("sam", "GET", path)
    assert got.content == picture
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment; ")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    for nobody in ("dee", "ana", "stu", "fay", "uma", "tia"):
        assert (await intake.call(nobody, "GET", path)).status_code == 404, nobody
    (kept,) = await intake.rows("SELECT content, name FROM attachments WHERE kind = 'image/png'")
    assert picture not in bytes(kept.content)
    assert b"png" not in bytes(kept.name)


async def test_nothing_typed_is_lost_on_an_error(intake: Intake) -> None:
    answer = await refer(
        intake, named="yes", words="<b>She & he</b> \u202e\U0001f62d", your_email="not an address", notices="yes"
    )
    assert answer.status_code == 422
    assert "&lt;b&gt;She &amp; he&lt;/b&gt; \u202e\U0001f62d" in answer.text
    assert 'href="#your_email"' in answer.text
    assert "not an address" in answer.text
    assert not await intake.rows("SELECT 1 FROM referrals")


async def test_what_a_machine_fills_in_is_kept_marked_and_its_danger_raised(intake: Intake) -> None:
    answer = await refer(intake, website="http://buy.example", words=DANGER)
    assert answer.status_code == 200
    (row,) = await intake.rows("SELECT marks, state FROM referrals")
    assert row.marks == ["likely_bot"]
    assert row.state == "matching"  # no rule opens a case for it
    assert "DangerRaised" in kinds(await intake.published("referral"))
    forged = await refer(intake, ticket="AAAA")
    assert forged.status_code == 200
    assert [row.marks for row in await intake.rows("SELECT marks FROM referrals ORDER BY referral_id")][1] == [
        "likely_bot"
    ]


async def test_misconduct_goes_behind_the_wall_also_when_it_is_added_later(intake: Intake) -> None:
    receipt = (await refer(intake)).text
    (row,) = await intake.rows("SELECT referral_id FROM referrals")
    here = f"/referrals/{row.referral_id}"
    await intake.post("sam", f"{here}/corrections", verdict="danger_missed", level="elevated")
    await intake.post("sam", f"{here}/match:leave", reason_code="need_more")
    page = await back(intake, receipt)
    assert (await post(intake, page, words="Her ex-boyfriend raped her last week.")).status_code == 200
    assert (await intake.call("sam", "GET", f"/referrals/{row.referral_id}/thread")).status_code == 404
    walled = await intake.get("tia", f"/referrals/{row.referral_id}/thread")
    assert len(walled["messages"]) == 1
    assert any(isinstance(each, MisconductReported) for each in await intake.published("referral"))
    for table in ("referrers", "referral_messages", "screening_corrections", "match_decisions"):
        (kept,) = await intake.rows(f"SELECT sensitivity FROM {table} WHERE referral_id = '{row.referral_id}'")
        assert kept.sensitivity == "titleix", table
    (message,) = walled["messages"]
    assert message["hits"]
    assert all(hit["edition"] for hit in message["hits"])
    assert (await look(intake, page)).status_code == 200  # the referrer still sees how far it is


async def test_what_a_referrer_adds_or_takes_back_takes_its_student_off_the_outreach_list(intake: Intake) -> None:
    for said in ({"words": "Her ex-boyfriend raped her last week."}, {"act": "retract"}):
        receipt = (await refer(intake)).text
        (row,) = await intake.rows("SELECT referral_id FROM referrals ORDER BY referral_id DESC LIMIT 1")
        here = f"/referrals/{row.referral_id}"
        await intake.post("sam", f"{here}/match", student_id=str(await intake.student("N1")))
        await intake.post("sam", f"{here}/triage", decision="watch_no_case", reason_code="outreach")
        waits = f"SELECT state, outcome_code FROM outreach_entries WHERE referral_id = '{row.referral_id}'"
        assert [entry.state for entry in await intake.rows(waits)] == ["waiting"]
        assert (await post(intake, await back(intake, receipt), **said)).status_code == 200
        assert [entry.state for entry in await intake.rows(waits)] == ["referred"], said


async def test_a_wrong_passphrase_opens_nothing_and_says_the_same_for_a_reference_nobody_has(intake: Intake) -> None:
    receipt = (await refer(intake)).text
    reference, _ = re.findall(r"cl-receipt__code[^>]*>([^<]+)<", receipt)
    wrong = await post(intake, "/r", reference=reference, passphrase="able acorn actor adapt admit adult")
    nobody = await post(intake, "/r", reference="AAA-AAAA-AAAA", passphrase="able acorn actor adapt admit adult")
    assert wrong.status_code == nobody.status_code == 422
    assert _bare(wrong).replace(reference, "") == _bare(nobody).replace("AAA-AAAA-AAAA", "")
    tries = [await post(intake, "/r", reference=reference, passphrase="able") for _ in range(12)]
    assert tries[-1].status_code == 429


async def test_a_link_nobody_signed_shows_nothing(intake: Intake) -> None:
    for token in ("x", "A" * 80, "%C3%A9"):
        assert (await look(intake, f"/r/{token}")).status_code == 404


async def test_a_form_that_cannot_be_read_is_answered_kindly(intake: Intake) -> None:
    transport = httpx.ASGITransport(app=intake.service.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        wrong = await client.post("/refer/NORTH", content=b"{}", headers={"content-type": "application/json"})
        cut = await client.post(
            "/refer/NORTH", content=b"--x\r\nContent-Dis", headers={"content-type": "multipart/form-data; boundary=x"}
        )
        long = await client.post("/refer/NORTH", data={"step": "send", "words": "a" * 10_000_000})
        nowhere = await client.get("/refer/NOWHERE")
    assert [wrong.status_code, cut.status_code, long.status_code, nowhere.status_code] == [415, 400, 413, 404]
    for each in (wrong, cut, long, nowhere):
        assert "tel:911" in each.text


async def test_hostile_text_is_kept_as_it_was_typed_and_runs_nowhere(intake: Intake) -> None:
    words = "a\x00b\x07 <script>alert(1)</script> \u05e9\u05dc\u05d5\u05dd \u202eabc \U0001f469\u200d\U0001f4bb {{7*7}}"
    assert (await refer(intake, words=words, who="=cmd|'/c calc'!A1\r\nBcc: x")).status_code == 200
    (row,) = await intake.rows("SELECT referral_id FROM referrals")
    told = await intake.get("sam", f"/referrals/{row.referral_id}/narrative")
    assert told["narrative"] == words.replace("\x00", "").replace("\x07", "")
    assert told["about"]["name"] == "=cmd|'/c calc'!A1 Bcc: x"


async def test_the_first_page_says_whom_to_call_in_both_languages(intake: Intake) -> None:
    english, spanish = await look(intake, "/refer/NORTH"), await look(intake, "/refer/NORTH?lang=es")
    for answer in (english, spanish):
        assert answer.status_code == 200
        assert answer.text.index("tel:911") < answer.text.index("<h1>")
        assert "tel:988" in answer.text
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert '<html lang="es"' in spanish.text
    assert any(isinstance(each, ReferralReceived) for each in await intake.published()) is False


async def test_a_database_that_is_away_costs_no_word_that_was_typed(intake: Intake) -> None:
    given = await ticket(intake)
    nowhere = "postgresql://nobody:nothing@127.0.0.1:1/postgres"
    cut_off = build(intake.settings.model_copy(update={"postgres_url": nowhere}), intake.clock, "api")
    transport = httpx.ASGITransport(app=cut_off.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        first = await client.get("/refer/NORTH")
        answer = await client.post(
            "/refer/NORTH", data={"about": "other", "named": "no", "step": "send", "words": WORRY, "ticket": given}
        )
    if cut_off.close is not None:
        await cut_off.close()
    assert first.status_code == answer.status_code == 503
    for each in (first, answer):
        assert "tel:911" in each.text
    assert WORRY in answer.text
    assert given in answer.text  # sent again it is the same form
    assert (await refer(intake, ticket=given)).status_code == 200
