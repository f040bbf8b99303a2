"""What the local installation consists of, as settings: written by `caselight up`, read by every later command."""

import importlib.util
import os
from pathlib import Path

from deploy.local import processes
from deploy.local.home import ROOT, Home
from deploy.local.stack import Stack
from shared.access.tokens import make_keys
from shared.privacy.keys import make_master_key
from shared.settings import SERVICES, Settings

PART = "environment"
MASTER_KEY = "master.key"
MAIL = "mail"
MAIL_PORT = "mail-smtp"
INBOX_PORT = "mail-inbox"
FIRST_INBOX_PORT = 8125
# The development provider that people sign in with.
PROVIDER = "sign-in"
FIRST_PROVIDER_PORT = 8126
# Who may set up the program of a local installation while it has no staff; the sample term's program has them too.
ADMINISTRATOR = "solberg"


def state_folder() -> Path:
    """Return where the local installation keeps its things: `.local` in the checkout, or CASELIGHT_STATE."""
    return Path(os.environ.get("CASELIGHT_STATE") or ROOT / ".local").resolve()


def services() -> tuple[str, ...]:
    """Return the services this checkout has."""
    return tuple(name for name in SERVICES if exists(f"services.{name}.app"))


def prepare(home: Home, stack: Stack) -> dict[str, str]:
    """Make keys, passwords and ports that are missing, keep all settings for later commands, and return them."""
    keys = home.folder / "keys"
    signing, verify = make_keys(keys)
    found = stack.environment() | {
        "CASELIGHT_STATE": str(home.folder),
        "CASELIGHT_DATABASE_PASSWORD": home.secret("services"),
        "CASELIGHT_SIGNING_KEY": str(signing),
        "CASELIGHT_VERIFY_KEYS": str(verify),
        "CASELIGHT_MASTER_KEY": str(make_master_key(keys / MASTER_KEY)),
        "CASELIGHT_ADMINISTRATORS": ADMINISTRATOR,
        "CASELIGHT_SMTP_URL": f"smtp://127.0.0.1:{usable_port(home, MAIL_PORT, MAIL)}",
        "CASELIGHT_INBOX_URL": f"http://127.0.0.1:{usable_port(home, INBOX_PORT, MAIL, FIRST_INBOX_PORT)}",
    }
    found |= {
        "CASELIGHT_OIDC_ISSUER": f"http://127.0.0.1:{usable_port(home, PROVIDER, PROVIDER, FIRST_PROVIDER_PORT)}",
        "CASELIGHT_OIDC_CLIENT_SECRET": home.secret("sign-in"),
    }
    preferred = Settings()
    for service in SERVICES:
        wanted = os.environ.get(f"CASELIGHT_{service.upper()}_PORT")
        port = int(wanted) if wanted else usable_port(home, service, service, preferred.port(service))
        found[f"CASELIGHT_{service.upper()}_PORT"] = str(port)
        found[f"CASELIGHT_{service.upper()}_URL"] = f"http://127.0.0.1:{port}"
    found["CASELIGHT_PUBLIC_URL"] = found["CASELIGHT_NOTIFICATIONS_URL"]
    for name, value in found.items():
        home.change(PART, name, value)
    return found | {name: os.environ[name] for name in found if name in os.environ}


def usable_port(home: Home, name: str, process: str, preferred: int | None = None) -> int:
    """Return the port kept under `name`, or another when a stranger listens on it and our process does not live."""
    port = home.port(name, preferred=preferred)
    if processes.alive(home.process(process)) or processes.wait_until(lambda: processes.is_free(port), 1):
        return port
    return home.new_port(name)


def adopt(state: Path | None = None) -> Settings:
    """Return the settings of the local installation. What the environment says goes before what is kept.

    Puts the kept ones into this process's environment, so that what it starts sees them too.
    """
    for name, value in Home(state or state_folder()).values(PART).items():
        os.environ.setdefault(name, str(value))
    return Settings()


def url(service: str) -> str:
    """Return the address of a service of the adopted installation."""
    return os.environ.get(f"CASELIGHT_{service.upper()}_URL") or f"http://127.0.0.1:{Settings().port(service)}"


def exists(module: str) -> bool:
    """Say whether a module is there, without running it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its package is not there either
        return False
