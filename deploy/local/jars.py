"""The jars of Apache Kafka: exactly those of the committed `jars.lock`, each with its sha256.

`jgo` fetches them from a Maven repository. It leaves what an interrupted download wrote and checks no sha256, so the
checking is done here: a jar counts only once its hash is right, one that is wrong or not in the lock is removed,
and what is missing is fetched again.

`python -m deploy.local.jars lock` writes the lock anew (part of `make lock`).
"""

import hashlib
import importlib.util
import os
import shutil
import ssl
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.processes import StartError

if TYPE_CHECKING:
    from jgo.maven import MavenContext

LOCK = Path(__file__).with_name("jars.lock")
KAFKA = "org.apache.kafka:kafka_2.13:4.1.1"
# A bridge for the logs; Kafka itself logs through slf4j and says nothing without one.
LOGGING = "org.slf4j:slf4j-simple:1.7.36"
TOGETHER = 8
MIRROR = "CASELIGHT_MAVEN_REPOSITORY"


@dataclass(frozen=True, order=True)
class Jar:
    """One line of the lock: `group:artifact:version sha256`."""

    coordinate: str
    sha256: str

    @property
    def file(self) -> str:
        _, artifact, version, *classifier = self.coordinate.split(":")
        return "-".join([artifact, version, *classifier]) + ".jar"


def locked(lock: Path = LOCK) -> list[Jar]:
    """Return the jars of the lock, in its order."""
    lines = [line.split() for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(coordinate, sha256) for coordinate, sha256 in lines]


def ensure(folder: Path, say: Callable[[str], None], *, lock: Path = LOCK) -> list[Path]:
    """Make `folder` hold exactly the locked jars and return them. Quick when it does already."""
    wanted = locked(lock)
    folder.mkdir(parents=True, exist_ok=True)
    remove_others(folder, {jar.file for jar in wanted})
    missing = [jar for jar in wanted if not right(folder / jar.file, jar)]
    if missing:
        fetch_all(missing, folder, say)
    return [folder / jar.file for jar in wanted]


def remove_others(folder: Path, names: set[str]) -> None:
    """A jar that nobody put in the lock would be on the class path all the same if it stayed."""
    for path in folder.iterdir():
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def right(path: Path, jar: Jar) -> bool:
    return path.is_file() and sha256_of(path) == jar.sha256


def sha256_of(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def fetch_all(missing: list[Jar], folder: Path, say: Callable[[str], None]) -> None:
    say(f"Kafka: fetching {len(missing)} jars, once for this checkout")
    downloads = folder / "downloads"
    try:
        with ThreadPoolExecutor(TOGETHER) as pool:
            for done, _ in enumerate(pool.map(lambda jar: fetch(jar, folder, downloads), missing), start=1):
                if done % 10 == 0:
                    say(f"Kafka: {done} of {len(missing)} jars")
    finally:
        shutil.rmtree(downloads, ignore_errors=True)


def fetch(jar: Jar, folder: Path, downloads: Path) -> None:
    """Download one jar beside its place and move it there only if it is the right one."""
    path = resolve(jar.coordinate, downloads)
    if not right(path, jar):
        raise StartError(f"{jar.file}: the download is not the jar in {LOCK.name} (sha256 differs); it was thrown away")
    (folder / jar.file).unlink(missing_ok=True)
    path.replace(folder / jar.file)


def resolve(coordinate: str, downloads: Path) -> Path:
    """Let jgo bring one artifact; every failure ends as one plain error."""
    import requests  # noqa: PLC0415 - comes with jgo, a package of the local stack only

    try:
        context = maven(downloads)
        return Path(context.create_dependency(coordinate).artifact.resolve())
    except (OSError, RuntimeError, requests.RequestException) as trouble:
        raise StartError(
            f"{coordinate} cannot be fetched ({type(trouble).__name__}). Is a Maven repository reachable? "
            f"Behind a proxy set HTTPS_PROXY, for a company certificate SSL_CERT_FILE, for a mirror {MIRROR}."
        ) from trouble


def maven(downloads: Path) -> "MavenContext":
    """Return jgo's view of the Maven world, which keeps what it fetches in `downloads` and nowhere else."""
    if not installed():
        raise StartError("the package jgo is not installed; run: make setup")
    trust_certificates()
    from jgo.maven import MavenContext  # noqa: PLC0415 - a package of the local stack only

    mirror = os.environ.get(MIRROR)
    return MavenContext(
        repo_cache=downloads, local_repos=[], remote_repos={"mirror": mirror} if mirror else None, timeout=60
    )


def installed() -> bool:
    return importlib.util.find_spec("jgo") is not None


def trust_certificates() -> None:
    """Make jgo's HTTP client use the certificates that the rest of the machine uses, not its own bundle."""
    if os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE"):
        return
    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT") or ssl.get_default_verify_paths().cafile
    if bundle and Path(bundle).is_file():
        os.environ["REQUESTS_CA_BUNDLE"] = bundle


def write_lock(lock: Path = LOCK) -> int:
    """Resolve Kafka and all it needs to run, and write coordinates and hashes."""
    downloads = Path(sys.prefix).parent / ".cache" / "lock-jars"
    context = maven(downloads)
    asked = [context.create_dependency(each) for each in (KAFKA, LOGGING)]
    inputs, others = context.resolver.resolve(asked)
    running = [each for each in others if each.scope in (None, "compile", "runtime") and not each.optional]
    jars = []
    for dependency in (*inputs, *running):
        artifact = dependency.artifact
        parts = [artifact.groupId, artifact.artifactId, artifact.version, artifact.classifier]
        coordinate = ":".join(part for part in parts if part)
        jars.append(Jar(coordinate, sha256_of(resolve(coordinate, downloads))))
    text = "\n".join(f"{jar.coordinate} {jar.sha256}" for jar in sorted(set(jars)))
    lock.write_text(f"# Written by `make lock`. The launcher accepts exactly these jars.\n{text}\n")
    shutil.rmtree(downloads)
    return len(jars)


if __name__ == "__main__":
    if sys.argv[1:] != ["lock"]:
        sys.exit("usage: python -m deploy.local.jars lock")
    print(f"{LOCK.name}: {write_lock()} jars")
