"""Times, ages and codes in plain words, for messages, the link's page and explanations."""

from datetime import datetime, timedelta

from shared.program import Program

_MINUTE = 60
_HOUR = 3600
_DAY = 86400

# What a target is called in "because they are ...".
BECAUSE = {
    "duty": "they are on duty at {campus}",
    "duty_backup": "they are the backup on duty at {campus}",
    "system": "they are on duty for the whole system",
    "system_backup": "they are the backup on duty for the whole system",
    "related_on_duty": "they are the student's case manager and at work now",
    "team": "they are on the student's care team",
    "director": "they are the director at {campus}",
    "titleix_coordinator": "they are the Title IX coordinator for {campus}",
    "titleix_deputy": "they are the Title IX deputy for {campus}",
}

# What a target is called in a list of steps.
TARGETS = {
    "duty": "the duty officer of {campus}",
    "duty_backup": "the backup duty officer of {campus}",
    "system": "the duty officer of the whole system",
    "system_backup": "the backup duty officer of the whole system",
    "related_on_duty": "the student's case manager, if at work",
    "team": "the student's care team",
    "director": "the director of {campus}",
    "titleix_coordinator": "the Title IX coordinator",
    "titleix_deputy": "the Title IX deputy",
}

WHY_NOT = {
    "absent": "they are away",
    "off_duty": "they are not at work at this hour",
    "kept_out": "they are not to work on this matter",
    "no_address": "no work e-mail address is known for them",
    "already_told": "they had been told before and are still able to take it",
}

OUTCOMES = {
    "no_answer": "had no answer yet",
    "reached_safe": "reached the student, who is safe,",
    "police_check": "asked the police to look after the student",
    "transported": "wrote down that the student was taken to care",
    "not_located": "could not find the student",
    "handed_over": "handed it over",
    "contact": "wrote into the case that the student was reached",
}

DECLINED = {
    "with_somebody": "with another student",
    "off_duty": "not on duty",
    "cannot_get_there": "cannot get to a phone or computer",
    "unwell": "not well",
    "other": "another reason",
}


def campus_name(program: Program, campus: str) -> str:
    """Return what a campus is called, or its code."""
    known = program.campuses.get(campus)
    return known.name if known else campus


def staff_name(program: Program, staff_id: str) -> str:
    """Return what a member of staff is called, or their id when they are no longer known."""
    person = program.staff.get(staff_id)
    return person.name if person else staff_id


def joined(names: list[str], word: str = "and") -> str:
    """Join names as a sentence does: `A, B and C`."""
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def span(length: timedelta) -> str:
    """Say how long something lasts, in one or two units: `40 seconds`, `7 hours 10 minutes`."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < _MINUTE:
        return _count(seconds, "second")
    days, hours, minutes = seconds // _DAY, seconds % _DAY // _HOUR, seconds % _HOUR // _MINUTE
    counts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    while not counts[0][0]:
        del counts[0]
    return " ".join(_count(number, unit) for number, unit in counts[:2] if number)


def age(since: datetime, now: datetime) -> str:
    """Say the age of something; within the first minute it is new."""
    passed = now - since
    return "less than a minute" if passed < timedelta(minutes=1) else span(passed)


def clock(program: Program, campus: str, at: datetime, *, seconds: bool = False) -> str:
    """Return a time as the campus reads it: `8:46 am`, or `8:46:03 am`."""
    local = at.astimezone(program.calendar(campus).zone)
    shown = local.strftime("%I:%M:%S %p" if seconds else "%I:%M %p").lstrip("0")
    return shown.replace("AM", "am").replace("PM", "pm")


def day_and_clock(program: Program, campus: str, at: datetime) -> str:
    """Return a day and time as the campus reads them: `Tue Nov 17, 8:46 am`."""
    local = at.astimezone(program.calendar(campus).zone)
    return f"{local:%a %b} {local.day}, {clock(program, campus, at)}"


def zone(program: Program, campus: str, at: datetime) -> str:
    """Return the short name of the zone that times are shown in, such as `EST`."""
    return at.astimezone(program.calendar(campus).zone).tzname() or "UTC"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
