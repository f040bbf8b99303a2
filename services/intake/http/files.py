"""Files that people send: what they are is told by their content, never by their name; and how they are handed out."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from puremagic import PureError, magic_string
from starlette.responses import Response

MIB = 1024 * 1024
LARGEST = 10 * MIB
MOST = 5
# What one referral may hold altogether, over the years.
MOST_OF_A_REFERRAL, LARGEST_OF_A_REFERRAL = 20, 60 * MIB

# What people keep of what worries them: pictures of a screen, a letter, a voice message. Nothing that runs, and no
# archive: nobody should have to unpack what a stranger sent.
KINDS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/heif": ".heic",
    "image/heic": ".heic",
    "application/pdf": ".pdf",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "application/ogg": ".ogg",
    "audio/wave": ".wav",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "text/plain": ".txt",
}
_SURE = 0.35
_LONGEST_NAME = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_MARKUP = re.compile(r"\s*<(!doctype|html|svg|\?xml|script)", re.IGNORECASE)

WhyNot = Literal["empty", "too_large", "kind", "too_many"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came. `content` is None where it went beyond what is taken, and was not kept."""

    name: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class File:
    """A file that is kept: its kind by its content, and a name that shows as what it is."""

    kind: str
    name: str
    content: bytes


def sorted_out(uploads: list[Upload]) -> tuple[list[File], list[tuple[int, WhyNot]]]:
    """Return the files to keep and, for the others, their place (from 1) and why not. A referral waits for neither."""
    kept: list[File] = []
    left: list[tuple[int, WhyNot]] = []
    for place, upload in enumerate(uploads, 1):
        judged = _judged(upload) if len(kept) < MOST else "too_many"
        if isinstance(judged, File):
            kept.append(judged)
        else:
            left.append((place, judged))
    return kept, left


def handed_out(name: str, content: bytes) -> Response:
    """Return a file to be saved: as bytes of no kind, so that no browser runs or shows it, whatever else it may be."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        },
    )


def _judged(upload: Upload) -> File | WhyNot:
    if upload.content is None:
        return "too_large"
    if not upload.content:
        return "empty"
    kind = kind_of(upload.content)
    return "kind" if kind is None else File(kind, _shown(upload.name, KINDS[kind]), upload.content)


def kind_of(content: bytes) -> str | None:
    """Return what a file is by what it holds, if it is of a kind that is taken."""
    try:
        found = magic_string(content[: 64 * 1024])
    except (PureError, ValueError):
        return "text/plain" if _is_text(content) else None
    best = max(found, key=lambda each: (each.mime_type in KINDS, each.confidence))
    sure = [
        each for each in found if each.confidence > best.confidence and each.mime_type.startswith(("text/h", "image/s"))
    ]
    if best.mime_type in KINDS and not sure and (best.confidence >= _SURE or best.mime_type == "image/jpeg"):
        return str(best.mime_type)
    return "text/plain" if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return not _NOT_TEXT.search(text) and not _MARKUP.match(text)


def _shown(name: str, ending: str) -> str:
    """Return the name of a file without folders and signs that deceive, ending as its content says."""
    last = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    stem = _CONTROL.sub("", last).rpartition(".")[0].strip(". ") or _CONTROL.sub("", last).strip(". ")
    return f"{stem[:_LONGEST_NAME] or 'file'}{ending}"
