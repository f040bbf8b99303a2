"""Starting, recognising and ending processes that outlive the command that started them.

A pid alone says nothing after a crash: it may belong to somebody else by now. A record therefore holds the moment
the process started and its program as well, and only a process that matches all three is ours.
"""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

# Below the range that systems hand out to outgoing connections (32768 on Linux), so that nobody takes a port by
# chance while the program that owns it is being restarted.
PORTS = range(20000, 30000)
# The kernel's idea of when it booted moves a little when the clock is corrected, and start times move with it.
SAME_MOMENT_S = 2.0
LOG_LIMIT = 20 * 1024 * 1024


class StartError(RuntimeError):
    """A part of the stack does not come up; the text says which, why, and where its log is."""


@dataclass(frozen=True)
class Running:
    """A process we started, recognisable after our own end."""

    pid: int
    started: float
    program: str

    def record(self) -> dict[str, object]:
        """Return what is kept in the state file."""
        return asdict(self)


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
) -> Running:
    """Start `command` in a session of its own, with its output added to `log`, and do not wait for it."""
    rotate(log)
    many_files()
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            user=user,
            group=None if user is None else group_of(user),
            extra_groups=None if user is None else [],
            start_new_session=True,
        )
    # From here on it is followed by its pid: without this Popen would warn that it still runs.
    child.returncode = 0
    try:
        started = psutil.Process(child.pid).create_time()
    except psutil.NoSuchProcess:
        started = 0.0  # gone already; whoever waits for it to be ready will say so
    return Running(child.pid, started, Path(command[0]).name)


def many_files() -> None:
    """Kafka and Postgres keep many files open; many systems allow 1024 unless asked for more. Children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def group_of(user: str) -> int:
    import pwd  # noqa: PLC0415 - missing on Windows, where nobody is root

    return pwd.getpwnam(user).pw_gid


def rotate(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(log.suffix + ".1"))


def alive(process: Running | None) -> bool:
    """Say whether this very process runs. A zombie does not, once the last of its threads has let go of its ports."""
    if process is None:
        return False
    try:
        found = psutil.Process(process.pid)
        if found.status() == psutil.STATUS_ZOMBIE and found.num_threads() == 1:
            with contextlib.suppress(ChildProcessError):  # not a child of ours: another run started it
                os.waitpid(process.pid, 0)
            return False
        return abs(found.create_time() - process.started) < SAME_MOMENT_S and is_program(found, process.program)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def is_program(found: psutil.Process, program: str) -> bool:
    """A dying process has no command line any more; its pid and start time have to do then."""
    try:
        words = found.cmdline()
    except psutil.ZombieProcess:
        return True
    return not words or program in {found.name(), Path(words[0]).name}


def end(process: Running | None, *, how: signal.Signals = signal.SIGTERM, patience: float = 20.0) -> bool:
    """End it, first politely, and return once it is gone. False when it had to be killed."""
    if process is None or not alive(process):
        return True
    send(process, how)
    if wait_until(lambda: not alive(process), patience):
        return True
    send(process, signal.SIGKILL)
    wait_until(lambda: not alive(process), 10.0)
    return False


def send(process: Running, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, what)


def wait_until(true: Callable[[], bool], patience: float, *, every: float = 0.02) -> bool:
    """Ask again and again until it is so, or until `patience` seconds have passed."""
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def wait_ready(name: str, process: Running, ready: Callable[[], bool], *, log: Path, patience: float = 60.0) -> None:
    """Return when it answers; raise `StartError` with the end of its log when it died or takes too long."""
    done = wait_until(lambda: ready() or not alive(process), patience)
    if done and alive(process):
        return
    why = "ended right away" if not alive(process) else f"gives no answer after {patience:.0f} s"
    raise StartError(f"{name} {why}. The end of {log}:\n{tail(log)}")


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, for a person."""
    if not log.exists():
        return "    (no log)"
    return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-lines:])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(start: int, taken: Iterable[int]) -> int:
    """Return the first free port from `start` on, within `PORTS`, that is not in `taken`."""
    avoided = set(taken)
    for step in range(len(PORTS)):
        port = PORTS[(start + step) % len(PORTS)]
        if port not in avoided and is_free(port):
            return port
    raise StartError(f"no free port between {PORTS.start} and {PORTS.stop}")


def answers(port: int, question: bytes, *, timeout: float = 1.0) -> bytes:
    """Send bytes to a local port and return the first bytes that come back, or none at all."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.sendall(question)
            return connection.recv(4096)
    except OSError:
        return b""
