"""How Caselight says no: with a code a program can act on and a sentence a person can."""


class Refused(Exception):  # noqa: N818 - "Refused" is the domain's word
    """A rule says no. Raised by domain functions and use cases; the HTTP door shapes it as problem+json.

    `code` is stable and in snake case, `detail` is a fixed sentence that never quotes what somebody wrote, `status`
    is the HTTP status, `pointer` a JSON pointer to the field at fault (`/body/campus`), `retry_after` seconds.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        status: int = 409,
        pointer: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.status = status
        self.pointer = pointer
        self.retry_after = retry_after
