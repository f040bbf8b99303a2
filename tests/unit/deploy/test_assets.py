"""What pages load is made whole or not at all, from what the lock says, wherever the machine keeps its certificates."""

import json
import re
from pathlib import Path

import pytest

from deploy.local import assets

LOCK = json.loads((assets.UI / "package-lock.json").read_text())


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "node_modules"
    for source in (*assets.SHEETS.values(), *assets.COPIES.values()):
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        (folder / source).write_text("//# sourceMappingURL=x.map" if source.endswith(".js") else "a{}")
    (folder / assets.ICONS).mkdir(parents=True)
    for name in ("icon-tick.svg", "moj-logotype-crest.svg", "crown.svg"):
        (folder / assets.ICONS / name).write_text("<svg/>")
    return folder


def test_the_lock_has_exact_versions_and_hashes_and_names_no_address() -> None:
    packages = {name: package for name, package in LOCK["packages"].items() if name}
    assert packages
    for package in packages.values():
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package
    assert all(re.fullmatch(r"[0-9.]+", version) for version in LOCK["packages"][""]["dependencies"].values())


def test_a_run_that_was_cut_off_leaves_nothing_half_made(modules: Path, tmp_path: Path) -> None:
    made = tmp_path / "vendor"
    left = tmp_path / "vendor.new"
    left.mkdir()
    (left / "half.css").write_text("a{")
    assets.vendor(modules, made, "now")
    assert not left.exists()
    assert not (made / "half.css").exists()
    assert (made / assets.STAMP).read_text() == "now"
    assert sorted(path.name for path in (made / "images").iterdir()) == ["icon-tick.svg"]
    assert (made / "htmx.min.js").read_text() == ""


def test_the_font_and_the_crest_of_others_stay_behind() -> None:
    css = (
        '@font-face{font-family:"GDS Transport";src:url(/assets/fonts/x.woff2)}'
        "body{font-family:GDS Transport,arial,sans-serif}a{background:url(/assets/images/govuk-crest.svg)}"
        "b{background:url(/assets/images/icon-a.svg)}/*# sourceMappingURL=x.map */"
    )
    assert assets.unbrand(css) == (
        "body{font-family:var(--cl-font)}a{background:none}b{background:url(images/icon-a.svg)}"
    )


def test_npm_takes_the_certificates_that_others_were_told_of(tmp_path: Path) -> None:
    bundle = tmp_path / "authorities.pem"
    bundle.write_text("-")
    assert assets.environment({"SSL_CERT_FILE": str(bundle)})["NODE_EXTRA_CA_CERTS"] == str(bundle)
    assert assets.environment({"PIP_CERT": str(bundle), "SSL_CERT_FILE": "/nowhere"})["NODE_EXTRA_CA_CERTS"] == str(
        bundle
    )
    assert assets.environment({"NODE_EXTRA_CA_CERTS": "own", "PIP_CERT": str(bundle)})["NODE_EXTRA_CA_CERTS"] == "own"
    assert "NODE_EXTRA_CA_CERTS" not in assets.environment({})
    assert assets.environment({"HTTPS_PROXY": "p"})["HTTPS_PROXY"] == "p"


def test_nothing_is_fetched_again_while_the_lock_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "VENDOR", tmp_path)
    assert not assets.already("run")
    (tmp_path / assets.STAMP).write_text(assets.fingerprint("dev"))
    assert assets.already("run")
    (tmp_path / assets.STAMP).write_text("made from another lock")
    assert not assets.already("run")
    assert not assets.already("dev")
