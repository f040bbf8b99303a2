"""What people send with a referral: told by its content, named as what it is, and never run."""

from services.intake.http.files import LARGEST, MOST, Upload, handed_out, kind_of, sorted_out

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(30)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(50)
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF"
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(30)
GIF_THAT_IS_A_SCRIPT = b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)//<script>"


def test_a_kind_is_told_by_content() -> None:
    assert kind_of(PNG) == "image/png"
    assert kind_of(JPEG) == "image/jpeg"
    assert kind_of(PDF) == "application/pdf"
    assert kind_of(HEIC) in ("image/heif", "image/heic")
    assert kind_of("Una nota, ñ".encode()) == "text/plain"


def test_what_runs_or_hides_something_is_not_taken() -> None:
    for content in (
        b"MZ\x90\x00" + bytes(200),
        b"<!doctype html><script>alert(1)</script>",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"PK\x03\x04" + bytes(40),
        b"\x7fELF" + bytes(60),
        bytes(100),
        b"text with \x00 in it",
    ):
        assert kind_of(content) is None, content[:20]


def test_a_file_that_is_two_things_is_one_and_is_handed_out_as_neither() -> None:
    assert kind_of(GIF_THAT_IS_A_SCRIPT) == "image/gif"
    answer = handed_out("x.gif", GIF_THAT_IS_A_SCRIPT)
    assert answer.media_type == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment;")


def test_a_name_leads_nowhere_and_ends_as_its_content_says() -> None:
    names = [
        "../../etc/passwd",
        "C:\\x\\photo.exe",
        "\u202egnp.exe",
        "",
        "a" * 300 + ".png",
        "\u202e\u0000",
        'q"\r\nX: y.png',
    ]
    kept, left = sorted_out([Upload(name, PNG) for name in names[:MOST]])
    more, _ = sorted_out([Upload(name, PNG) for name in names[MOST:]])
    assert left == []
    assert [file.name for file in (*kept, *more)] == [
        "passwd.png", "photo.png", "gnp.png", "file.png", "a" * 100 + ".png", "file.png", 'q"X: y.png',
    ]  # fmt: skip
    header = handed_out('q"\u00e9.png', PNG).headers["content-disposition"]
    assert header == "attachment; filename=\"q__.png\"; filename*=UTF-8''q%22%C3%A9.png"


def test_a_file_that_is_not_kept_says_why_and_keeps_no_other_away() -> None:
    uploads = [Upload("a", None), Upload("b", b""), Upload("c", b"MZ" + bytes(99)), *[Upload("d", PNG)] * 6]
    kept, left = sorted_out(uploads)
    assert len(kept) == MOST
    assert left == [(1, "too_large"), (2, "empty"), (3, "kind"), (9, "too_many")]
    assert LARGEST == 10 * 1024 * 1024
