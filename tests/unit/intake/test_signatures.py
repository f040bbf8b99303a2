"""How a sender proves itself, and what it is told when it does not."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.intake.domain.signatures import (
    WINDOW,
    NotProven,
    Token,
    check_signature,
    check_token,
    digest_of,
    new_secret,
    sign,
)

NOW = datetime(2026, 9, 14, 10, tzinfo=UTC)
OLD, NEW = "clf_old", "clf_new"
TOKENS = [Token(UUID(int=place), secret, digest_of(secret), NOW) for place, secret in enumerate((NEW, OLD))]
BODY = b'[{"id": "A-1"}]'


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_either_of_two_tokens_signs(secret: str) -> None:
    assert check_signature(TOKENS, sign(secret, BODY, NOW), BODY, NOW) == timedelta(0)


def test_a_header_may_carry_a_signature_of_each_token() -> None:
    header = f"{sign('clf_other', BODY, NOW)},{sign(NEW, BODY, NOW).partition(',')[2]}"
    check_signature(TOKENS, header, BODY, NOW)


@pytest.mark.parametrize("skew", [-WINDOW, WINDOW, timedelta(seconds=17)])
def test_a_clock_that_is_off_by_a_little_is_allowed_and_told(skew: timedelta) -> None:
    assert check_signature(TOKENS, sign(NEW, BODY, NOW - skew), BODY, NOW) == skew


@pytest.mark.parametrize(("skew", "way"), [(WINDOW, "behind"), (-WINDOW, "ahead of")])
def test_what_was_signed_too_long_ago_or_ahead_is_refused_with_how_far(skew: timedelta, way: str) -> None:
    more = timedelta(seconds=1 if skew > timedelta(0) else -1)
    with pytest.raises(NotProven) as refused:
        check_signature(TOKENS, sign(NEW, BODY, NOW - skew - more), BODY, NOW)
    assert refused.value.code == "outside_window"
    assert f"301 seconds {way} ours; 300 are allowed" in refused.value.detail


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "not_signed"),
        ("v1=abc", "not_signed"),
        ("t=99999999999999,v1=" + "0" * 64, "not_signed"),
        (sign("clf_other", BODY, NOW), "wrong_signature"),
        (sign(NEW, BODY + b" ", NOW), "wrong_signature"),
        (sign(NEW, BODY, NOW).replace("t=1", "t=2"), "wrong_signature"),
    ],
)
def test_a_wrong_signature_says_nothing_about_the_clock(header: str, code: str) -> None:
    with pytest.raises(NotProven) as refused:
        check_signature(TOKENS, header, BODY, NOW)
    assert (refused.value.code, refused.value.status) == (code, 401)


def test_no_token_proves_nothing() -> None:
    with pytest.raises(NotProven):
        check_signature([], sign("", BODY, NOW), BODY, NOW)
    with pytest.raises(NotProven):
        check_token([], "Bearer clf_x")


def test_a_token_is_shown_as_a_bearer() -> None:
    check_token(TOKENS, f"Bearer {OLD}")
    for header in ("", OLD, "Bearer ", "Bearer clf_other", f"Basic {OLD}", "Bearer \ud800"):
        with pytest.raises(NotProven):
            check_token(TOKENS, header)


def test_secrets_are_long_random_and_known_by_their_beginning() -> None:
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    assert all(secret.startswith("clf_") and len(secret) > 40 for secret in made)
