"""Tokens: only ours, only for us, only for a while."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey

from shared.access.tokens import ALGORITHM, AUDIENCE, TokenRefused, Verifier, make_keys, mint
from shared.refusal import Refused
from shared.settings import Settings

NOW = datetime(2026, 9, 14, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    signing, verify = make_keys(tmp_path_factory.mktemp("keys"))
    return Settings(environment="test", signing_key=signing, verify_keys=verify)


def code_of(settings: Settings, token: str, at: datetime = NOW) -> str:
    with pytest.raises(TokenRefused) as refused:
        Verifier(settings).verify(token, at)
    assert refused.value.status == 401
    return refused.value.code


def key_of(settings: Settings) -> OKPKey:
    assert settings.signing_key is not None
    key = OKPKey.import_key(settings.signing_key.read_bytes())
    return OKPKey.import_key(settings.signing_key.read_bytes(), {"kid": key.thumbprint()})


def signed(settings: Settings, **changes: object) -> str:
    """Return a token with some claims changed, or left out where None."""
    now = int(NOW.timestamp())
    claims = {"iss": settings.issuer, "aud": AUDIENCE, "sub": "maria", "iat": now, "exp": now + 120} | changes
    key = key_of(settings)
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, given, key, algorithms=[ALGORITHM])


def test_a_token_says_who_and_when_they_signed_in(settings: Settings) -> None:
    earlier = NOW - timedelta(minutes=3)
    identity = Verifier(settings).verify(mint(settings, "maria", now=NOW, authenticated_at=earlier), NOW)
    assert (identity.subject, identity.authenticated_at) == ("maria", earlier)
    assert identity.expires_at == NOW + timedelta(minutes=2)


def test_keys_are_made_once_and_the_signing_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    signing, verify = make_keys(tmp_path / "new")
    before = signing.read_bytes(), verify.read_bytes()
    assert make_keys(tmp_path / "new") == (signing, verify)
    assert (signing.read_bytes(), verify.read_bytes()) == before
    assert stat.S_IMODE(signing.stat().st_mode) == 0o600
    assert "d" not in json.loads(verify.read_text())["keys"][0], "the private half is not in the verifying set"


def test_a_token_lasts_until_its_end_and_not_longer(settings: Settings) -> None:
    token = mint(settings, "maria", now=NOW, lifetime=timedelta(minutes=2))
    assert Verifier(settings).verify(token, NOW + timedelta(seconds=119)).subject == "maria"
    assert code_of(settings, token, NOW + timedelta(seconds=130)) == "token_expired"


def test_a_token_from_the_future_is_refused(settings: Settings) -> None:
    assert code_of(settings, mint(settings, "maria", now=NOW + timedelta(minutes=1))) == "token_not_for_us"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "payroll"}, "token_not_for_us"),
        ({"aud": ["payroll"]}, "token_not_for_us"),
        ({"iss": "https://elsewhere.example"}, "token_not_for_us"),
        ({"aud": None}, "token_incomplete"),
        ({"iss": None}, "token_incomplete"),
        ({"sub": None}, "token_incomplete"),
        ({"iat": None}, "token_incomplete"),
        ({"exp": None}, "token_incomplete"),
        ({"sub": ""}, "token_not_for_us"),
        ({"sub": "mar\x00ia"}, "token_incomplete"),
        ({"auth_time": "yesterday"}, "token_incomplete"),
        ({"exp": "soon"}, "token_not_for_us"),
        ({"exp": int(NOW.timestamp()) + 90_000}, "token_too_long"),
    ],
)
def test_every_claim_is_pinned(settings: Settings, changes: dict[str, object], code: str) -> None:
    assert code_of(settings, signed(settings, **changes)) == code


def test_production_takes_no_token_that_lasts_longer_than_minutes(settings: Settings) -> None:
    token = mint(settings, "maria", now=NOW, lifetime=timedelta(hours=8))
    assert Verifier(settings).verify(token, NOW).subject == "maria"
    assert code_of(settings.model_copy(update={"environment": "production"}), token) == "token_too_long"


def test_the_algorithm_is_ours_to_say_and_not_the_tokens(settings: Settings) -> None:
    now = int(NOW.timestamp())
    claims = {"iss": settings.issuer, "aud": AUDIENCE, "sub": "maria", "iat": now, "exp": now + 60}
    assert settings.verify_keys is not None
    # The old trick: the public key, which everybody knows, taken for a shared secret.
    secret = OctKey.import_key(settings.verify_keys.read_bytes())
    symmetric = jwt.encode({"alg": "HS256", "kid": key_of(settings).kid}, claims, secret, algorithms=["HS256"])
    assert code_of(settings, symmetric) == "token_invalid"
    head, body, _ = signed(settings).split(".")
    assert code_of(settings, f"{head}.{body}.") == "token_invalid"
    assert code_of(settings, f"eyJhbGciOiJub25lIn0.{body}.") == "token_invalid"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "....", "é.é.é", "a" * 10_000])
def test_what_is_no_token_is_refused_and_not_quoted(settings: Settings, token: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        Verifier(settings).verify(token, NOW)
    assert refused.value.code == "token_invalid"
    assert not token or token not in refused.value.detail


def test_a_tampered_token_is_refused(settings: Settings) -> None:
    head, _, signature = signed(settings).split(".")
    _, other, _ = signed(settings, sub="root").split(".")
    assert code_of(settings, f"{head}.{other}.{signature}") == "token_invalid"


def test_a_new_key_is_taken_up_without_a_restart_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    signing, verify = make_keys(tmp_path / "old")
    settings = Settings(environment="test", signing_key=signing, verify_keys=verify)
    verifier = Verifier(settings)
    assert verifier.verify(mint(settings, "maria", now=NOW), NOW).subject == "maria"
    new_signing, new_verify = make_keys(tmp_path / "new")
    rotated = settings.model_copy(update={"signing_key": new_signing})
    with pytest.raises(TokenRefused) as refused:
        verifier.verify(mint(rotated, "maria", now=NOW), NOW)
    assert refused.value.code == "token_unknown_key"
    both = [key for path in (verify, new_verify) for key in json.loads(path.read_text())["keys"]]
    verify.write_text(json.dumps(KeySet.import_key_set({"keys": both}).as_dict()))
    assert verifier.verify(mint(rotated, "maria", now=NOW), NOW).subject == "maria"
    assert verifier.verify(mint(settings, "maria", now=NOW), NOW).subject == "maria"


def test_without_keys_nobody_gets_in_and_nobody_mints() -> None:
    bare = Settings(environment="test")
    with pytest.raises(TokenRefused, match="no_verify_keys"):
        Verifier(bare).verify("a.b.c", NOW)
    with pytest.raises(Refused, match="no_signing_key"):
        mint(bare, "maria", now=NOW)
