"""Dependencies point inwards. What import-linter's contracts cannot say ("only these") is read from the source here."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROKER_LIBRARIES = {"faststream", "aiokafka"}
# All of shared that a domain may use beside its own modules: contracts, plain values, how it says no, and the pure
# view of the program (rotas, policies, calendars), which every service decides by. msgspec is what events are made of:
# a domain copies and compares them with it, and it does no input or output. JMESPath is what mappings are written in,
# rapidfuzz says how like two words are, joserfc whether a signature is of these bytes and one of the keys passed in.
DOMAIN_MAY_USE = (
    "shared.events",
    "shared.ids",
    "shared.refusal",
    "shared.access.actors",
    "shared.access.rules",
    "shared.program",
    "msgspec",
    "jmespath",
    "rapidfuzz",
    "joserfc",
)
# The one part of it that reads a database.
DOMAIN_MAY_NOT_USE = ("shared.program.store", "shared.program.load_program")


def test_imports_point_inwards() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def domain_modules() -> list[Path]:
    return sorted(ROOT.glob("services/*/domain/**/*.py"))


@pytest.mark.parametrize("module", domain_modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_domain_uses_events_and_the_standard_library_only(module: Path) -> None:
    service = module.relative_to(ROOT / "services").parts[0]
    own = f"services.{service}.domain"
    foreign = [
        name
        for name in imported(module)
        if name.split(".")[0] not in sys.stdlib_module_names
        and (not within(name, own, *DOMAIN_MAY_USE) or within(name, *DOMAIN_MAY_NOT_USE))
    ]
    assert foreign == []


def test_only_messaging_knows_the_libraries_of_the_broker() -> None:
    places = [
        str(path.relative_to(ROOT))
        for folder in ("shared", "services", "deploy")
        for path in (ROOT / folder).rglob("*.py")
        if BROKER_LIBRARIES & {name.split(".")[0] for name in imported(path)}
    ]
    assert [place for place in places if not place.startswith("shared/messaging/")] == []


def test_nothing_imports_deploy() -> None:
    places = [
        str(path.relative_to(ROOT))
        for folder in ("shared", "services")
        for path in (ROOT / folder).rglob("*.py")
        if any(within(name, "deploy") for name in imported(path))
    ]
    assert places == []


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)
