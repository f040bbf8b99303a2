"""Tells what became of the sample term, from what the services say."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from deploy.cli.client import Person, staff
from deploy.cli.status import spoken
from deploy.demo import play
from deploy.demo.play import Played
from deploy.local.installation import ADMINISTRATOR, url
from services.console.flagging import reason
from services.console.reading import DECIDED, FAMILIES, SOURCES

# The system's director may see what rules did on every campus.
_TALLIED = dict.fromkeys(play.READERS, play.DIRECTOR)
Rows = Sequence[Mapping[str, Any]]


def tell(played: Played, console: Console) -> None:
    """Print the story."""
    for line in story(played):
        console.print(line)


def story(played: Played) -> Iterator[str]:
    """Yield it, line by line."""
    found = play.figures(played)
    sums = play.totals(found)
    names = {each["staff_id"]: str(each["name"]) for each in staff(Person(ADMINISTRATOR))}
    cases = _cases()
    yield "\n[bold]What happened[/bold]"
    yield from _flags_and_referrals(found["rows"], sums)
    yield from _cases_told(cases, names)
    yield from _pages_told(names)
    yield from _mail_told(played)


def _flags_and_referrals(rows: Rows, sums: Mapping[str, int]) -> Iterator[str]:
    sources = Counter[str]()
    decisions = Counter[str]()
    for row in rows:
        if row["kind"] == "referrals":
            sources[_said(SOURCES, row["code"])] += row["count"]
        if row["kind"] == "referrals_triaged":
            decisions[_said(DECIDED, row["code"])] += row["count"]
    by_rule = sources.pop(_said(SOURCES, "rule"), 0)
    rule = "three flags within 21 days in two courses or more"
    yield f"{sums.get('flags', 0):,} flags came in."
    yield f"The threshold rule ({rule}) made {by_rule} referrals of them, such as:"
    for campus, reader in play.READERS.items():
        yield from (f"  {campus}: {line}" for line in _rule_example(campus, reader))
    yield f"{_watched()} Which rules there are, and what others would have made: /rules in the console."
    yield f"People brought {sources.total()} more that a director may count: {_listed(sources)}."
    yield "What stands behind the Title IX wall is not in a director's figures."
    waiting = sums.get("referrals", 0) - decisions.total()
    yield f"Triage decided: {_listed(decisions)}; {waiting} wait for a person."


def _watched() -> str:
    """Say what the rule that only watches would have made, over all campuses."""
    tallies = [Person(reader).get("intake", "/rules/tally", campus=campus) for campus, reader in _TALLIED.items()]
    seen = sum(each["firings"] for tally in tallies for each in tally["items"] if each["made"] == "watch")
    return f"A rule that only watches (two grave flags in ten days) would have made {seen}; nobody was told."


def _rule_example(campus: str, reader: str) -> Iterator[str]:
    """Say of one referral that the rule made which flags it was made of."""
    made = next((each for each in play.triaged(campus) if each["source_kind"] == "rule"), None)
    if made is not None:
        whole = Person(reader).get("intake", f"/referrals/{made['referral_id']}")
        flags = [
            f"{reason(each['reason_code'])} in {each['course']} on {each['raised_at'][:10]}" for each in whole["flags"]
        ]
        yield f"{made['reference']}, because of {'; '.join(flags)}"


def _cases_told(cases: Rows, names: Mapping[str, str]) -> Iterator[str]:
    owners = Counter(names.get(case["owner_id"] or "", "nobody yet") for case in cases)
    families = Counter(_about(case) for case in cases)
    yield f"\n{len(cases)} cases were opened ({_listed(families)}). To whom: {_listed(owners)}."
    seen: set[str] = set()
    for case in cases:
        if case["assignment_code"] and case["assignment_code"] not in seen and case["assignment_sentence"]:
            seen.add(case["assignment_code"])
            yield f"  {case['campus']}, {_about(case)}: {escape(case['assignment_sentence'])}"


def _about(case: Mapping[str, Any]) -> str:
    return _said(FAMILIES, case["family"]) if case["family"] else "behind the wall"


def _said(words: Mapping[str, str], code: str) -> str:
    """Return what the console says for a code, as it stands within a sentence."""
    return words.get(code, code).lower()


def _cases() -> Rows:
    found: list[Mapping[str, Any]] = []
    for campus, reader in play.READERS.items():
        after: dict[str, object] = {}
        while True:
            answer = Person(reader).get("cases", "/cases", campus=campus, count=200, **after)
            found += answer["items"]
            if answer["after"] is None:
                break
            after = {"after": answer["after"]}
    return found


def _pages_told(names: Mapping[str, str]) -> Iterator[str]:
    pages = play.pages()
    states = Counter(page["state"] for page in pages)
    went_on = sum(page["step"] > 1 or page["state"] == "unreached_owned" for page in pages)
    yield f"\nPages called somebody {len(pages)} times."
    yield f"Accepted: {states['accepted']}. Still under way: {states['notifying']}."
    yield f"Went on to a next step: {went_on}."
    yield f"Found nobody, and are owned by the system's duty officer: {states['unreached_owned']}."
    for page in pages:
        yield f"  {_page_line(page, names)}"
    reviews = Person(play.DIRECTOR).get("notifications", "/late-reviews")["items"]
    old = [review for review in reviews if review["state"] == "open"]
    if old:
        yield f"Danger that was days old when it arrived became work to review and woke nobody: {len(old)}."
    for page in pages:
        if page["state"] == "unreached_owned" and page["function"] == "danger":
            yield from _why(page)
            break


def _page_line(page: Mapping[str, Any], names: Mapping[str, str]) -> str:
    what = "Title IX" if page["function"] == "titleix" else page["level"]
    line = f"{page['reference']} {page['campus']}, {what}: "
    if page["state"] == "accepted":
        took = datetime.fromisoformat(page["accepted_at"]) - datetime.fromisoformat(page["raised_at"])
        who = names.get(page["accepted_by"], page["accepted_by"])
        how = f"by {page['accepted_via']} after {spoken(took.total_seconds())}, at step {page['step']}"
        return f"{line}accepted by {who} {how}"
    if page["state"] == "unreached_owned":
        return f"{line}nobody accepted; owned by {names.get(page['owner_id'] or '', 'nobody')}, told again and again"
    return f"{line}at step {page['step']}, not yet accepted"


def _why(page: Mapping[str, Any]) -> Iterator[str]:
    said = Person(play.DIRECTOR).get("notifications", f"/pages/{page['page_id']}/why")
    yield f"\nWhy nobody took {page['reference']}:"
    yield from (f"  {escape(sentence['text'])}" for sentence in said["sentences"])


def _mail_told(played: Played) -> Iterator[str]:
    count, folder = len(play.mails(played.state)), played.state / "mail"
    yield f"\n{count} mails were sent. They are in {folder}, and to read at {os.environ['CASELIGHT_INBOX_URL']}"


def _listed(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{count} {code.replace('_', ' ')}" for code, count in ordered) or "none"


def how_to(console: Console) -> None:
    """Print how to raise a danger referral oneself."""
    words = "My roommate said goodbye to everyone and says tonight is the night. The door is locked."
    body = (
        '{"campus": "NORTH", "about": {"description": "my roommate"}, "concerns": ["suicide"], "urgency": "emergency",'
        f' "source_kind": "faculty", "narrative": "{words}"}}'
    )
    refer = ".venv/bin/caselight refer --campus NORTH --urgency emergency --as ferrante"
    headers = '-H "Authorization: Bearer $(.venv/bin/caselight token ferrante)" -H "Idempotency-Key: $(date +%s%N)"'
    sent = f"-H 'Content-Type: application/json' -d '{body}'"
    console.print("\n[bold]Raise a danger referral yourself[/bold], and see its mail within a second:")
    console.print(f'  {refer} "{words}"', markup=False)
    console.print(f"  curl -sS {headers} {sent} {url('intake')}/referrals", markup=False)
    console.print(f"Or as anybody who is worried, without signing in: {url('intake')}/refer/NORTH", markup=False)
    console.print("Then: .venv/bin/caselight status, and `make down` to stop everything.", markup=False)
