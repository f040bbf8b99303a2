"""Files that machines drop: a folder for each feed, named by its code, with `processed` and `rejected` in it.

A file is taken when it is there to stay: nobody renames into place what they still write, so one whose size and time
have not changed for some seconds is complete, and names such as `alerts.csv.part` or `.alerts.csv` are left alone.
Nothing is ever opened by a path that somebody wrote: only what stands in the folder itself, and no links.
"""

import asyncio
import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from services.intake.domain.feeds import Feed
from services.intake.storage import feed_health, feeds
from services.intake.usecases.receive_file import TAKES, receive_file, set_file_aside
from shared.access.actors import service_actor
from shared.messaging import health
from shared.messaging.failures import is_transient
from shared.privacy.keys import KeyRing
from shared.settings import Settings
from shared.storage.engines import Database
from shared.telemetry import counters, describe, logger

SETTLED = timedelta(seconds=3)
KEPT = timedelta(days=30)
PROCESSED, REJECTED = "processed", "rejected"
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".swp", "~")
_LOOK_EVERY_S = 1.0
_PIECE = 1024 * 1024
_STAMP = "%Y%m%dT%H%M%S"
_LONGEST_NAME = 120
# A file that fails each time, and not for what passes by itself, is tried so often before its owner is told.
TRIES = 3
_FOLDER_OF = {"taken": PROCESSED, "again": PROCESSED, "rejected": REJECTED}

_CLOSED = (
    "A file in the folder cannot be opened. Let the sender drop files that everybody in the folder's group may read."
)
_STAYS = (
    "A file was read and cannot be moved out of the way. Let us write to the folder and to `processed` and `rejected`"
    " in it. Until then the file is read again and again, which changes nothing."
)

_log = logger("drops")


# What tells a file from another one of its name, and from itself after somebody wrote to it.
Looks = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Glimpse:
    """How a file looked, and since when it has looked so."""

    looks: Looks
    since: datetime


@dataclass
class FileDrops:
    """Watches the folders of the feeds that bring files. Two may watch at once: a folder is one's at a time."""

    database: Database
    settings: Settings
    keys: KeyRing
    _seen: dict[Path, Glimpse] = field(default_factory=dict)
    _failed: dict[Path, tuple[Looks, int]] = field(default_factory=dict)
    _told: dict[Path, tuple[str, Looks]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder in which each feed has its own."""
        return self.settings.feeds or self.settings.state / "feeds"

    async def run(self) -> None:
        """Look for files until cancelled; a database that is away is waited for."""
        name = f"{self.database.service}.drops"
        try:
            while True:
                health.beat(name)
                try:
                    taken = await self.look()
                except Exception as error:  # logged; what passes by itself is waited for
                    if not is_transient(error):
                        raise
                    self._say("taking files in was interrupted", error)
                    taken = 0
                if not taken:
                    await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            health.gone(name)

    async def look(self) -> int:
        """Do one round over all folders; return how many files were dealt with."""
        async with self.database.transaction(service_actor(self.database.service)) as tx:
            active = await feeds.of_files(tx.connection, TAKES.keys())
            now = tx.now
        return sum([await self._feed(feed, now) for feed in active])

    async def _feed(self, feed: Feed, now: datetime) -> int:
        folder = self.root / feed.code
        for each in (folder / PROCESSED, folder / REJECTED):
            each.mkdir(parents=True, exist_ok=True)
        with _held(folder) as mine:
            if not mine:
                return 0
            _forget_old(folder, now)
            ready = [path for path in _candidates(folder) if self._is_ready(path, now)]
            for path in ready:
                await self._take(feed, path)
        return len(ready)

    def _is_ready(self, path: Path, now: datetime) -> bool:
        """Whether a file has looked the same for long enough to be complete."""
        try:
            looks = _looks(path.lstat())
        except FileNotFoundError:  # taken away, or renamed, since the folder was listed
            return False
        glimpse = self._seen.get(path)
        if glimpse is None or glimpse.looks != looks:
            self._seen[path] = Glimpse(looks, now)
            return False
        return now - glimpse.since >= SETTLED

    async def _take(self, feed: Feed, path: Path) -> None:
        """Take a file in and put it where it belongs. One that fails stays for the next look, some times."""
        with contextlib.ExitStack() as opened:
            try:
                file = opened.enter_context(_opened(path))
            except FileNotFoundError:
                return
            except PermissionError:  # told to the feed's owner; the others go on
                self._seen.pop(path, None)
                await self._tell(feed, path, "file_closed", _CLOSED)
                return
            await self._take_opened(feed, path, file)

    async def _take_opened(self, feed: Feed, path: Path, file: BinaryIO) -> None:
        looks = _looks(os.fstat(file.fileno()))
        take = set_file_aside if self._failed.get(path) == (looks, TRIES) else receive_file
        try:
            digest = await asyncio.to_thread(_digest, file, self.keys.secret("delivery"))
            became = await take(self.database, self.keys, feed, file, name=path.name, digest=digest)
        except Exception as error:  # logged and counted; the next look tries again, or tells the feed's owner
            if is_transient(error):
                raise
            counters["files_failed"] += 1
            self._say("a file could not be taken in", error)
            before, tries = self._failed.get(path, (looks, 0))
            self._failed[path] = looks, min(tries + 1, TRIES) if before == looks else 1
            self._seen.pop(path, None)
            return
        self._seen.pop(path, None)
        self._failed.pop(path, None)
        counters[f"files_{became}"] += 1
        try:
            _put_away(path, looks, _FOLDER_OF[became], self.database.clock.now())
        except OSError as error:  # told to the feed's owner; the others go on
            self._say("a file could not be put away", error)
            await self._tell(feed, path, "file_stays", _STAYS)

    async def _tell(self, feed: Feed, path: Path, code: str, detail: str) -> None:
        """Let the owner know of a file that we may not open, or not move: once for each file."""
        with contextlib.suppress(FileNotFoundError):
            looks = _looks(await asyncio.to_thread(path.lstat))
            if self._told.get(path) == (code, looks):
                return
            self._told[path] = code, looks
            async with self.database.transaction(service_actor(self.database.service)) as tx:
                await feed_health.refuse(tx, feed, code, detail)

    def _say(self, message: str, error: BaseException) -> None:
        error_class, place = describe(error)
        _log.warning(message, extra={"error_class": error_class, "error_place": place})


def _candidates(folder: Path) -> list[Path]:
    """Return the complete-looking files of a folder, oldest first."""
    found = list[tuple[int, str]]()
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(".") or name.lower().endswith(_UNFINISHED) or not entry.is_file(follow_symlinks=False):
                continue
            with contextlib.suppress(FileNotFoundError):
                found.append((entry.stat(follow_symlinks=False).st_mtime_ns, name))
    return [folder / name for _, name in sorted(found)]


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold a folder, unless another process does; a process that dies lets go."""
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is one: no link, no pipe, whatever stood there when the folder was listed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError(path.name)
        yield file


def _digest(file: BinaryIO, key: bytes) -> bytes:
    digest = blake2b(digest_size=16, key=key)
    while piece := file.read(_PIECE):
        digest.update(piece)
    file.seek(0)
    return digest.digest()


def _looks(status: os.stat_result) -> Looks:
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _put_away(path: Path, looks: Looks, where: str, now: datetime) -> None:
    """Move the file that was read out of the way, under a name that no other has.

    One that its sender has put in its place, or written to, since it was opened has not been read: it stays.
    """
    stamp, number = now.strftime(_STAMP), 0
    while True:
        more = f"-{number}" if number else ""
        target = path.parent / where / f"{stamp}{more}-{path.name[-_LONGEST_NAME:]}"
        try:
            os.link(path, target)
        except FileExistsError:
            number += 1
            continue
        except FileNotFoundError:  # its sender has taken it back
            return
        (path if _looks(target.lstat()) == looks else target).unlink(missing_ok=True)
        return


def _forget_old(folder: Path, now: datetime) -> None:
    """Delete what was dealt with long ago: what it said is stored, or was set aside under a key."""
    before = (now - KEPT).strftime(_STAMP)
    for where in (PROCESSED, REJECTED):
        with os.scandir(folder / where) as entries:
            old = [entry.path for entry in entries if entry.name[: len(before)] < before and entry.name[:1].isdigit()]
        for path in old:
            Path(path).unlink(missing_ok=True)
