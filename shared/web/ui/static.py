"""The files that pages load: read once, named by their content, compressed once, kept by browsers for good."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

HERE = Path(__file__).parent
OWN = HERE / "assets"
VENDOR = HERE / "vendor"

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
_PACKED = {".css", ".js", ".svg"}
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


class AssetsMissingError(RuntimeError):
    """The sheets and scripts were never fetched."""


@dataclass(frozen=True)
class Asset:
    """One file, as it is and, where that is smaller, gzipped."""

    media_type: str
    plain: bytes
    packed: bytes | None


@dataclass(frozen=True)
class Assets:
    """All files under one version, so that a sheet finds its images beside it."""

    version: str
    files: dict[str, Asset]

    def url(self, name: str) -> str:
        """Return the address of a file; raises KeyError for one that is not served."""
        self.files[name]
        return f"/assets/{self.version}/{name}"


@cache
def assets() -> Assets:
    """Return every file that pages may load, our own and those fetched at set-up."""
    if not VENDOR.is_dir():
        raise AssetsMissingError("The sheets and scripts of the pages are not there. Run: make run-setup")
    files: dict[str, Asset] = {}
    digest = hashlib.sha256()
    for folder in (VENDOR, OWN):
        for path in sorted(folder.rglob("*")):
            if path.suffix in _TYPES:
                name, content = path.relative_to(folder).as_posix(), path.read_bytes()
                digest.update(name.encode() + content)
                files[name] = _asset(path.suffix, content)
    return Assets(digest.hexdigest()[:12], files)


def _asset(suffix: str, content: bytes) -> Asset:
    packed = gzip.compress(content, 9, mtime=0) if suffix in _PACKED else None
    media_type = _TYPES.get(suffix) or mimetypes.types_map[suffix]
    return Asset(media_type, content, packed if packed is not None and len(packed) < len(content) else None)


async def serve(request: Request) -> Response:
    """Answer for `/assets/{version}/{name}`. A version of another release is answered with ours, briefly kept."""
    found = assets()
    asset = found.files.get(request.path_params["name"])
    if asset is None:
        return Response(status_code=404)
    headers = dict(_HEADERS)
    if request.path_params["version"] != found.version:
        headers["Cache-Control"] = "public, max-age=60"
    if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.plain, media_type=asset.media_type, headers=headers)
