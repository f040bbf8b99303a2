"""Fetch what pages look like: `.venv/bin/python deploy/local/assets.py [run|dev]`, standard library only.

npm out of the Node.js that the environment brings installs exactly what the committed lock says, each package checked
against its hash. From it go the sheets, scripts, icons and the font that pages load, into `shared/web/ui/vendor/`; the
crown, the crests and the font that others may not use stay behind. `dev` has the tests' accessibility checker too.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "shared" / "web" / "ui"
VENDOR = UI / "vendor"
WORK = ROOT / ".cache" / "ui"
MODULES = WORK / "node_modules"
DECLARED = ("package.json", "package-lock.json", ".npmrc")
STAMP = ".made-from"

SHEETS = {
    "govuk-frontend.min.css": "govuk-frontend/dist/govuk/govuk-frontend.min.css",
    "moj-frontend.min.css": "@ministryofjustice/frontend/moj/moj-frontend.min.css",
}
COPIES = {
    "govuk-frontend.min.js": "govuk-frontend/dist/govuk/govuk-frontend.min.js",
    "moj-frontend.min.js": "@ministryofjustice/frontend/moj/moj-frontend.min.js",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
}
ICONS = "@ministryofjustice/frontend/moj/assets/images"


def main() -> int:
    kind = sys.argv[1] if len(sys.argv) > 1 else "dev"
    if already(kind):
        return 0
    print("setup: fetching sheets, scripts and the font of the pages", flush=True)
    if fetch(kind) != 0:
        print("setup: npm failed; the lines above say why. Run `make setup` again after mending it.", file=sys.stderr)
        return 1
    vendor(MODULES, VENDOR, fingerprint(kind))
    return 0


def already(kind: str) -> bool:
    """Are the files there, made from this very lock, with at least what `kind` needs?"""
    try:
        made_from = (VENDOR / STAMP).read_text()
    except OSError:
        return False
    if kind == "dev":
        return made_from == fingerprint("dev") and (MODULES / "axe-core").is_dir()
    return made_from in {fingerprint("run"), fingerprint("dev")}


def fingerprint(kind: str) -> str:
    digest = hashlib.sha256(kind.encode())
    for path in (*(UI / name for name in DECLARED), Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def fetch(kind: str) -> int:
    """Install the locked packages. A run that was cut off leaves nothing behind: npm begins by clearing away."""
    WORK.mkdir(parents=True, exist_ok=True)
    for name in DECLARED:
        shutil.copy(UI / name, WORK)
    command = [str(Path(sys.executable).with_name("npm")), "ci", "--no-progress", "--loglevel=error"]
    if kind != "dev":
        command.append("--omit=dev")
    done = subprocess.run(command, check=False, cwd=WORK, env=environment(dict(os.environ)))
    shutil.rmtree(WORK / "cache", ignore_errors=True)
    return done.returncode


def environment(given: dict[str, str]) -> dict[str, str]:
    """Return what npm runs with: the machine's proxies, mirrors and certificates, and no need of a home."""
    made = {**given, "npm_config_cache": str(WORK / "cache")}
    if "NODE_EXTRA_CA_CERTS" not in made:
        # Node reads this variable alone; others have told Python and curl about the authority of a proxy already.
        named = [made.get(name, "") for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")]
        bundle = next((name for name in named if name and Path(name).is_file()), None)
        if bundle:
            made["NODE_EXTRA_CA_CERTS"] = bundle
    return made


def vendor(modules: Path, into: Path, made_from: str) -> None:
    """Make the folder that pages are served from, whole or not at all."""
    new = into.with_name(f"{into.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    (new / "images").mkdir(parents=True)
    for name, source in SHEETS.items():
        (new / name).write_text(unbrand((modules / source).read_text()))
    for name, source in COPIES.items():
        (new / name).write_text(unmapped(modules / source)) if name.endswith(".js") else shutil.copy(
            modules / source, new / name
        )
    for icon in (modules / ICONS).glob("icon-*.svg"):  # never the crests and the crown beside them
        shutil.copy(icon, new / "images")
    (new / STAMP).write_text(made_from)
    shutil.rmtree(into, ignore_errors=True)
    new.rename(into)


def unbrand(css: str) -> str:
    """Drop the font licensed for one government's site alone and its crest, and look for images beside the sheet."""
    css = re.sub(r"@font-face\{[^}]*GDS Transport[^}]*\}", "", css)
    css = re.sub(r"/\*! Copyright \(c\) 2011 by Margaret Calvert.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r'"?GDS Transport"?,\s*arial,\s*sans-serif', "var(--cl-font)", css)
    css = re.sub(r"/\*# sourceMappingURL.*?\*/", "", css)
    css = re.sub(r"url\(/assets/images/govuk-crest\.svg\)", "none", css)
    return css.replace("url(/assets/images/", "url(images/")


def unmapped(script: Path) -> str:
    """Return a script without the address of a source map that is not served."""
    return re.sub(r"//# sourceMappingURL=\S+\s*$", "", script.read_text())


if __name__ == "__main__":
    sys.exit(main())
