"""Keep what a roster file brings with students: names to find them by, classes, contacts."""

from collections.abc import Iterable, Mapping, Sequence

from services.intake.domain import people
from services.intake.domain.people import EMERGENCY, MISSING_PERSON
from services.intake.domain.roster_rows import Student, StudentRow
from services.intake.storage import beside, student_names
from services.intake.storage.beside import NewContacts
from services.intake.storage.student_names import HISTORY, ROSTER, NewName
from shared.privacy.keys import KeyRing
from shared.storage.tx import Tx

Change = tuple[Student | None, Student]
_TABLES = ("student_names", "enrollments", "student_contacts")


async def keep_beside(tx: Tx, keys: KeyRing, changed: Sequence[Change], rows: Mapping[str, StudentRow]) -> None:
    """Keep what stands beside students that a file has changed; `rows` are its rows by number.

    What the roster called somebody before stays a name to find them by. A fixed number of statements.
    """
    if not changed:
        return
    said = {now.student_id: rows[now.number].beside for _, now in changed}
    listed = {id_ for id_, each in said.items() if each.aliases is not None}
    await student_names.forget(tx.connection, said, listed)
    await student_names.add(tx, [name for change in changed for name in _names(*change, rows)])
    moved = {now.student_id: now.campuses for before, now in changed if before and before.campuses != now.campuses}
    if moved:
        for table in _TABLES:
            await student_names.follow(tx.connection, table, moved)
    classes = {
        now.student_id: (now.campuses, sections)
        for before, now in changed
        if (sections := rows[now.number].beside.sections) is not None and _differs(before, now, "sections")
    }
    if classes:
        await beside.enroll(tx.connection, classes)
    await beside.keep_contacts(tx, keys, list(_contacts(changed, rows)))


def _differs(before: Student | None, now: Student, name: str) -> bool:
    return before is None or dict(before.marks).get(name) != dict(now.marks).get(name)


def _names(before: Student | None, now: Student, rows: Mapping[str, StudentRow]) -> Iterable[NewName]:
    called = [(people.NAME, ROSTER, now.name)]
    if now.profile.name_in_use:
        called.append((people.IN_USE, ROSTER, now.shown_name))
    called += [(people.ALIAS, ROSTER, alias) for alias in rows[now.number].beside.aliases or ()]
    if before is not None and people.comparable(before.name) != people.comparable(now.name):
        called.append((people.FORMER, HISTORY, before.name))
    if before is not None and before.email not in ("", now.email):
        called.append((people.EMAIL, HISTORY, before.email))
    return (NewName(now.student_id, now.campuses, kind, source, value) for kind, source, value in called)


def _contacts(changed: Sequence[Change], rows: Mapping[str, StudentRow]) -> Iterable[NewContacts]:
    for before, now in changed:
        said = rows[now.number].beside
        for kind, mark, contacts in (
            (EMERGENCY, "emergency", said.emergency),
            (MISSING_PERSON, "missing_person", said.missing_person),
        ):
            if contacts is not None and _differs(before, now, mark):
                yield NewContacts(now.student_id, now.campuses, kind, contacts)
