"""Make the checkout's `.venv`: `python3 deploy/local/setup.py [run|dev]`, standard library only.

Quick when nothing changed: a stamp holds the hash of the locks it was made from. A run that was cut off leaves a
mark, and the next one begins again from nothing, because a half-written package looks like a whole one to pip.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
LOCKS = {
    "run": ["requirements.lock", "requirements-local.lock"],
    "dev": ["requirements.lock", "requirements-local.lock", "requirements-dev.lock"],
}
OLDEST = (3, 11)


def main() -> int:
    kind = sys.argv[1] if len(sys.argv) > 1 else "dev"
    if kind not in LOCKS:
        print(f"setup: unknown kind {kind!r}; use one of {', '.join(LOCKS)}", file=sys.stderr)
        return 2
    if sys.version_info < OLDEST:
        print(f"setup: Python 3.11 or newer is needed, this is {sys.version.split()[0]}.", file=sys.stderr)
        print("       Try: make PYTHON=python3.12 ...", file=sys.stderr)
        return 1
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two `make` at once: the second waits and finds the work done
        return (0 if already(kind) else install(kind)) or assets(kind)


def already(kind: str) -> bool:
    """Is there a working environment at least as complete as `kind`, from these very locks?"""
    if unfinished().exists():
        return False
    fuller = [kind] if kind == "dev" else ["run", "dev"]
    return any(read(stamp(each)) == fingerprint(each) for each in fuller) and works()


def install(kind: str) -> int:
    if unfinished().exists() or not works():
        shutil.rmtree(VENV, ignore_errors=True)
    if not VENV.exists() and not make_venv():
        return 1
    unfinished().touch()
    for each in LOCKS:
        stamp(each).unlink(missing_ok=True)
    print(f"setup: installing {', '.join(LOCKS[kind])} (a minute the first time)", flush=True)
    wanted = [part for lock in LOCKS[kind] for part in ("-r", str(ROOT / lock))]
    for arguments in (
        ["--require-hashes", *wanted],
        ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
    ):
        if pip(arguments) != 0:
            print(
                "setup: pip failed; the lines above say why. Run `make setup` again after mending it.", file=sys.stderr
            )
            return 1
    stamp(kind).write_text(fingerprint(kind))
    unfinished().unlink()
    print("setup: .venv is ready", flush=True)
    return 0


def assets(kind: str) -> int:
    """Fetch what pages look like; the new environment's Node does it."""
    return subprocess.run(
        [str(VENV / "bin" / "python"), str(ROOT / "deploy" / "local" / "assets.py"), kind], check=False
    ).returncode


def make_venv() -> bool:
    try:
        venv.create(VENV, with_pip=True, symlinks=True)
    except (subprocess.CalledProcessError, ImportError, OSError) as trouble:
        shutil.rmtree(VENV, ignore_errors=True)
        print(f"setup: could not make .venv ({type(trouble).__name__}).", file=sys.stderr)
        print("       On Debian or Ubuntu: apt-get install python3-venv", file=sys.stderr)
        return False
    return True


def pip(arguments: list[str]) -> int:
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input", *arguments]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, **quiet}).returncode


def works() -> bool:
    """False too when the Python that the environment points at was upgraded away, or the checkout was moved."""
    python = VENV / "bin" / "python"
    try:
        script = (VENV / "bin" / "pip").read_bytes()[:400]
        done = subprocess.run([str(python), "-c", "import pip"], check=False, capture_output=True)
    except OSError:
        return False
    return done.returncode == 0 and str(VENV).encode() in script


def fingerprint(kind: str) -> str:
    digest = hashlib.sha256(f"{kind} {sys.version_info[:2]} {ROOT}".encode())
    for name in [*LOCKS[kind], "pyproject.toml"]:
        digest.update((ROOT / name).read_bytes() if name != "pyproject.toml" else project_table())
    return digest.hexdigest()


def project_table() -> bytes:
    """The part of pyproject.toml that an install reads; a changed lint rule is no reason to install again."""
    return (ROOT / "pyproject.toml").read_bytes().split(b"# ---", 1)[0]


def stamp(kind: str) -> Path:
    return VENV / f".installed-{kind}"


def unfinished() -> Path:
    return VENV / ".unfinished"


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
