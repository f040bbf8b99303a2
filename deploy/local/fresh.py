"""`make fresh`: proves that the demo needs nothing but Python, make and certificates.

Exports the newest commit into an empty folder and runs `make demo`, again `make demo`, then `make down` there, with an
empty home and a PATH that holds no Java, psql, Node or containers. Afterwards nothing may run that did not before. As
root it does so twice: as root, and as an ordinary user. Standard library only: it runs before there is a `.venv`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What a plain system has. Everything else that the demo wants must come from its own locks.
TOOLS = (
    "sh", "bash", "env", "make", "sed", "grep", "expand", "ls", "cat", "rm", "mkdir", "cp", "mv", "uname", "id", "tr",
    "head", "tail", "sort", "dirname", "basename", "chmod", "ln", "touch", "test", "sleep", "printf", "awk", "cut",
)  # fmt: skip
# How the machine reaches package registries, whoever runs it: certificates, proxies, mirrors. Nothing else is passed.
PASSED = (
    "PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "NPM_CONFIG_",
    "NODE_EXTRA_CA_CERTS", "NODE_USE_SYSTEM_CA",
)  # fmt: skip
ORDINARY_USER = "nobody"


def main() -> int:
    # A run that is told to stop clears away too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    users: list[str | None] = [None]
    if os.geteuid() == 0:
        users.append(ORDINARY_USER)
    for user in users:
        python = python_for(user)
        if python is None:
            print(f"fresh: {user} can run no Python of this machine, so nothing is proven as {user}", flush=True)
            continue
        began = time.monotonic()
        prove(user, python)
        print(f"fresh: proven as {user or 'the present user'} in {time.monotonic() - began:.0f} s", flush=True)
    return 0


def prove(user: str | None, python: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="caselight-fresh-"))
    folder.chmod(0o755)
    try:
        checkout, environment = lay_out(folder, user, python)
        for target in ("demo", "demo", "down"):
            run(["make", target], checkout, environment, user)
        left = running_in(folder)
        if left:
            raise SystemExit("fresh: still running after `make down`:\n" + "\n".join(left))
    finally:
        for pid in [line.split()[0] for line in running_in(folder)]:
            os.kill(int(pid), 9)
        shutil.rmtree(folder, ignore_errors=True)


def lay_out(folder: Path, user: str | None, python: Path) -> tuple[Path, dict[str, str]]:
    """Export the commit and make the empty home and the narrow PATH; all of it belongs to `user`."""
    checkout, home, tools = folder / "checkout", folder / "home", folder / "tools"
    for each in (checkout, home, tools):
        each.mkdir()
    export = subprocess.run(["git", "-C", str(ROOT), "archive", "HEAD"], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(checkout)], check=True, input=export)
    for name in TOOLS:
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    environment = {"PATH": str(tools), "HOME": str(home), "LANG": "C.UTF-8", "PYTHON": str(python)}
    environment |= {name: value for name, value in os.environ.items() if name.upper().startswith(PASSED)}
    if user is not None:
        subprocess.run(["chown", "-R", user, str(folder)], check=True)
    return checkout, environment


def python_for(user: str | None) -> Path | None:
    """Return a Python that this user can run and make a virtual environment with."""
    own = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    check = "import ensurepip, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))"
    for python in (own, Path("/usr/local/bin/python3"), Path("/usr/bin/python3")):
        with contextlib.suppress(OSError):
            if execute([str(python), "-c", check], Path("/"), None, user) == 0:
                return python
    return None


def execute(command: list[str], folder: Path, environment: dict[str, str] | None, user: str | None) -> int:
    """Run a command as a user and return its exit code."""
    return subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=environment,
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
    ).returncode


def run(command: list[str], checkout: Path, environment: dict[str, str], user: str | None) -> None:
    print(f"fresh: {' '.join(command)} as {user or 'the present user'}", flush=True)
    began = time.monotonic()
    code = execute(command, checkout, environment, user)
    print(f"fresh: {' '.join(command)} took {time.monotonic() - began:.1f} s", flush=True)
    if code != 0:
        raise SystemExit(f"fresh: {' '.join(command)} failed with {code}")


def running_in(folder: Path) -> list[str]:
    """Return the processes that have anything to do with `folder`, one line each."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], check=True, capture_output=True, text=True).stdout
    return [line.strip() for line in listed.splitlines() if str(folder) in line]


if __name__ == "__main__":
    sys.exit(main())
