"""One process for each service, one for mail and one to sign in with, beside the stack."""

import hashlib
import http.client
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import processes
from deploy.local.home import ROOT, Home
from deploy.local.installation import INBOX_PORT, MAIL, MAIL_PORT, PROVIDER
from deploy.local.processes import StartError

Say = Callable[[str], None]
BESIDE = (MAIL, PROVIDER)
READY_WITHIN_S = 60.0
# A service drains for up to 15 s; only then is it killed.
STOP_WITHIN_S = 20.0
# Templates, sheets and scripts are read when a service starts, like its code.
_CODE = frozenset({".py", ".html", ".css", ".js", ".toml"})


def start(home: Home, services: Sequence[str], environment: Mapping[str, str], say: Say) -> None:
    """Start each service that does not run, or runs an older state of the code or of its settings.

    Returns once all answer as ready; raises `StartError` with the end of the log of the first that does not.
    """
    idle = [service for service in services if not current(home, service, environment)]
    if idle:
        say(f"starting {', '.join(idle)}")
    with ThreadPoolExecutor(max(1, len(idle))) as pool:
        for _ in pool.map(lambda service: start_one(home, service, environment), idle):
            pass


def start_one(home: Home, service: str, environment: Mapping[str, str]) -> None:
    processes.end(home.process(service), patience=STOP_WITHIN_S)
    port = int(environment[f"CASELIGHT_{service.upper()}_PORT"])
    if not processes.wait_until(lambda: processes.is_free(port), 3):
        raise StartError(f"{service}: another program listens on port {port}; set CASELIGHT_{service.upper()}_PORT")
    command = [sys.executable, "-m", "deploy.cli.main", "serve", service, "--port", str(port)]
    process = processes.spawn(command, log=home.log(service), cwd=ROOT, env={**os.environ, **environment})
    home.keep_process(service, process)
    home.change("code", service, fingerprint(service, environment))
    log = home.log(service)
    processes.wait_ready(service, process, lambda: is_ready(port), log=log, patience=READY_WITHIN_S)


def current(home: Home, service: str, environment: Mapping[str, str]) -> bool:
    """Say whether the service runs, ready, on the code and the settings of now."""
    return (
        processes.alive(home.process(service))
        and home.values("code").get(service) == fingerprint(service, environment)
        and is_ready(int(environment[f"CASELIGHT_{service.upper()}_PORT"]))
    )


def fingerprint(service: str, environment: Mapping[str, str]) -> str:
    """Return what changes when the code of a service, or a setting it is started with, does."""
    digest = hashlib.sha256(repr(sorted(environment.items())).encode())
    for folder in (ROOT / "shared", ROOT / "services" / service):
        for path in sorted(each for each in folder.rglob("*") if each.suffix in _CODE):
            status = path.stat()
            digest.update(f"{path} {status.st_mtime_ns} {status.st_size}".encode())
    return digest.hexdigest()[:16]


def is_ready(port: int) -> bool:
    return status(port, "/health/ready") == http.client.OK


def status(port: int, path: str) -> int | None:
    """Return the status of a local answer, or None without one. Never asks a proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def start_mail(home: Home, say: Say) -> None:
    """Start the server that keeps all mail, unless it runs."""
    smtp, web = home.port(MAIL_PORT), home.port(INBOX_PORT)
    if processes.alive(home.process(MAIL)) and status(web, "/") == http.client.OK:
        return
    say("starting mail")
    processes.end(home.process(MAIL), patience=5)
    folder = home.folder / "mail"
    command = [sys.executable, "-m", "deploy.local.mail", "--folder", str(folder)]
    command += ["--smtp-port", str(smtp), "--web-port", str(web)]
    process = processes.spawn(command, log=home.log(MAIL), cwd=ROOT, env=os.environ)
    home.keep_process(MAIL, process)
    answers: Callable[[], bool] = lambda: status(web, "/") == http.client.OK  # noqa: E731 - short, named for its use
    processes.wait_ready(MAIL, process, answers, log=home.log(MAIL), patience=20)


def start_provider(home: Home, environment: Mapping[str, str], say: Say) -> None:
    """Start the provider that people sign in with, unless it runs as it would now. In development only."""
    port = home.port(PROVIDER)
    if environment["CASELIGHT_OIDC_ISSUER"] != f"http://127.0.0.1:{port}":
        return  # people sign in elsewhere
    own = (ROOT / "deploy" / "local" / "provider.py").stat().st_mtime_ns
    wanted = f"{fingerprint('program', environment)} {own}"  # it reads shared code, settings and the program alone
    runs = processes.alive(home.process(PROVIDER)) and status(port, "/jwks") == http.client.OK
    if runs and home.values("code").get(PROVIDER) == wanted:
        return
    say("starting sign-in")
    processes.end(home.process(PROVIDER), patience=5)
    command = [sys.executable, "-m", "deploy.local.provider", "--port", str(port)]
    process = processes.spawn(command, log=home.log(PROVIDER), cwd=ROOT, env={**os.environ, **environment})
    home.keep_process(PROVIDER, process)
    home.change("code", PROVIDER, wanted)
    answers: Callable[[], bool] = lambda: status(port, "/jwks") == http.client.OK  # noqa: E731 - as above
    processes.wait_ready(PROVIDER, process, answers, log=home.log(PROVIDER), patience=20)


def stop(home: Home, services: Sequence[str], say: Say) -> None:
    """Stop services and what is beside them, side by side; kill what does not stop in time."""
    running = [name for name in (*services, *BESIDE) if processes.alive(home.process(name))]
    if running:
        say(f"stopping {', '.join(running)}")
    with ThreadPoolExecutor(max(1, len(running))) as pool:
        ended = pool.map(lambda name: processes.end(home.process(name), patience=STOP_WITHIN_S), running)
        for name, gently in zip(running, ended, strict=True):
            if not gently:
                say(f"{name} did not stop within {STOP_WITHIN_S:.0f} s and was killed")
    for name in (*services, *BESIDE):
        home.keep_process(name, None)


def running(home: Home, services: Sequence[str]) -> dict[str, bool]:
    """Say for each service, for mail and for the sign-in whether its process lives."""
    return {name: processes.alive(home.process(name)) for name in (*services, *BESIDE)}


def logs(home: Home) -> Path:
    """Return the folder of all logs."""
    return home.folder / "logs"
