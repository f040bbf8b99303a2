"""What a stack keeps between two commands: ports, passwords and processes, in one file of its state folder."""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.local import processes
from deploy.local.processes import Running

ROOT = Path(__file__).resolve().parents[2]
# Ports of one checkout lie together: 40 for each, placed by the name of its state folder.
PORTS_TOGETHER = 40


class Home:
    """The state folder of one stack. Change it only inside `locked()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.file = self.folder / "stack.json"
        self._one_writer = threading.Lock()
        self.key = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let one command at a time work on this stack. The system drops the lock when its holder dies."""
        make_folder(self.folder)
        with (self.folder / "stack.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def read(self) -> dict[str, Any]:
        """Return everything kept; a file cut off by a crash counts as empty."""
        try:
            kept = json.loads(self.file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def change(self, part: str, name: str, value: object) -> None:
        """Keep one value, or forget it when it is None. The file is replaced whole, so a crash cannot tear it."""
        with self._one_writer:
            kept = self.read()
            values = kept.setdefault(part, {})
            if value is None:
                values.pop(name, None)
            else:
                values[name] = value
            self._write(kept)

    def _write(self, kept: dict[str, Any]) -> None:
        fresh = self.file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(kept, out, indent=1)
        fresh.replace(self.file)

    def values(self, part: str) -> dict[str, Any]:
        return dict(self.read().get(part, {}))

    def secret(self, name: str) -> str:
        """Return the password kept under `name`, made on first use."""
        known = self.values("secrets").get(name)
        if known is None:
            known = secrets.token_urlsafe(18)
            self.change("secrets", name, known)
        return str(known)

    def port(self, name: str, *, preferred: int | None = None) -> int:
        """Return the port kept under `name`, chosen on first use among those nobody listens on."""
        known = self.values("ports").get(name)
        return int(known) if known is not None else self.new_port(name, preferred=preferred)

    def new_port(self, name: str, *, preferred: int | None = None) -> int:
        """Choose a port, again if need be, and keep it."""
        taken = [int(port) for port in self.values("ports").values()]
        if preferred is not None and preferred not in taken and processes.is_free(preferred):
            port = preferred
        else:
            first = int(self.key[:6], 16) * PORTS_TOGETHER
            port = processes.free_port(first, taken)
        self.change("ports", name, port)
        return port

    def process(self, name: str) -> Running | None:
        """Return what was started under `name`, alive or not."""
        known = self.values("processes").get(name)
        return None if known is None else Running(int(known["pid"]), float(known["started"]), str(known["program"]))

    def keep_process(self, name: str, process: Running | None) -> None:
        self.change("processes", name, None if process is None else process.record())

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


def make_folder(folder: Path) -> None:
    """Make a folder that other users may walk through, whatever the umask; folders that exist stay as they are."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        each.chmod(0o755)


def outside(key: str) -> Path:
    """Return a folder outside the checkout that belongs to it alone, for what another user has to reach."""
    for base in (Path("/var/lib"), Path(tempfile.gettempdir())):
        folder = base / f"caselight-{key}"
        try:
            folder.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        # Somebody else could have made it first in a folder that everybody may write to.
        if folder.stat().st_uid == os.getuid() and not folder.is_symlink():
            folder.chmod(0o755)
            return folder
    raise processes.StartError("neither the system's state folder nor its temporary folder can be written to")
