"""The gate: the only way an HTTP request gets a unit of work. It is where access and audit cannot be forgotten."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal, NoReturn

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.access.actions import Action
from shared.access.actors import EVERYWHERE, SERVICE, Actor
from shared.access.decision import Decision, Resource, decide
from shared.access.roles import actor_of
from shared.access.rules import HIDE_EXISTENCE
from shared.access.tokens import TokenRefused
from shared.events.access import AccessDecided
from shared.events.base import SENSITIVITIES, STRICTEST
from shared.ids import new_id
from shared.refusal import Refused
from shared.storage.engines import row_context, set_context
from shared.storage.tx import Tx
from shared.web.questions import doubtful, in_codes
from shared.web.site import Site, site_of

# What an answer is for, where it is not to be read: it leaves as a file, or an open screen looks whether it may know.
USE_HEADER = "X-Caselight-Use"
EXPORT, LIVE = "export", "live"
# Who brings something in does not know yet behind which wall it will come to stand.
_BRINGS_IN = frozenset(
    {
        Action.REFERRAL_CREATE,
        Action.REFERRER_ADD,
        Action.REFERRAL_IMPORT,
        Action.FLAGS_IMPORT,
        Action.FLAGS_RAISE,
        Action.FLAGS_REOPEN,
        Action.FEED_DELIVER,
        Action.FEED_TRY,
        Action.QUARANTINE_REPLAY,
    }
)


class Denied(Refused):
    """The decision was no. Where even existence must not show it reads exactly like "there is no such thing"."""

    def __init__(self, *, hidden: bool) -> None:
        if hidden:
            super().__init__("not_found", "There is no such thing here, or it is not yours to see.", status=404)
        else:
            super().__init__("forbidden", "Your roles do not allow this.", status=403)


class UndecidedError(RuntimeError):
    """A block ended without a decision: an answer nobody decided on is a bug in the route."""


@dataclass
class Door(Tx):
    """A unit of work for one request, with the decisions made in it. Every one becomes an audit row."""

    decided: bool = False
    audits: list[AccessDecided] = field(default_factory=list)
    context: dict[str, str] = field(default_factory=dict)
    gravest: str = "standard"
    use: str = ""

    async def allow(
        self,
        action: Action,
        resource: Resource,
        *,
        ids: Sequence[str] = (),
        filter: str = "",  # noqa: A002
    ) -> Decision:
        """Return the decision to let the actor do this, or raise Denied. Either way it is audited.

        `ids` are the records meant when there are several, `filter` the question asked, in codes. Rows of the
        resource's campus are visible to the transaction from here on, if they were not before.
        """
        decision = decide(self.actor, action, resource, self.now)
        self._audit(action, resource, ids or ((resource.id,) if resource.id else ()), decision, filter)
        if not decision.allow:
            raise Denied(hidden=decision.obliges(HIDE_EXISTENCE))
        self.decided = True
        await self._open(resource.campus, wall=resource.sensitivity == STRICTEST or action in _BRINGS_IN)
        return decision

    def allow_each(self, action: Action, resources: Sequence[Resource]) -> list[Decision | None]:
        """Return for each resource the decision, or None where it must be left out. Then say `record_list`."""
        decisions = [decide(self.actor, action, resource, self.now) for resource in resources]
        shown = (each.sensitivity for each, decision in zip(resources, decisions, strict=True) if decision.allow)
        self.gravest = max((self.gravest, *shown), key=_gravity)
        return [decision if decision.allow else None for decision in decisions]

    async def record_list(
        self,
        action: Action,
        ids: Sequence[str],
        filter: str = "",  # noqa: A002
        *,
        kind: str = "",
        campus: str = EVERYWHERE,
    ) -> None:
        """Audit a listing, in one row: what was asked for and the ids that are returned. An empty one counts too.

        The row is as sensitive as the gravest of what `allow_each` let through.
        """
        decision = Decision(allow=True, reason="list")
        resource = Resource(kind or action.value.split(".")[0], campus=campus, sensitivity=self.gravest)
        self._audit(action, resource, ids, decision, filter)
        self.decided = True

    def record_refused(self, action: Action, ids: Sequence[str], filter: str = "", *, kind: str = "") -> None:  # noqa: A002
        """Audit, in one row, that of several records these were refused: not there, or not for the actor."""
        if ids:
            resource = Resource(kind or action.value.split(".")[0], campus=EVERYWHERE)
            self._audit(action, resource, ids, Decision(allow=False, reason="list"), filter)

    async def absent(self, action: Action, kind: str, id_: str) -> NoReturn:
        """Answer for something that is not there (or that row security hides), as if it were not theirs to see."""
        resource = Resource(kind, id=id_, campus=EVERYWHERE)
        self._audit(action, resource, (id_,), Decision(allow=False, reason="absent"))
        raise Denied(hidden=True)

    def _audit(
        self, action: Action, resource: Resource, ids: Sequence[str], decision: Decision, question: str = ""
    ) -> None:
        self.audits.append(
            AccessDecided(
                campus=resource.campus or EVERYWHERE,
                sensitivity=resource.sensitivity,
                audit_id=new_id(),
                service=self.service,
                actor_kind=self.actor.kind,
                actor_id=self.actor.id,
                action=action.value,
                resource_kind=resource.kind,
                resource_ids=tuple(str(id_) for id_ in ids),
                allowed=decision.allow,
                basis=decision.reason,
                filter=f"{question} use={self.use}".strip() if self.use else question,
                decided_at=self.now,
            )
        )

    async def _open(self, campus: str, *, wall: bool) -> None:
        """Show row security what was decided, where the actor's roles alone do not reach: a grant, a new referral."""
        context = self.context | {"campuses": _with(self.context["campuses"], campus)}
        if wall:
            context["walls"] = _with(context["walls"], campus)
        if context != self.context:
            self.context = context
            await set_context(self.connection, context)


class Gate:
    """Who stands before the service. Opens units of work for them; made per request by `signed_in` or `by_link`."""

    def __init__(
        self,
        site: Site,
        subject: str,
        *,
        kind: Literal["person", "service", "link"] = "person",
        authenticated_at: datetime | None = None,
        use: str = "",
    ) -> None:
        self._use = use
        self._site = site
        self._kind = kind
        self.subject = subject
        self._authenticated_at = authenticated_at
        self._allowed: list[Decision] = []
        self._context: dict[str, str] | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Door]:
        """Open a unit of work; commit it, with its audit rows, when the block ends without an error.

        A block that decided nothing raises UndecidedError, unless an earlier block of the same request decided:
        an import that commits piece by piece decides once. When the block raises, its work is rolled back and its
        audit rows are stored on their own, so that a refusal, which tells something too, is never unrecorded.
        """
        database, door = self._site.database, None
        try:
            async with database.transaction(Actor(self._kind, self.subject)) as tx:
                door = await self._door(tx)
                yield door
                await self._settle(door)
        except Exception:
            if door is not None and door.audits:
                await self._record(door)
            raise

    async def _door(self, tx: Tx) -> Door:
        await self._site.require_ready(tx.connection)
        actor = await actor_of(
            tx.connection,
            self.subject,
            tx.now,
            kind=self._kind,
            authenticated_at=self._authenticated_at,
            administrators=self._site.administrators,
        )
        context = self._context or row_context(actor)
        if context != row_context(tx.actor):  # which the transaction began with; who has no role needs no more
            await set_context(tx.connection, context)
        # The lists are the transaction's own, so that what is published through the door is what gets stored.
        return Door(
            connection=tx.connection,
            actor=actor,
            now=tx.now,
            service=tx.service,
            outgoing=tx.outgoing,
            encoded=tx.encoded,
            encode=tx.encode,
            after_commit=tx.after_commit,
            decided=self._context is not None,
            context=context,
            use=self._use,
        )

    async def _settle(self, door: Door) -> None:
        if not door.decided:
            raise UndecidedError("a block of the gate ended without a decision")
        door.publish(*await self._in_codes(door, door.audits))
        self._context = door.context

    async def _record(self, door: Door) -> None:
        """Store the audit rows of a block whose work was undone, in a transaction of their own."""
        async with self._site.database.transaction(door.actor) as tx:
            tx.publish(*await self._in_codes(tx, door.audits))

    async def _in_codes(self, tx: Tx, audits: Sequence[AccessDecided]) -> list[AccessDecided]:
        unknown = await self._site.unknown(tx.connection, doubtful(audits))
        return [in_codes(audit, unknown) for audit in audits]


def _gravity(sensitivity: str) -> int:
    return SENSITIVITIES.index(sensitivity if sensitivity in SENSITIVITIES else STRICTEST)


def _with(held: str, campus: str) -> str:
    """Add a campus to a list as row security reads it; `*` is all of them."""
    if not campus or held == EVERYWHERE:
        return held
    if campus == EVERYWHERE:
        return EVERYWHERE
    return ",".join(sorted({*filter(None, held.split(",")), campus}))


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", scheme_name="token", description="caselight token PERSON")


async def signed_in(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Gate:
    """Return the gate for whoever the bearer token proves. Use as `gate: SignedIn`."""
    if credentials is None:
        raise TokenRefused("not_signed_in", "Sign in: send a token as `Authorization: Bearer ...`.")
    site = site_of(request)
    identity = site.verifier.verify(credentials.credentials, site.database.clock.now())
    # A service of ours asks in its own name; the sign-in lets no person be called so.
    kind: Literal["person", "service"] = "service" if identity.subject.startswith(SERVICE) else "person"
    use = request.headers.get(USE_HEADER, "")
    return Gate(
        site,
        identity.subject,
        kind=kind,
        authenticated_at=identity.authenticated_at,
        use=use if use in (EXPORT, LIVE) else "",
    )


def by_link(request: Request, addressee: str) -> Gate:
    """Return the gate for the bearer of a link whose signature the route has checked: it acts for `addressee`."""
    return Gate(site_of(request), addressee, kind="link")


SignedIn = Annotated[Gate, Depends(signed_in)]
