"""Take in a OneRoster zip file: what its files say is kept, and the students it concerns are put together from it.

    files → rows → `roster_objects` → who is concerned → students, by the feed's mapping → the roster

A file in bulk says all there is: what it does not name any more has left, unless a row of it could not be read. A delta
says what changed, and the rest is known from before. Each step commits some rows at a time; the same file again changes
nothing.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import BinaryIO, get_args

from services.intake.domain.classes import Catalog, Composer, IdFrom, Person, teachers_of
from services.intake.domain.decoders.oneroster import FileReader, Kind, Manifest, Object, Read, files_of, manifest_in
from services.intake.domain.decoders.parts import Unread
from services.intake.domain.feeds import Aside, Feed
from services.intake.domain.rejects import BadCell
from services.intake.domain.roster_rows import ACTIVE
from services.intake.storage import imports, roster_objects, students
from services.intake.storage.imports import Counts
from services.intake.storage.roster_objects import Users
from services.intake.usecases.receive_delivery import LOOP, Delivery, receive
from shared.access.actors import service_actor
from shared.messaging import health
from shared.privacy.keys import KeyRing
from shared.storage import snapshots
from shared.storage.engines import Database
from shared.storage.tx import Tx

ROWS_AT_ONCE, STUDENTS_AT_ONCE = 4_000, 1_000
# A change of one of these may concern anybody.
_OF_EVERYBODY: tuple[Kind, ...] = ("orgs", "academicSessions", "courses")


async def take_roster(database: Database, keys: KeyRing, delivery: Delivery, file: BinaryIO, _name: str) -> None:
    """Take a zip file in. Raises Refused for one that is no roster; what was read of it before then stays."""
    taking = _Taking(database, keys, delivery)
    manifest = await asyncio.to_thread(manifest_in, file)
    await taking.rows(file, manifest)
    await taking.students(everybody=manifest.whole or any(_said(manifest, kind) for kind in _OF_EVERYBODY))


class _Taking:
    """One zip file on its way in."""

    def __init__(self, database: Database, keys: KeyRing, delivery: Delivery) -> None:
        self._database, self._keys, self._delivery = database, keys, delivery
        self._actor = service_actor(database.service)
        self._feed: Feed = delivery.feed
        self._loop = f"{database.service}.{LOOP}"

    async def rows(self, file: BinaryIO, manifest: Manifest) -> None:
        """Keep what the rows of all files say."""
        unread = set[Kind]()
        readings = _readings(file, manifest)
        while (read := await asyncio.to_thread(next, readings, None)) is not None:
            health.at_work(self._loop)
            kind, found = read
            if found.unread:
                unread.add(kind)
            async with self._database.transaction(self._actor) as tx:
                await roster_objects.put(tx, self._feed, self._delivery.of, found.objects)
                await self._set_aside(tx, found.unread)
        for kind, mode in manifest.files.items():
            if mode == "bulk" and kind not in unread:
                async with self._database.transaction(self._actor) as tx:
                    await roster_objects.gone_unless_seen(tx, self._feed, self._delivery.of, kind)

    async def students(self, *, everybody: bool) -> None:
        """Put the students together that the rows concern, and take them in; whoever is gone is kept as vanished."""
        last: str | None = ""
        while last is not None:
            health.at_work(self._loop)
            async with self._database.transaction(self._actor) as tx:
                last = await self._some(tx, last, everybody=everybody)

    async def _some(self, tx: Tx, after: str, *, everybody: bool) -> str | None:
        feed, import_id = self._feed, self._delivery.of.import_id
        ids = await roster_objects.concerned(
            tx.connection, feed, import_id, after, STUDENTS_AT_ONCE, everybody=everybody
        )
        if not ids:
            return None
        users = await roster_objects.users(tx.connection, feed, ids)
        composer = await self._composer(tx, users)
        people = [_person(sourced_id, fields, users) for sourced_id, fields in users.there.items()]
        await receive(tx, self._keys, self._delivery, list(composer.parts(people)))
        await self._vanish(tx, composer, users)
        return ids[-1]

    async def _composer(self, tx: Tx, users: Users) -> Composer:
        """Return what puts these students together: with all they refer to, and nothing more."""
        feed = self._feed
        small = await roster_objects.catalog(tx.connection, feed)
        wanted = {each.get("classSourcedId", "") for enrolled in users.enrollments.values() for each in enrolled}
        classes = await roster_objects.some(tx.connection, feed, "classes", wanted)
        teachers = teachers_of(await roster_objects.teaching(tx.connection, feed, classes))
        staff = await roster_objects.some(tx.connection, feed, "users", [each[0] for each in teachers.values()])
        catalog = Catalog(small["orgs"], small["academicSessions"], small["courses"], classes, teachers, staff)
        today = tx.now.date().isoformat()
        return Composer(catalog, today, _id_from(feed, "student_id_from"), _id_from(feed, "staff_id_from"))

    async def _vanish(self, tx: Tx, composer: Composer, users: Users) -> None:
        """Mark students who have left as vanished. Nothing of theirs is forgotten."""
        cells, place = self._delivery.mapping.of_json(), self._delivery.mapping.names.index("student_id")
        numbers = list[str]()
        for sourced_id, fields in users.gone.items():
            try:
                row = cells(composer.said_of(Person(sourced_id, fields, (), ())), "")
            except BadCell:  # who cannot be read as a student was never taken in as one
                continue
            if row is not None and row[place]:
                numbers.append(row[place])
        known = await students.by_number(tx.connection, numbers)
        left = [
            student
            for student, seen_in in known.values()
            if student.status == ACTIVE
            and seen_in != self._delivery.of.import_id
            and self._feed.campus in ("*", student.campus)
        ]
        if not left:
            return
        gone = [student.gone() for student in left]
        await students.save(tx, gone, self._delivery.of.import_id)
        await snapshots.save(tx, [student.snapshot() for student in gone])
        await imports.add(tx, self._delivery.of.import_id, Counts(rows=len(gone), accepted=len(gone)))

    async def _set_aside(self, tx: Tx, unread: Sequence[Unread]) -> None:
        if unread:
            asides = {
                number: Aside(each.place, each.code, "", each.reason, "", "bytes", each.raw)
                for number, each in enumerate(unread)
            }
            await self._delivery.keep(tx, self._keys, asides)
            await imports.add(tx, self._delivery.of.import_id, Counts(rows=len(unread), rejected=len(unread)))


def _readings(file: BinaryIO, manifest: Manifest) -> Iterator[tuple[Kind, Read]]:
    """Yield what the files say, some rows at a time."""
    for kind, member in files_of(file, manifest):
        reader, waiting = FileReader(kind, manifest.files[kind]), Read()
        for piece in member.pieces:
            _add(waiting, reader.feed(piece))
            while len(waiting.objects) >= ROWS_AT_ONCE:
                yield kind, _taken(waiting)
        _add(waiting, reader.finish())
        while waiting.objects or waiting.unread:
            yield kind, _taken(waiting)


def _add(waiting: Read, read: Read) -> None:
    waiting.objects += read.objects
    waiting.unread += read.unread


def _taken(waiting: Read) -> Read:
    """Take some rows of those that wait, and what could not be read beside them."""
    objects: list[Object] = waiting.objects[:ROWS_AT_ONCE]
    del waiting.objects[:ROWS_AT_ONCE]
    unread, waiting.unread = waiting.unread, []
    return Read(objects, unread)


def _person(sourced_id: str, fields: dict[str, str], users: Users) -> Person:
    return Person(sourced_id, fields, users.roles.get(sourced_id, ()), users.enrollments.get(sourced_id, ()))


def _said(manifest: Manifest, kind: Kind) -> bool:
    return manifest.files.get(kind, "absent") != "absent"


def _id_from(feed: Feed, name: str) -> IdFrom:
    """Return by which of a user's ids a campus knows people, as the feed's settings say."""
    said = feed.settings.get(name)
    return next((each for each in get_args(IdFrom) if each == said), "identifier")
