"""The three cookies: the session, the sign-in under way, and a sentence to say on the next page."""

import base64
import hashlib
import hmac

from starlette.requests import HTTPConnection
from starlette.responses import Response

SESSION = "caselight"
SIGN_IN = "caselight-sign-in"
SAID = "caselight-said"
_SAID_S = 60
_LONGEST_SAID = 500


class Cookies:
    """Reads and sets them. Over https their names begin with `__Host-`, so that no other host can plant one."""

    def __init__(self, address: str) -> None:
        self._secure = address.startswith("https://")

    def name(self, name: str) -> str:
        """Return the name as the browser has it."""
        return f"__Host-{name}" if self._secure else name

    def get(self, request: HTTPConnection, name: str) -> str:
        """Return a cookie's value; empty without one."""
        return request.cookies.get(self.name(name), "")

    def set(self, response: Response, name: str, value: str, seconds: int | None = None) -> None:
        """Set a cookie that no script reads. Lax, because people come from the provider and from links in mails."""
        response.set_cookie(
            self.name(name), value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def drop(self, response: Response, name: str) -> None:
        """Remove a cookie."""
        response.delete_cookie(self.name(name), path="/", secure=self._secure, httponly=True, samesite="lax")

    def say(self, response: Response, token: str, sentence: str) -> None:
        """Let the next page of this session say a sentence. It stays in the browser: it may hold a name."""
        encoded = base64.urlsafe_b64encode(sentence[:_LONGEST_SAID].encode()).decode()
        self.set(response, SAID, f"{encoded}.{signature(token, encoded)}", _SAID_S)

    def said(self, request: HTTPConnection, token: str) -> str:
        """Return the sentence that the page before left; empty for one that this session did not leave."""
        encoded, _, signed = self.get(request, SAID).partition(".")
        if not encoded or not hmac.compare_digest(
            signed.encode("utf-8", "replace"), signature(token, encoded).encode()
        ):
            return ""
        return base64.urlsafe_b64decode(encoded).decode()


def signature(token: str, about: str) -> str:
    """Return what only a holder of the session's token can make."""
    return hmac.new(token.encode(), about.encode(), hashlib.sha256).hexdigest()


def csrf(token: str) -> str:
    """Return what every form of a session carries."""
    return signature(token, "csrf")


def is_csrf(token: str, given: str) -> bool:
    """Return whether a form came from a page of this session."""
    return hmac.compare_digest(csrf(token).encode(), given.encode("utf-8", "replace"))
