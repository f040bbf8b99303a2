"""The match desk in words: what a referral says of a person, beside what is known of those it may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.visit import Visit
from shared.web.ui.times import calendar_day

FIELDS = (
    ("name", "Name"),
    ("number", "Student ID"),
    ("email", "E-mail"),
    ("residence", "Lives at"),
    ("course", "Class named"),
    ("level", "Year"),
    ("birth_date", "Born, or age"),
    ("pronouns", "Pronouns"),
)
NOBODY, NOT_ON_ROSTER, LATER = "none", "new", "later"
WHY_OTHER = (
    ("wrong_person", "It is somebody else"),
    ("mistyped", "The ID or address was mistyped"),
    ("referrer_said", "The referrer said so"),
    ("split", "It is about several people"),
    ("other", "Another reason"),
)
KINDS = {"same": "same", "fits": "fits", "could_fit": "close", "differs": "differs"}
SOURCES = {
    "self": "Self", "peer": "Student", "faculty": "Faculty", "staff": "Staff", "parent": "Parent", "police": "Police",
    "anonymous": "Anonymous", "rule": "Rule", "other": "Somebody",
}  # fmt: skip
CHANNELS = {
    "form": "form", "api": "partner system", "file": "file", "webhook": "feed", "topic": "feed", "phone": "phone",
    "rule": "flags",
}  # fmt: skip
SAID = {
    "matched": "said it is {who}",
    "rejected": "said it is not {who}",
    "unmatched": "took back that it is {who}",
    "not_on_roster": "said it is nobody on the roster",
    "left_open": "left it open",
}
LEVELS = {
    "first-year": "First year", "sophomore": "Second year", "junior": "Third year", "senior": "Fourth year",
    "graduate": "Graduate",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """What the macro `evidence` takes, and the choices under it."""

    written: Sequence[str]
    fields: Sequence[str]
    candidates: Sequence[Mapping[str, object]]
    choices: Sequence[tuple[str, str, str]]
    shown: Sequence[str]


def whom(row: Mapping[str, Any]) -> str:
    """Return whom a referral means, as short as a list wants it."""
    meant = " ".join(str(row["meant"]).split())
    if not meant:
        return "Not named"
    return f"“{meant[:40].rstrip()}…”" if len(meant) > 40 else f"“{meant}”"  # noqa: PLR2004 - a line of the list


def came(row: Mapping[str, Any]) -> str:
    """Return who brought it, and how."""
    return f"{SOURCES.get(row['source_kind'] or '', 'Somebody')}, {CHANNELS.get(row['channel'], row['channel'])}"


def desk(said: Mapping[str, Any], chosen: str = "") -> Desk:
    """Return the evidence side by side. A field in which nobody has said anything and nothing is known is left out."""
    about, found = said["about"], said["candidates"]
    by_field = [{each["field"]: each for each in candidate["evidence"]} for candidate in found]
    kept = [
        (field, name)
        for field, name in FIELDS
        if _written(about, field) or any(evidence[field]["known"] for evidence in by_field)
    ]
    candidates = [
        {
            "heading": candidate["name"],
            "summary": summary(candidate),
            "chosen": candidate["student_id"] == chosen,
            "cells": [_cell(evidence[field]) for field, _ in kept],
        }
        for candidate, evidence in zip(found, by_field, strict=True)
    ]
    return Desk(
        written=[_written(about, field) for field, _ in kept],
        fields=[name for _, name in kept],
        candidates=candidates,
        choices=_choices(found),
        shown=[candidate["student_id"] for candidate in found],
    )


def summary(candidate: Mapping[str, Any]) -> str:
    """Return how much agrees, in words, and where the person is no longer on the roster."""
    agrees, compared = candidate["agrees"], candidate["compared"]
    words = f"{agrees} of {compared} {'agrees' if agrees == 1 else 'agree'}"
    return f"{words}; no longer on the roster" if candidate["status"] == "vanished" else words


def headline(count: int) -> str:
    """Return how many fit."""
    return {0: "No one fits", 1: "1 person fits"}.get(count, f"{count} people fit")


def history(visit: Visit, said: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what people said of it before, with when: the newest first."""
    told = []
    for each in reversed(said):
        who = names.get(each["student_id"] or "", "somebody")
        sentence = SAID.get(each["decision"], each["decision"]).format(who=who)
        told.append((each["decided_at"], f"{visit.staff_name(each['decided_by'])} {sentence}"))
    return told


def _written(about: Mapping[str, Any], field: str) -> str:
    if field == "name":
        return str(about["name"] or about["description"])
    return str(about.get(field, ""))


def _cell(evidence: Mapping[str, Any]) -> tuple[str, str]:
    known, field = evidence["known"], evidence["field"]
    if field == "number" and known:
        known = f"ends in {known}"
    if field == "level":
        known = LEVELS.get(known, known)
    if field == "birth_date":
        known = calendar_day(known)
    return known, KINDS.get(evidence["agreement"], "none")


def _choices(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the choices with their keys: a digit for each person, 0, N and L for the others."""
    names = [candidate["name"] for candidate in found]
    twice = {name for name in names if names.count(name) > 1}
    people = [
        (
            candidate["student_id"],
            f"{candidate['name']}, ends in {candidate['number_end']}"
            if candidate["name"] in twice
            else candidate["name"],
            str(place),
        )
        for place, candidate in enumerate(found, 1)
    ]
    nobody = {0: [], 1: [(NOBODY, "Not this person", "0")], 2: [(NOBODY, "Neither of them", "0")]}
    return [
        *people,
        *nobody.get(len(found), [(NOBODY, "None of them", "0")]),
        (NOT_ON_ROSTER, "Someone not on the roster", "n"),
        (LATER, "Leave open, ask the referrer", "l"),
    ]
