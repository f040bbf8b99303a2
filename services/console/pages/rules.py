"""Rules over flags: what is in force and what it did, a draft tried on the past, proposed, and agreed on by another."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import flagging, ruling, trying
from services.console.forms import Form
from services.console.listing import Filters, as_csv
from services.console.owners import Answer
from services.console.ruling import Draft
from services.console.visit import Visit, Visiting
from shared.access.actors import EVERYWHERE

router = APIRouter(include_in_schema=False)

# How long a page waits for a trial before it shows how far it is, in steps: less than a second.
_SOON = (0.1, 0.2, 0.2, 0.3)
_ENDED = frozenset({"done", "failed"})
_WHY_NOT = (("too_many", "It makes too many"), ("too_few", "It misses too many"), ("unclear", "It is not clear enough"),
            ("mistake", "It was a mistake"))  # fmt: skip
_MADE = {"referral": "Referrals", "outreach": "Outreach", "watch": "Nothing: it watched"}


@router.get("/rules")
async def overview(visit: Visiting) -> Response:
    """Show the rules in force, what they did, what waits for a second person, and what was in force before."""
    filters = Filters(visit)
    program, proposals, tally = await _asked(visit, filters)
    if filters.csv and tally is not None:
        tally.need()
        return as_csv("rules", ["Rule", "Edition", "Made", "Times", "Students", "Last"], map(_did, tally.items()))
    policies = program.json["policies"] if program.ok else []
    if program.status == HTTPStatus.FORBIDDEN:
        program.need()
    present = visit.program.policy(ruling.POLICY, visit.campus, visit.now)
    own = next((each for each in policies if (each["campus"], each["name"]) == (present.campus, ruling.POLICY)), None)
    return visit.page(
        "rules.html",
        words=flagging,
        present=present,
        rules=[msgspec.to_builtins(rule) for rule in visit.program.flag_rules(visit.campus, visit.now)],
        editions=sorted(own["editions"], key=lambda each: str(each["effective_from"]), reverse=True) if own else [],
        own=present.campus == visit.campus,
        proposals=[_proposal(visit, each) for each in proposals.items()],
        tally=tally.items() if tally is not None else [],
        made=_MADE,
        file=filters.file,
        tally_away=tally is not None and tally.missing,
        capacity=visit.program.capacity(visit.campus, visit.now),
        away=program.missing,
        why_not=_WHY_NOT,
        changes=visit.person.has("administrator"),
    )


@router.get("/rules/draft")
async def draft(visit: Visiting) -> HTMLResponse:
    """Show a draft that begins with an edition: that which is named, else that in force."""
    policies = (await visit.ask("program", "/program", kind="policy")).need()["policies"]
    wanted = visit.request.query_params.get("from", "")
    named = next((each for each in ruling.own_editions(policies, visit.campus) if each["edition"] == wanted), None)
    present = visit.program.flag_rules(visit.campus, visit.now)
    rules = ruling.rules_of(named["values"]) if named else [msgspec.to_builtins(rule) for rule in present]
    since, until = ruling.last_term(visit.program, visit.campus, visit.now)
    edition = ruling.next_edition(policies, visit.campus, visit.now)
    typed = ruling.as_typed(rules, edition=edition, begins=until, since=since, until=until, source="", salt="0")
    return _drafted(visit, Draft(typed, rules))


@router.post("/rules/draft")
async def work_on(visit: Visiting, form: Form) -> Response:
    """Add or take away a rule, try the draft on past flags, or propose it."""
    do, made = form.get("do", "try"), ruling.read(form)
    if do == "add":
        return _drafted(visit, ruling.read(ruling.with_another(made)))
    if do.startswith("remove-"):
        return _drafted(visit, ruling.read(ruling.without(made, int(do.removeprefix("remove-") or 0))))
    said = await _checked(visit, made)
    if said is None:
        return _drafted(visit, made)
    return await (_propose if do == "propose" else _try)(visit, made, said)


async def _checked(visit: Visit, made: Draft) -> Mapping[str, Any] | None:
    """Return the document that a draft is, as the program would take it; None with what is wrong noted."""
    begins = ruling.midnight(made.typed.get("begins", ""), visit.zone)
    if begins is None:
        made.wrong["begins"] = "Type the day from which it holds, such as 2026-09-14"
    if made.wrong or begins is None:
        return None
    policies = (await visit.ask("program", "/program", kind="policy")).need()["policies"]
    said = ruling.document(policies, visit.campus, made, begins)
    answer = await _apply(visit, said, dry_run=True)
    if not answer.ok:
        made.wrong = _wrong(answer)
        return None
    return said


async def _propose(visit: Visit, made: Draft, said: Mapping[str, Any]) -> Response:
    answer = await _apply(visit, said, dry_run=False)
    if not answer.ok:
        made.wrong = _wrong(answer)
        return _drafted(visit, made)
    if not answer.need()["changes"]:
        return visit.go("/rules", said="These rules are in force already.")
    return visit.go("/rules", said="Proposed. Another administrator has to agree before it decides about anybody.")


@router.get("/rules/proposals/{proposal_id}")
async def try_proposed(visit: Visiting, proposal_id: UUID) -> Response:
    """Show what a proposal would have made of past flags, to whoever is to agree to it."""
    found = (await visit.ask("program", "/proposals", state="waiting")).items()
    proposed = next((_proposal(visit, each) for each in found if each["proposal_id"] == str(proposal_id)), None)
    if proposed is None or not proposed["new"]:
        return visit.go("/rules", said="This proposal does not wait any more.")
    edition = proposed["new"][-1]
    since, until = ruling.last_term(visit.program, visit.campus, visit.now)
    typed = ruling.as_typed(
        edition["rules"], edition=edition["edition"], begins=edition["effective_from"][:10], since=since, until=until,
        source=edition["source"], salt="0",
    )  # fmt: skip
    return await _try(visit, ruling.read(typed), {}, campus=proposed["campus"])


@router.post("/rules/proposals/{proposal_id}")
async def decide(visit: Visiting, proposal_id: UUID, form: Form) -> Response:
    """Agree to a proposal, refuse it, or take one's own back."""
    here = f"/proposals/{proposal_id}"
    if form.get("do") == "approve":
        answer = await visit.tell("program", "POST", f"{here}/approve")
        said = "Agreed. The rules hold from their day, at the earliest from now."
    else:
        answer = await visit.tell("program", "POST", f"{here}/reject", {"reason_code": form.get("reason") or "mistake"})
        said = "Saved. The rules in force stay as they are."
    if answer.status in (HTTPStatus.CONFLICT, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY):
        return visit.go("/rules", said=answer.detail)
    answer.need()
    return visit.go("/rules", said=said)


@router.post("/rules/back")
async def back(visit: Visiting, form: Form) -> Response:
    """Put an earlier edition in force again."""
    body = {"campus": visit.campus, "name": ruling.POLICY, "edition": form.get("edition", "")}
    answer = await visit.tell("program", "POST", "/policies:roll-back", body)
    if not answer.ok and not answer.missing:
        return visit.go("/rules", said=answer.detail)
    answer.need()
    return visit.go("/rules", said=f"Edition {body['edition']} is in force again. Two people had agreed to it before.")


async def _asked(visit: Visit, filters: Filters) -> tuple[Answer, Answer, Answer | None]:
    """Ask the program, and intake where one campus is looked at."""
    asked = [
        visit.ask("program", "/program", kind="policy"),
        visit.ask("program", "/proposals", state="waiting"),
    ]
    if visit.campus != EVERYWHERE:
        asked.append(visit.ask("intake", "/rules/tally", headers=filters.headers, campus=visit.campus))
    answers = list(await asyncio.gather(*asked))
    return answers[0], answers[1], answers[2] if len(answers) > 2 else None  # noqa: PLR2004 - the third


def _did(each: Mapping[str, Any]) -> list[object]:
    made = _MADE.get(each["made"], each["made"])
    return [
        flagging.name(each["rule"]),
        each["policy_edition"],
        made,
        each["firings"],
        each["students"],
        each["last_at"],
    ]


async def _apply(visit: Visit, said: Mapping[str, Any], *, dry_run: bool) -> Answer:
    return await visit.tell("program", "POST", "/program:apply", {"document": said, "dry_run": dry_run})


def _wrong(answer: Answer) -> dict[str, str]:
    if answer.status != HTTPStatus.UNPROCESSABLE_ENTITY:
        answer.need()
    return ruling.problems(answer.errors)


async def _try(visit: Visit, made: Draft, _said: Mapping[str, Any], *, campus: str = "") -> Response:
    """Show what a draft would have made of past flags, with the draft beneath."""
    since = ruling.midnight(made.typed.get("since", ""), visit.zone)
    until = ruling.midnight(made.typed.get("until", ""), visit.zone)
    if since is None or until is None:
        made.wrong["since" if since is None else "until"] = "Type a day, such as 2026-09-14"
        return _drafted(visit, made)
    campus = campus or visit.campus
    campuses = [campus] if campus != EVERYWHERE else [each.code for each in visit.campuses]
    salt = made.typed.get("salt", "0")
    body = {
        "campuses": campuses,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "rules": made.rules,
        "salt": int(salt) if salt.isdigit() else 0,
    }
    answer = await visit.tell("intake", "POST", "/rules/trials", body | {"kept": made.typed})
    if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        made.wrong["until"] = answer.detail
        return _drafted(visit, made)
    here = f"/rules/trials/{answer.need()['trial_id']}"
    # Most trials take no second, and show at once.
    for pause in _SOON:
        await asyncio.sleep(pause)
        trial = await visit.ask("intake", here)
        if trial.ok and trial.json["state"] in _ENDED:
            return await _shown(visit, made, trial.json)
    return visit.go(here)


@router.get("/rules/trials/{trial_id}")
async def trial(visit: Visiting, trial_id: UUID) -> Response:
    """Show how far a trial is, and once it is done what the draft would have made, with the draft beneath."""
    found = (await visit.ask("intake", f"/rules/trials/{trial_id}")).need()
    return await _shown(visit, ruling.read(found["kept"]), found)


async def _shown(visit: Visit, made: Draft, trial: Mapping[str, Any]) -> HTMLResponse:
    result = trial["result"]
    if result is None:
        return _drafted(visit, made, trial=trial)
    names = await visit.names([each["student_id"] for each in result["examples"]])
    return _drafted(visit, made, tried=trying.result(visit, result), names=names)


def _drafted(
    visit: Visit,
    made: Draft,
    *,
    tried: trying.Result | None = None,
    names: Any = None,  # noqa: ANN401
    trial: Mapping[str, Any] | None = None,
) -> HTMLResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if made.wrong else HTTPStatus.OK
    return visit.page(
        "rules_draft.html", status, live=False, draft=made, words=flagging, tried=tried, names=names,
        most=ruling.MOST, numbers=range(made.count), trial=trial,
    )  # fmt: skip


def _proposal(visit: Visit, each: Mapping[str, Any]) -> dict[str, Any]:
    """Return a proposal with what it would change, and whether this person can agree to it."""
    before = {edition["edition"] for edition in (each["before"] or {}).get("editions") or ()}
    after: Sequence[Mapping[str, Any]] = (each["after"] or {}).get("editions") or ()
    new = [edition for edition in after if edition["edition"] not in before]
    return {
        **each,
        "mine": each["proposed_by"] == visit.person.id,
        "at": datetime.fromisoformat(each["proposed_at"]),
        "new": [{**edition, "rules": ruling.rules_of(edition["values"])} for edition in new],
    }
