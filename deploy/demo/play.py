"""Plays the sample term through a running installation: over HTTP and by mail, as the people in it would."""

import csv
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx

from deploy.cli import imports, program
from deploy.cli.client import ADMINISTRATOR, CannotError, Person
from deploy.demo import term
from deploy.demo.term import Term
from deploy.local.mail import Mail
from deploy.local.mail import read as read_mail
from shared.clock import SystemClock

T = TypeVar("T")
Say = Callable[[str], None]
Page = Mapping[str, Any]

SOURCE = "sample"
# Who may see what the story tells: the system's director, and somebody of each campus who may read its cases.
DIRECTOR = "haddad"
COORDINATOR = "whitfield"
# Who agrees when the administrator proposes a change of the rules over flags, which takes two.
SECOND = "iyer"
_NEXT, _NEXT_TERM = "sample-2", timedelta(weeks=4)
READERS = {"NORTH": "reyes", "LAKE": "brandt", "BAY": "moreau"}

# What becomes of the pages, by the number of their referral in the sample; who accepts is an address in the mail.
FIRST = 52  # the first of those that call somebody
LEFT_ALONE = 53  # nobody takes it: it goes through the whole line and ends owned, unreached
LEFT_TO_THE_NEXT = 57  # the first one called does not answer, and there is no backup: the director is called
NEXT = "lindqvist"

# What an import brings that is six hours old wakes nobody any more (policy `late`).
_STILL_TODAY = timedelta(hours=5)
_ASK_EVERY_S = 0.1
_WITHIN_S = 90.0


@dataclass
class Played:
    """What was brought in by this run, and where everything is."""

    term: Term
    state: Path
    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def until(look: Callable[[], T | None], what: str, *, within: float = _WITHIN_S) -> T:
    """Ask again and again until there is an answer, and return it. Raises CannotError when it takes too long."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise CannotError(f"{what} did not happen within {within:.0f} s. Look: caselight doctor, caselight status")
        time.sleep(_ASK_EVERY_S)


def play(state: Path, say: Say) -> Played:
    """Bring in the sample term and live through its last hours. What is there already is left as it is."""
    sample = _sample(state, say)
    played = Played(sample, state)
    administrator = Person(ADMINISTRATOR)
    _apply_program(administrator, sample, say)
    _bring_in(administrator, played, say)
    _wait_counted(say, played)
    _take_pages(played, say)
    return played


def _sample(state: Path, say: Say) -> Term:
    sample = Term(state / "sample-term")
    if sample.complete:
        return sample
    say("writing the sample term")
    return term.write(sample.folder, SystemClock().now().replace(microsecond=0))


def _apply_program(administrator: Person, sample: Term, say: Say) -> None:
    document = program.read(sample.program)
    # The sample itself says nothing of the rules that two people agree on below.
    changes = [change for change in program.plan(administrator, document) if not change["needs_approval"]]
    if changes:
        say(f"program: {program.counted(changes)}")
        program.carry_out(administrator, document)
    until(lambda: administrator.get("program", "/status")["outbox"]["rows"] == 0, "publishing the program")
    until(_director_known, "the program reaching the other services")
    two_agree(administrator, sample, say)


def two_agree(administrator: Person, sample: Term, say: Say) -> None:
    """Let one person propose that the watching rule makes referrals after the term, and another agree."""
    document = program.read(sample.program)
    policy = next(each for each in document["policies"] if each["name"] == "threshold")
    first = policy["editions"][0]
    rules = [rule | {"mode": "active"} for rule in first["values"]["rules"]]
    begins = SystemClock().now() + _NEXT_TERM
    there = administrator.get("program", "/program", kind="policy")["policies"]
    ours = next(each for each in there if (each["campus"], each["name"]) == (policy["campus"], policy["name"]))
    if any(each["edition"] == _NEXT for each in ours["editions"]):
        return
    next_ = {"edition": _NEXT, "effective_from": begins, "values": {"rules": rules}, "source": "watched for a term"}
    (change,) = program.carry_out(administrator, {"policies": [policy | {"editions": [first, next_]}]})
    Person(SECOND).post("program", f"/proposals/{change['proposal_id']}/approve")
    say(f"rules for next term: proposed by {ADMINISTRATOR}, agreed to by {SECOND}")


def _director_known() -> bool:
    """Say whether the director of the sample holds that role where the program is read from its topic."""
    try:
        Person(DIRECTOR).get("analytics", "/figures", campus="NORTH")
    except CannotError:
        return False
    return True


def _bring_in(administrator: Person, played: Played, say: Say) -> None:
    """Import roster, flags and referrals; the campuses must have reached intake first."""
    sample = played.term
    say("importing the roster")

    def all_known() -> bool:
        return not imports.upload(administrator, "/roster/imports", sample.roster, {"dry_run": True})["rejected"]

    until(all_known, "intake knowing the campuses")
    for kind, path, file, query in (
        ("roster", "/roster/imports", sample.roster, {}),
        ("flags", "/flags/imports", sample.flags, {"source": SOURCE}),
        ("referrals", "/referrals/imports", sample.referrals, {"source": SOURCE}),
    ):
        if kind != "roster":
            say(f"importing {kind}")
        if kind == "referrals":
            _still_today(administrator, sample)
        answer = imports.upload(administrator, path, file, query)
        imports.show(answer, file)
        played.answers[kind] = answer
        if answer["rejected"]:
            raise CannotError(f"{answer['rejected']} rows of the sample's {kind} were not taken.")


def _still_today(administrator: Person, sample: Term) -> None:
    """Raise CannotError when the danger of the sample is old news by now and has not been brought in yet."""
    if SystemClock().now() - calling(sample)[FIRST] < _STILL_TODAY:
        return
    asked = {"source": SOURCE, "dry_run": True}
    if imports.upload(administrator, "/referrals/imports", sample.referrals, asked)["accepted"]:
        raise CannotError("This sample term was begun hours ago and never finished. Begin anew: caselight demo --fresh")


def _wait_counted(say: Say, played: Played) -> None:
    """Wait until all of the sample has come out at the far end: in its cases, and in the figures."""
    say("waiting for cases and figures")
    flags, brought = (played.answers[kind]["rows"] for kind in ("flags", "referrals"))
    until(lambda: all(map(_in_cases, READERS)), "opening the cases")

    def counted() -> bool:
        sums = totals(figures(played))
        # Some of those brought stand behind the Title IX wall; those that the rule made are on top of the others.
        return bool(sums.get("flags", 0) >= flags and sums.get("referrals", 0) + _walled(played) >= brought)

    until(counted, "counting the sample")


def _in_cases(campus: str) -> bool:
    """Say whether every referral of a campus that triage made a case of is in one."""
    return all(each["case_id"] for each in triaged(campus) if each["decision"] in ("open_case", "attach"))


def triaged(campus: str) -> Iterator[Mapping[str, Any]]:
    """Yield the referrals of a campus that triage has decided on, oldest first."""
    asked: dict[str, object] = {"campus": campus, "state": "triaged"}
    while True:
        answer = Person(READERS[campus]).get("intake", "/referrals", **asked)
        yield from answer["items"]
        if answer["after"] is None:
            return
        asked["after"] = answer["after"]


def _walled(played: Played) -> int:
    walled = {"sexual_misconduct", "partner_violence", "stalking"}
    return sum(bool(walled.intersection(row["concerns"].split(";"))) for row in rows(played.term.referrals))


def figures(played: Played) -> dict[str, Any]:
    """Return the figures of the whole term, as the system's director may see them."""
    first = min(datetime.fromisoformat(row["raised_at"]) for row in rows(played.term.flags)).date()
    return dict(Person(DIRECTOR).get("analytics", "/figures", since=first.isoformat()))


def totals(found: Mapping[str, Any]) -> dict[str, int]:
    """Return the sum of each kind of figure."""
    sums: dict[str, int] = {}
    for row in found["rows"]:
        sums[row["kind"]] = sums.get(row["kind"], 0) + row["count"]
    return sums


def rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of one of the sample's files."""
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


# ------------------------------------------------------------------------------------------------------- pages


def pages() -> list[Page]:
    """Return every page that the system's director and the Title IX coordinator may know of."""
    found: dict[str, Page] = {}
    for person in (DIRECTOR, COORDINATOR):
        for page in Person(person).get("notifications", "/pages")["items"]:
            found[page["page_id"]] = page
    return sorted(found.values(), key=lambda page: (page["happened_at"], page["function"]))


def calling(sample: Term) -> dict[int, datetime]:
    """Return when each referral of the sample's last hours happened, by its number."""
    listed = enumerate(rows(sample.referrals), 1)
    at = {number: datetime.fromisoformat(row["happened_at"]) for number, row in listed}
    return {number: when for number, when in at.items() if number >= FIRST}


def page_of(found: Sequence[Page], at: datetime) -> Iterator[Page]:
    """Yield the pages about what happened at an instant: for danger, for Title IX, or both."""
    yield from (page for page in found if datetime.fromisoformat(page["happened_at"]) == at)


def _take_pages(played: Played, say: Say) -> None:
    """Let those who are paged accept by the link in their mail: most at once, one only when it is the next's turn."""
    times = calling(played.term)
    left, later = times[LEFT_ALONE], times[LEFT_TO_THE_NEXT]
    until(lambda: all(any(page_of(pages(), at)) for at in (times[FIRST], left, later)), "paging for today's danger")
    found = [page for page in pages() if page["state"] == "notifying"]
    others = [at for at in times.values() if at not in (left, later)]
    if found:
        say("pages: accepting by the link in the mail, as those on duty would")
    for at in others:
        for page in page_of(found, at):
            _accept(played.state, page)
    for page in page_of(found, later):
        say("pages: whoever was called first about one of them does not answer; waiting until the next is called")
        _accept(played.state, page, by=NEXT)
    for page in page_of(found, left):
        say("pages: nobody answers about another; waiting for it to go through its whole line")
        until(_no_longer_notifying(page), "going through the whole line")


def _no_longer_notifying(page: Page) -> Callable[[], bool]:
    path = f"/pages/{page['page_id']}"
    return lambda: Person(DIRECTOR).get("notifications", path)["state"] != "notifying"


def _accept(state: Path, page: Page, *, by: str = "") -> None:
    """Open the link of a page's mail and press its button."""
    link = until(lambda: link_in_mail(state, page["reference"], page["function"], by), "a page's mail arriving")
    with httpx.Client(timeout=30, trust_env=False, follow_redirects=True) as browser:
        if not browser.get(link).is_success:
            raise CannotError(f"The link of the page {page['reference']} does not open.")
        answer = browser.post(link, data={"answer": "accept"})
    if not answer.is_success:
        raise CannotError(f"The page {page['reference']} could not be accepted by its link.")


def mails(state: Path) -> list[Mail]:
    """Return every mail that was sent, oldest first."""
    return [read_mail(path) for path in sorted((state / "mail").glob("*.eml"))]


def link_in_mail(state: Path, reference: str, function: str, by: str) -> str | None:
    """Return the accept link for a page, from the newest mail about it (to somebody, if named)."""
    for mail in reversed(mails(state)):
        to = ", ".join(mail.recipients)
        wall = to.startswith((COORDINATOR, "nakamura"))
        if (by and not to.startswith(by)) or wall != (function == "titleix"):
            continue
        links = links_of(mail.text)
        if reference in links:
            return links[reference]
    return None


def links_of(text: str) -> dict[str, str]:
    """Return the links of a mail by the reference that stands before each: one mail may be about several pages."""
    found: dict[str, str] = {}
    reference = ""
    for line in text.splitlines():
        if line.startswith("Reference:"):
            reference = line.partition(":")[2].strip()
        for word in line.split():
            if "/a/" in word and reference:
                found[reference] = word
    return found
