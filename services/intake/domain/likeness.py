"""How like two names are, part by part, in the spelling that names are compared in."""

import re
from collections.abc import Sequence
from itertools import pairwise

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from services.intake.domain.nicknames import may_mean
from services.intake.domain.people import comparable

# What an initial or a nickname is worth beside the name written out.
_INITIAL, _NICKNAME = 0.94, 0.96
_MOST_RUNS, _LONGEST_RUN = 3, 4
_WORD = re.compile(r"[^\W\d_][\w'\u2019-]*\.?", re.UNICODE)
# Words that begin sentences, and titles, are no names.
_WORDS = """
    a an and at but can dr he her his i if in is it last let mr mrs ms my on our prof professor she so someone that the
    their there they this today tonight we when yesterday you el la los las un una ella mi mis su sus sr sra hall room
    house street dorm floor
"""
_NO_NAMES = frozenset(_WORDS.split())


def likeness(said: str, known: str) -> float:
    """Return how like two comparable names are, 0 to 1, whatever the order of their parts.

    Each part of the shorter is held against its best part of the other. What the other has beyond that costs little:
    people leave out middle names and second family names.
    """
    if not said or not known:
        return 0.0
    if said == known:
        return 1.0
    left, right = said.split(), known.split()
    fewer, more = (left, right) if len(left) <= len(right) else (right, left)
    parts = _matched(fewer, more)
    together = JaroWinkler.normalized_similarity(said.replace(" ", ""), known.replace(" ", ""))
    missing = 0.02 * (len(more) - len(fewer)) if len(fewer) > 1 else 0.1
    return max(parts - missing, together - 0.04, 0.0)


def _matched(fewer: Sequence[str], more: Sequence[str]) -> float:
    free, total, weight = list(more), 0.0, 0
    for part in sorted(fewer, key=len, reverse=True):
        likes = [part_likeness(part, other) for other in free]
        like = max(likes)
        del free[likes.index(like)]
        worth = max(2, len(part))
        total += like * worth
        weight += worth
    return total / weight


def part_likeness(one: str, other: str) -> float:
    """Return how like two single parts of names are: initials and nicknames count for what they stand for."""
    if one == other:
        return 1.0
    if 1 in (len(one), len(other)):
        return _INITIAL if one[0] == other[0] else 0.0
    if may_mean(one, other):
        return _NICKNAME
    return float(JaroWinkler.normalized_similarity(one, other))


def one_slip(one: str, other: str) -> bool:
    """Return whether two ids or addresses differ by one slip of the hand: a sign more, less, other, or swapped."""
    return one != other and DamerauLevenshtein.distance(one, other, score_cutoff=1) == 1


def slips(number: str) -> set[str]:
    """Return the ids that are one slip away from one that somebody typed, digits for digits."""
    found = {
        number[:place] + digit + number[place + 1 :]
        for place, sign in enumerate(number)
        if sign.isdigit()
        for digit in "0123456789"
    }
    for place, (left, right) in enumerate(pairwise(number)):
        found.add(number[:place] + right + left + number[place + 2 :])
    return found - {number}


def address_slips(email: str) -> set[str]:
    """Return the addresses one slip away from one that was typed: a letter too much, swapped, or doubled too little."""
    local, at, domain = email.partition("@")
    found = {local[:place] + local[place + 1 :] for place in range(len(local))}
    found |= {local[:place] + sign + local[place:] for place, sign in enumerate(local)}
    found |= {local[:n] + two + one + local[n + 2 :] for n, (one, two) in enumerate(pairwise(local))}
    return {f"{each}{at}{domain}" for each in found if each} - {email}


def names_in(text: str) -> list[str]:
    """Return what may be names in words that somebody wrote: runs of capitalized words, the longest first."""
    runs, run, after = list[list[str]](), list[str](), 0
    for word in _WORD.finditer(text):
        apart = text[after : word.start()].strip()
        after = word.end()
        named = word.group()[0].isupper() and comparable(word.group()) not in _NO_NAMES
        if apart or not named:
            runs.append(run)
            run = []
        if named:
            run.append(word.group())
    runs.append(run)
    named_runs = sorted((each for each in runs if each), key=len, reverse=True)
    return [comparable(" ".join(each[:_LONGEST_RUN])) for each in named_runs[:_MOST_RUNS]]


def queries(name: str, text: str, email: str) -> list[str]:
    """Return what to look for, in comparable spelling: the name, else names in the text, else those in the address."""
    found = [comparable(name)] if name.strip() else names_in(text)
    if not found and 0 < len(text.split()) <= _LONGEST_RUN:
        found = [comparable(text)]
    local = comparable(re.sub(r"\d+", " ", email.partition("@")[0]))
    if not found and len(local) > 4:  # noqa: PLR2004 - shorter ones are initials, which fit everybody
        found = [local]
    return [each for each in dict.fromkeys(found) if each]
