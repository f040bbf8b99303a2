"""How a topic of somebody else's Kafka is reached: by settings that are checked first."""

import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.messaging.foreign import Connection, UnfitConnectionError

SASL = {"bootstrap": "kafka.example.edu:9093", "topic": "alerts", "username": "caselight"}


def made(secret: str = "s", **more: Any) -> Connection:  # noqa: S107 - made up
    return Connection.of(SASL | more, "caselight.feed.alerts", secret)


def certificate() -> tuple[str, str]:
    """Return a certificate in PEM, and the same with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kafka.example.edu")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder(
        name, name, key.public_key(), 1, begin, begin + timedelta(days=3650)
    ).sign(key, hashes.SHA256())  # fmt: skip
    pem = built.public_bytes(serialization.Encoding.PEM).decode()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    return pem, pem + secret.decode()


def test_a_password_goes_over_tls_unless_said_otherwise() -> None:
    options = made().options()
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("caselight", "s")
    context = options["ssl_context"]
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert options["group_id"] == "caselight.feed.alerts"
    assert options["enable_auto_commit"] is False
    assert options["auto_offset_reset"] == "earliest"


def test_a_group_a_mechanism_and_a_place_to_begin_may_be_said() -> None:
    options = made(group="theirs", mechanism="PLAIN", begin="latest", security="SASL_PLAINTEXT").options()
    assert (options["group_id"], options["sasl_mechanism"], options["auto_offset_reset"]) == (
        "theirs",
        "PLAIN",
        "latest",
    )
    assert "ssl_context" not in options


def test_certificates_of_ones_own_authority_and_of_the_client_are_loaded() -> None:
    ca, both = certificate()
    context = made(both, security="SSL", ca=ca).options()["ssl_context"]
    assert context.cert_store_stats()["x509"] == 1
    assert "sasl_mechanism" not in made("", security="SSL").options()


@pytest.mark.parametrize(
    ("more", "secret", "why"),
    [
        ({"bootstrap": ""}, "s", "bootstrap"),
        ({"topic": " "}, "s", "topic"),
        ({"security": "TLS"}, "s", "security"),
        ({"mechanism": "GSSAPI"}, "s", "mechanism"),
        ({"begin": "now"}, "s", "begin"),
        ({"username": ""}, "s", "username"),
        ({}, "", "secret"),
        ({"username": 7}, "s", "username"),
    ],
)
def test_settings_that_name_no_connection_say_which(more: dict[str, Any], secret: str, why: str) -> None:
    with pytest.raises(UnfitConnectionError, match=why):
        made(secret, **more)


@pytest.mark.parametrize(("more", "secret"), [({"ca": "quite wrong"}, "unheard"), ({"security": "SSL"}, "unheard")])
def test_certificates_that_are_none_are_refused_without_a_word_of_them(more: dict[str, Any], secret: str) -> None:
    with pytest.raises(UnfitConnectionError) as unfit:
        made(secret, **more).options()
    assert "hold" in str(unfit.value)
    assert secret not in str(unfit.value)
    assert "quite wrong" not in str(unfit.value)
