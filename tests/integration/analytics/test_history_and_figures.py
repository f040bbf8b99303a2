"""Everything that happened is kept once, and the figures follow from it whatever is delivered how often."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from uuid import UUID

from services.analytics.storage.history import make_months
from shared.events import Event
from shared.events.access import AccessDecided
from shared.events.cases import CaseAccepted, CaseAssigned, CaseOpened
from shared.events.flags import FlagRaised
from shared.events.pages import PageRaised
from shared.events.referrals import ReferralReceived, ReferralTriaged
from shared.ids import derived_id, new_id
from tests.integration.analytics.conftest import NOW, Analytics


def received(number: int, campus: str = "NORTH", sensitivity: str = "standard") -> ReferralReceived:
    return ReferralReceived(
        campus=campus, sensitivity=sensitivity, referral_id=derived_id("referral", number), reference="K7Q-2M4X-9RTD",
        source_kind="faculty", channel="file", concerns=("mood",), level="moderate", urgency="soon", received_at=NOW,
        happened_at=NOW,
    )  # fmt: skip


def triaged(number: int, campus: str = "NORTH", minutes: int = 5) -> ReferralTriaged:
    return ReferralTriaged(
        campus=campus, referral_id=derived_id("referral", number), reference="K7Q-2M4X-9RTD", decision="open_case",
        reason_code="x", family="health", concerns=("mood",), level="moderate", decided_by="rule:x", received_at=NOW,
        happened_at=NOW, triaged_at=NOW + timedelta(minutes=minutes),
    )  # fmt: skip


def opened(number: int, campus: str = "NORTH", owner: str = "okafor", sensitivity: str = "standard") -> CaseOpened:
    return CaseOpened(
        campus=campus, sensitivity=sensitivity, case_id=derived_id("case", number),
        referral_id=derived_id("referral", number), family="health", concerns=("mood",), level="moderate",
        reason_code="x", owner_id=owner, assignment_code="load", outreach_due=None, referred_at=NOW, opened_at=NOW,
    )  # fmt: skip


def accepted(number: int) -> CaseAccepted:
    return CaseAccepted(
        campus="NORTH", case_id=derived_id("case", number), owner_id="okafor", opened_at=NOW,
        accepted_at=NOW + timedelta(hours=1),
    )  # fmt: skip


def handed_on(number: int) -> CaseAssigned:
    return CaseAssigned(
        campus="NORTH", case_id=derived_id("case", number), owner_id="reyes", previous_owner_id="okafor",
        assignment_code="declined", assigned_by="rule", assigned_at=NOW + timedelta(minutes=30),
    )  # fmt: skip


def flag(number: int, campus: str = "NORTH") -> FlagRaised:
    return FlagRaised(
        campus=campus, flag_id=derived_id("flag", number), student_id=None, source="feed", reason_code="LATE_WORK",
        severity=1, course="BIO 101", term="2026T", raised_at=NOW - timedelta(hours=12), recorded_at=NOW,
    )  # fmt: skip


def seen(number: int) -> AccessDecided:
    return AccessDecided(
        campus="NORTH", audit_id=new_id(), service="cases", actor_kind="person", actor_id="okafor", action="case.read",
        resource_kind="case", resource_ids=(str(number),), allowed=True, basis="owner", decided_at=NOW,
    )  # fmt: skip


def page(number: int) -> PageRaised:
    return PageRaised(
        campus="NORTH", page_id=derived_id("page", number), cause_id=derived_id("cause", number), function="danger",
        level="critical", policy_edition="shipped", happened_at=NOW, raised_at=NOW,
    )  # fmt: skip


def story(count: int) -> list[Event]:
    """A referral, its triage, case, acceptance, hand-over and a page, `count` times over, and what else happens."""
    return [
        each
        for number in range(count)
        for each in (
            flag(number), received(number), triaged(number), opened(number), accepted(number), handed_on(number),
            page(number), seen(number),
        )
    ]  # fmt: skip


async def test_every_event_is_kept_once_with_its_place_in_the_log(analytics: Analytics) -> None:
    await analytics.tell(*story(3))
    await analytics.stream.handle(analytics.sent)

    kept = await analytics.rows("SELECT event_id, topic, partition, log_offset, type, key, payload FROM history")
    sent = [
        (
            UUID(dict(record.headers)["ce_id"].decode()), record.topic, record.partition, record.offset,
            dict(record.headers)["ce_type"].decode(), (record.key or b"").decode(), record.value,
        )
        for record in analytics.sent
    ]  # fmt: skip
    assert sorted(kept) == sorted(sent)


async def test_a_record_with_odd_headers_is_kept_and_holds_nothing_up(analytics: Analytics) -> None:
    [record] = analytics.records(received(1))
    headers = dict(record.headers)
    without_campus = {**headers, "ce_id": str(new_id()).encode(), "ce_campus": b""}
    strange = {**headers, "ce_id": str(new_id()).encode(), "ce_campus": b"NO\x1fRTH\x00", "ce_sensitivity": b"new"}
    for odd in (without_campus, strange):
        await analytics.stream.handle([replace(record, key=b"", headers=tuple(odd.items()))])
    await analytics.stream.handle([record])

    kept = await analytics.rows("SELECT campus, sensitivity, key FROM history ORDER BY event_id")
    assert sorted(kept) == [
        ("", "standard", ""), ("NORTH", "standard", str(derived_id("referral", 1))), ("NORTH", "titleix", ""),
    ]  # fmt: skip
    assert await analytics.rows("SELECT 1 FROM dead_letters") == []


async def test_history_lies_in_the_part_of_its_month_and_more_are_made_ahead(analytics: Analytics) -> None:
    await analytics.tell(received(1))
    [(part,)] = await analytics.rows("SELECT tableoid::regclass::text FROM history")
    assert part.startswith("history_20")

    analytics.clock.move(timedelta(days=3 * 366))
    await make_months(analytics.worker)
    await make_months(analytics.worker)
    months = {name for (name,) in await analytics.rows("SELECT relname FROM pg_class WHERE relname LIKE 'history_20%'")}
    assert {"history_2029_09", "history_2029_12"} <= months


async def test_events_delivered_twice_and_mixed_leave_every_table_the_same(analytics: Analytics) -> None:
    await analytics.tell(*story(20))
    before = await analytics.tables()
    again = list(analytics.sent)
    Random(1).shuffle(again)  # noqa: S311 - a mix that is the same each time
    for start in range(0, len(again), 37):
        await analytics.stream.handle(again[start : start + 37])

    assert await analytics.tables() == before
    assert len(before["figures"]) == 6


async def test_the_same_facts_under_new_event_ids_change_no_matter(analytics: Analytics) -> None:
    """As after a rebuild, or from a producer that published twice."""
    facts = [each for each in story(5) if not isinstance(each, FlagRaised | AccessDecided)]
    await analytics.tell(*facts)
    before = await analytics.tables()
    await analytics.tell(*facts)
    after = await analytics.tables()

    assert {name: after[name] for name in ("matters", "figures", "caseloads")} == {
        name: before[name] for name in ("matters", "figures", "caseloads")
    }


async def test_the_number_of_statements_does_not_depend_on_the_number_of_events(analytics: Analytics) -> None:
    await analytics.tell(received(9_999), flag(9_999))  # the program is in memory now
    counts = []
    for count, first in ((1, 0), (500, 1_000)):
        numbers = range(first, first + count)
        for make in (received, triaged, opened, accepted, handed_on, page, flag):
            with analytics.statements() as seen_statements:
                await analytics.tell(*(make(number) for number in numbers))
            counts.append((make.__name__, len(seen_statements)))

    assert counts[:7] == counts[7:]


async def test_a_day_begins_at_midnight_on_the_campus(analytics: Analytics) -> None:
    # 03:00 UTC: still the day before in New York and in Los Angeles; 04:30 UTC only in Los Angeles.
    analytics.clock.move(timedelta(0))
    await analytics.tell(flag(1), flag(2, "BAY"))
    early = [
        FlagRaised(
            campus=campus, flag_id=derived_id("early", campus), student_id=None, source="feed", reason_code="EARLY",
            severity=1, course="x", term="x", raised_at=NOW.replace(hour=4, minute=30), recorded_at=NOW,
        )
        for campus in ("NORTH", "BAY", "ELSEWHERE")
    ]  # fmt: skip
    await analytics.tell(*early)

    assert await analytics.rows("SELECT campus, day FROM figures WHERE code = 'EARLY' ORDER BY campus") == [
        ("BAY", date(2026, 9, 13)), ("ELSEWHERE", date(2026, 9, 14)), ("NORTH", date(2026, 9, 14)),
    ]  # fmt: skip


async def test_a_director_reads_the_figures_of_their_own_campus(analytics: Analytics) -> None:
    await analytics.tell(*story(3), received(50, "BAY"), opened(60, owner="reyes"))
    answer = await analytics.get("lindqvist", "/figures?since=2026-09-01&until=2026-09-30")

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["campuses"] == ["NORTH"]
    assert body["as_of"] is not None
    rows = {(row["kind"], row["code"]): row for row in body["rows"]}
    assert rows["referrals", "faculty"]["count"] == 3
    assert rows["referrals", "faculty"]["mean_seconds"] is None
    assert rows["referrals_triaged", "open_case"]["mean_seconds"] == rows["referrals_triaged", "open_case"][
        "longest_seconds"
    ] == 300  # fmt: skip
    assert rows["cases_accepted", "moderate"]["mean_seconds"] == 3600
    assert body["open_cases"] == [{"campus": "NORTH", "family": "health", "count": 4}]

    loads = await analytics.get("lindqvist", "/figures/caseloads")
    assert loads.json()["rows"] == [{"campus": "NORTH", "staff_id": "reyes", "open_cases": 4}]


async def test_a_system_director_reads_every_campus_and_may_ask_for_one_and_some_figures(analytics: Analytics) -> None:
    await analytics.tell(*story(2), received(50, "BAY"))
    everything = (await analytics.get("haddad", "/figures?since=2026-09-01&until=2026-09-30")).json()
    some = (await analytics.get("haddad", "/figures?campus=BAY&kind=referrals&since=2026-09-01")).json()

    assert everything["campuses"] == ["BAY", "NORTH"]
    assert {row["campus"] for row in everything["rows"]} == {"BAY", "NORTH"}
    assert [(row["campus"], row["kind"], row["count"]) for row in some["rows"]] == [("BAY", "referrals", 1)]


async def test_title_ix_is_not_in_the_figures_that_a_director_sees(analytics: Analytics) -> None:
    await analytics.tell(received(1), received(2, sensitivity="titleix"), opened(2, sensitivity="titleix"))
    body = (await analytics.get("haddad", "/figures?since=2026-09-01&until=2026-09-30")).json()

    assert [(row["kind"], row["count"]) for row in body["rows"]] == [("referrals", 1)]
    assert body["open_cases"] == []
    assert (await analytics.get("haddad", "/figures/caseloads")).json()["rows"] == []


async def test_a_case_manager_reads_no_figures_and_the_refusal_is_audited(analytics: Analytics) -> None:
    for path in ("/figures", "/figures?campus=NORTH", "/figures/caseloads"):
        answer = await analytics.get("okafor", path)
        assert answer.status_code == 403

    audits = await analytics.rows("SELECT payload FROM outbox")
    assert len(audits) == 3
    assert all(b'"allowed":false' in payload for (payload,) in audits)


async def test_every_answer_is_audited_with_what_was_asked(analytics: Analytics) -> None:
    await analytics.get("lindqvist", "/figures?since=2026-09-01&until=2026-09-30&kind=flags")
    [(payload,)] = await analytics.rows("SELECT payload FROM outbox")

    assert b"campus= since=2026-09-01 until=2026-09-30 kinds=flags" in payload
    assert b'"resource_ids":["NORTH"]' in payload


async def test_a_question_that_makes_no_sense_is_refused_with_what_would(analytics: Analytics) -> None:
    backwards = await analytics.get("lindqvist", "/figures?since=2026-09-30&until=2026-09-01")
    unknown = await analytics.get("lindqvist", "/figures?kind=nonsense")
    ancient = await analytics.get("lindqvist", "/figures?until=0001-01-01")

    assert (backwards.status_code, backwards.json()["type"].rsplit(":", 1)[-1]) == (422, "bad_range")
    assert (ancient.status_code, ancient.json()["errors"][0]["pointer"]) == (422, "/query/until")
    assert unknown.status_code == 422
    assert "referrals_triaged" in unknown.json()["detail"]


async def test_nothing_counted_yet_is_an_answer_too(analytics: Analytics) -> None:
    body = (await analytics.get("lindqvist", "/figures")).json()

    assert (body["as_of"], body["lag_seconds"], body["rows"]) == (None, 0.0, [])
