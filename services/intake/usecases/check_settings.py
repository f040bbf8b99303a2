"""Check what a feed's kind is told when it is told, and not when the first delivery meets it."""

from collections.abc import Mapping
from typing import Any

from services.intake.domain.decoders.signatures import keys_of
from services.intake.domain.feeds import Kind
from shared.messaging.foreign import Connection, UnfitConnectionError
from shared.refusal import Refused

_AT = "/body/settings"


def check_settings(kind: Kind, settings: Mapping[str, Any]) -> None:
    """Raise Refused (422) for settings that cannot work. None at all are fine: they may come later."""
    if kind == "canvas":
        _check_canvas(settings)
    if kind == "topic" and settings:
        _check_topic(settings)


def _check_canvas(settings: Mapping[str, Any]) -> None:
    accounts = settings.get("accounts", [])
    if not isinstance(accounts, list) or not all(isinstance(each, str) for each in accounts):
        raise Refused("unfit_settings", "accounts is a list of account ids or host names.", status=422, pointer=_AT)
    if settings.get("jwks"):
        keys_of(settings["jwks"])


def _check_topic(settings: Mapping[str, Any]) -> None:
    # The secret is given by itself, and later; without SASL it is a certificate, which is looked at when it comes.
    secret = "" if settings.get("security") == "SSL" else "to come"
    try:
        Connection.of({"username": "to come", **settings}, "group", secret).options()
    except UnfitConnectionError as unfit:
        raise Refused("unfit_settings", f"In the settings {unfit}.", status=422, pointer=_AT) from None
