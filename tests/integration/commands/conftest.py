"""Services that answer over real HTTP, as a command meets them."""

import asyncio
import threading
from collections.abc import Iterator
from importlib import import_module

import pytest
import uvicorn
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.demo import term
from deploy.local import processes
from shared.clock import SystemClock
from shared.settings import Settings
from tests.support.loops import ended

ADMINISTRATOR = "solberg"


class Served(threading.Thread):
    """One service with all its loops, on a loop of its own."""

    def __init__(self, name: str, settings: Settings, port: int) -> None:
        super().__init__(name=name, daemon=True)
        self._settings, self.port = settings, port
        self._server: uvicorn.Server | None = None
        self._ready = threading.Event()

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        built = import_module(f"services.{self.name}.app").build(self._settings, SystemClock())
        config = uvicorn.Config(built.api, host="127.0.0.1", port=self.port, log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        loops = [asyncio.ensure_future(loop()) for loop in built.loops.values()]
        self._ready.set()
        await self._server.serve()
        await ended(loops)
        if built.close is not None:
            await built.close()

    def stop(self) -> None:
        self._ready.wait(10)
        if self._server is not None:
            self._server.should_exit = True
        self.join(20)


@pytest.fixture(scope="module")
def served(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Program, intake and analytics, and an environment in which commands find them."""
    known = settings.model_copy(update={"administrators": ADMINISTRATOR})
    ports: list[int] = []
    names = ("program", "intake", "analytics")
    for _ in names:
        ports.append(processes.free_port(40_000, ports))
    running = [Served(name, known, port) for name, port in zip(names, ports, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASELIGHT_STATE", str(tmp_path_factory.mktemp("state")))
        patch.setenv("CASELIGHT_SIGNING_KEY", str(settings.signing_key))
        patch.setenv("CASELIGHT_VERIFY_KEYS", str(settings.verify_keys))
        patch.setenv("CASELIGHT_ENVIRONMENT", "test")
        for each in running:
            patch.setenv(f"CASELIGHT_{each.name.upper()}_URL", f"http://127.0.0.1:{each.port}")
            each.start()
        for service in ("cases", "notifications"):
            patch.setenv(f"CASELIGHT_{service.upper()}_URL", "http://127.0.0.1:1")  # nobody listens there
        for each in running:
            assert processes.wait_until(lambda port=each.port: not processes.is_free(port), 20)  # type: ignore[misc]
        yield
        for each in running:
            each.stop()


class Commands:
    """Runs `caselight` as a person would type it."""

    def __call__(self, *words: object, typed: str = "") -> tuple[int, str]:
        """Return the exit code and everything printed."""
        result = CliRunner().invoke(app, [str(word) for word in words], input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output


@pytest.fixture
def caselight() -> Commands:
    """The command."""
    return Commands()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> term.Term:
    """The files of the sample term, ending now."""
    return term.write(tmp_path_factory.mktemp("term"), SystemClock().now())
