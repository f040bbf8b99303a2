"""Who a rota names at an instant, before absences."""

from datetime import datetime, timedelta

from shared.events.program import RotaSnapshot, WeeklyShift
from shared.program.calendar import clock_time, instant, zone_of


def named(rota: RotaSnapshot, at: datetime, *, backup: bool) -> tuple[str, ...]:
    """Return whom the rota names at an instant for one place in line, in the rota's order.

    An override takes that place for its whole time. A weekly shift ends when the clock on the wall says so: a night
    of 12 hours from 20:00 ends at 08:00 in every week of the year, where the next shift begins, though it lasts 11
    or 13 hours when daylight saving changes. Counted in elapsed hours it would leave an hour with nobody on duty.
    """
    beating = [s.staff_id for s in rota.overrides if s.backup == backup and s.since <= at < s.until]
    if beating:
        return tuple(dict.fromkeys(beating))
    zone = zone_of(rota.zone)
    today = at.astimezone(zone).date()

    def covers(shift: WeeklyShift) -> bool:
        begins = clock_time(shift.starts)
        last = today - timedelta(days=(today.weekday() - shift.weekday) % 7)
        # A shift lasts a week at most, so only this week's and last week's can still run.
        return any(
            instant(day, begins, zone) <= at < instant(day, begins + timedelta(hours=shift.hours), zone)
            for day in (last, last - timedelta(days=7))
        )

    return tuple(dict.fromkeys(s.staff_id for s in rota.weekly if s.backup == backup and covers(s)))
