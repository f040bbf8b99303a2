"""Navigation by job: what somebody's roles let them do something at. The owners decide; this only keeps menus short."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from shared.access.actions import Action
from shared.access.actors import Role
from shared.access.rules import STAFF_ROLES, TITLEIX_ROLES, rule_for
from shared.web.ui.frames import NavItem


@dataclass(frozen=True, slots=True)
class Job:
    """One entry: where, what it is called, and which actions or roles make it somebody's job."""

    path: str
    label: str
    actions: tuple[Action, ...] = ()
    roles: tuple[str, ...] = ()
    staff: bool = False
    anybody: bool = False
    count: str = ""  # what its number counts, for those who hear it


JOBS = (
    Job("/", "Today", staff=True),
    Job("/duty", "Duty", roles=("duty_officer", *sorted(TITLEIX_ROLES))),
    Job("/pages", "Pages", (Action.PAGE_LIST,), count="not accepted"),
    Job("/triage", "Triage", (Action.REFERRAL_TRIAGE,), count="waiting"),
    Job("/match", "Match", (Action.REFERRAL_MATCH,), count="waiting"),
    Job("/flags", "Flags", (Action.FLAGS_LIST,)),
    Job("/rules", "Rules", (Action.RULES_SIMULATE,)),
    Job("/outreach", "Outreach", (Action.OUTREACH_LIST,)),
    Job("/lexicons", "Lexicons", (Action.LEXICON_CHANGE,)),
    Job("/feeds", "Feeds", (Action.FLAGS_IMPORT,)),
    Job("/cases", "Cases", (Action.CASE_LIST,)),
    Job("/program", "Program", (Action.PROGRAM_CHANGE, Action.FIGURES_READ)),
    Job("/health-of-services", "Health", (Action.STATUS_READ,)),
    Job("/refer", "Refer someone", anybody=True),
)


def is_job(job: Job, roles: Collection[Role]) -> bool:
    """Return whether any of the roles has something to do there."""
    held = {role.name for role in roles}
    if job.anybody or (job.staff and held & STAFF_ROLES) or held.intersection(job.roles):
        return True
    rules = [rule_for(action, attached=False) for action in job.actions]
    return any(held & (rule.campus | rule.wall) for rule in rules)


def jobs_of(roles: Collection[Role], there: Collection[str]) -> list[Job]:
    """Return the jobs of somebody, of those that have a page (`there`)."""
    return [job for job in JOBS if job.path in there and is_job(job, roles)]


def items(jobs: Sequence[Job], here: str, numbers: Mapping[str, int]) -> list[NavItem]:
    """Return jobs as the frame shows them on the page `here`."""
    return [
        NavItem(
            key=job.path.strip("/") or "today",
            label=job.label,
            href=job.path,
            count=numbers.get(job.path) or None,
            counted=job.count,
            danger=job.path == "/pages",
            current=here == job.path or (job.path != "/" and here.startswith(f"{job.path}/")),
        )
        for job in jobs
    ]
