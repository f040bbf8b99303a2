"""The decision: one pure function, deny unless a line of the table says otherwise."""

from dataclasses import dataclass
from datetime import datetime

from shared.access.actions import Action
from shared.access.actors import EVERYWHERE, Actor
from shared.access.rules import (
    HIDE_EXISTENCE,
    HIDE_PARTIES,
    LISTINGS,
    METADATA_ONLY,
    ONLY_DANGER,
    STAFF_ROLES,
    Rule,
    Standing,
    rule_for,
)
from shared.events.base import SENSITIVITIES, STRICTEST

_NOBODY: frozenset[str] = frozenset()
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Resource:
    """What a decision is about, in facts: never text, never names.

    `id` is empty for a whole listing. `team`, `granted`, `addressees` and `recused` hold staff ids that are so at this
    moment. `attached` says that a referral belongs to a case, and `owner_id` and `team` are then the case's.
    """

    kind: str
    id: str = ""
    campus: str = ""
    sensitivity: str = "standard"
    student_id: str | None = None
    owner_id: str | None = None
    team: frozenset[str] = _NOBODY
    recused: frozenset[str] = _NOBODY
    granted: frozenset[str] = _NOBODY
    addressees: frozenset[str] = _NOBODY
    attached: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether, on what basis (a code that the audit keeps), and with what strings attached."""

    allow: bool
    reason: str
    obligations: frozenset[str] = frozenset()

    def obliges(self, obligation: str) -> bool:
        """Return whether the answer must keep to `obligation`."""
        return obligation in self.obligations


def decide(actor: Actor, action: Action, resource: Resource, now: datetime) -> Decision:
    """Return whether `actor` may do `action` to `resource` at `now`.

    Default deny. Being recused beats everything else. An unknown sensitivity counts as the strictest.
    """
    rule = rule_for(action, attached=resource.attached)
    if actor.id in resource.recused:
        return _denied(actor, action, resource, "recused", now)
    if actor.kind == "service":
        return Decision(allow=True, reason="service") if rule.service else Decision(allow=False, reason="service")
    if actor.kind == "link":
        return _decide_link(actor, rule, resource)
    return _decide_person(actor, action, rule, resource, now)


def _decide_link(actor: Actor, rule: Rule, resource: Resource) -> Decision:
    """A link acts for the person it was sent to, on the page it was sent about, and opens nothing to read."""
    if rule.link and actor.id in resource.addressees:
        return Decision(allow=True, reason="link")
    return Decision(allow=False, reason="link", obligations=frozenset({HIDE_EXISTENCE}))


def _decide_person(actor: Actor, action: Action, rule: Rule, resource: Resource, now: datetime) -> Decision:
    if rule.anybody:
        return Decision(allow=True, reason="signed_in")
    if rule.staff and any(role.name in STAFF_ROLES and role.holds(now) for role in actor.roles):
        return Decision(allow=True, reason="staff")
    return (
        _by_role(actor, action, rule, resource, now)
        or _by_standing(actor, rule, resource)
        or _denied(actor, action, resource, _why_not(resource), now)
    )


def _by_role(actor: Actor, action: Action, rule: Rule, resource: Resource, now: datetime) -> Decision | None:
    """Decide by a role on the campus: for standard matters, or through the Title IX wall."""
    sensitivity = _sensitivity(resource)
    opens = {"standard": rule.campus, "titleix": rule.wall}.get(sensitivity, _NOBODY)
    held = sorted(opens & _roles_on(actor, resource.campus, now))
    if not held:
        return None
    # Whoever also holds a role that sees more is not held to what a director sees.
    if action == Action.CASE_LIST and held == ["director"]:
        return Decision(allow=True, reason="role:director", obligations=frozenset({METADATA_ONLY}))
    return Decision(allow=True, reason=f"role:{held[0]}")


def _by_standing(actor: Actor, rule: Rule, resource: Resource) -> Decision | None:
    """Decide by how the actor stands to this one matter, at any sensitivity."""
    sensitivity = _sensitivity(resource)
    stands = _standings(actor, resource) & rule.people
    if sensitivity == "clinical" and not actor.clinical:
        # Clinical matters are for clinical staff; a responder still learns of the danger they went out for.
        stands &= {Standing.GRANT, Standing.ADDRESSEE}
    for standing in Standing:
        if standing in stands:
            return Decision(allow=True, reason=standing.value, obligations=_strings(standing, sensitivity, actor))
    return None


def _strings(standing: Standing, sensitivity: str, actor: Actor) -> frozenset[str]:
    if standing is not Standing.GRANT:
        return frozenset()
    if sensitivity == "titleix":
        return frozenset({ONLY_DANGER, HIDE_PARTIES})
    if sensitivity == "clinical" and not actor.clinical:
        return frozenset({ONLY_DANGER})
    return frozenset()


def _standings(actor: Actor, resource: Resource) -> set[Standing]:
    facts = {
        Standing.OWNER: resource.owner_id == actor.id,
        Standing.TEAM: actor.id in resource.team,
        Standing.GRANT: actor.id in resource.granted,
        Standing.ADDRESSEE: actor.id in resource.addressees,
    }
    return {standing for standing, so in facts.items() if so}


def _roles_on(actor: Actor, campus: str, now: datetime) -> frozenset[str]:
    return frozenset(role.name for role in actor.roles if role.campus in (campus, EVERYWHERE) and role.holds(now))


def _sensitivity(resource: Resource) -> str:
    return resource.sensitivity if resource.sensitivity in SENSITIVITIES else STRICTEST


def _why_not(resource: Resource) -> str:
    return {"standard": "no_role", "titleix": "wall"}.get(_sensitivity(resource), "no_standing")


def _denied(actor: Actor, action: Action, resource: Resource, reason: str, now: datetime) -> Decision:
    """Deny; and unless the actor would find it in a listing anyway, look as if there were nothing.

    So nobody tells by the way they are refused what is walled, what is somebody else's and what never was.
    """
    hidden = bool(resource.id) and (reason == "recused" or not _finds(actor, action, resource, now))
    return Decision(allow=False, reason=reason, obligations=frozenset({HIDE_EXISTENCE}) if hidden else _NOTHING)


def _finds(actor: Actor, action: Action, resource: Resource, now: datetime) -> bool:
    """Return whether a listing of such things shows this one to the actor."""
    listing = LISTINGS.get(action.value.partition(".")[0])
    if listing is None or actor.kind != "person":
        return False
    rule = rule_for(listing, attached=resource.attached)
    return bool(_by_role(actor, listing, rule, resource, now) or _by_standing(actor, rule, resource))
