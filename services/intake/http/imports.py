"""Routes for files: the roster, flags and referrals stream in; what did not go in can be looked at."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.intake.domain import flag_rows, referral_rows, roster_rows
from services.intake.domain.flag_rows import FlagReader, FlagRow
from services.intake.domain.referral_rows import ReferralReader, ReferralRow
from services.intake.domain.roster_rows import RosterReader, StudentRow
from services.intake.http.bodies import ImportView, KeptReject
from services.intake.http.upload import Kind, Open, upload
from services.intake.storage import imports, students
from services.intake.storage.imports import Import
from services.intake.usecases.import_flags import import_flags
from services.intake.usecases.import_referrals import import_referrals
from services.intake.usecases.import_roster import forget_absent, import_roster
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.privacy.keys import KeyRing
from shared.web.gate import SignedIn
from shared.web.listing import Listing
from shared.web.site import part

router = APIRouter(tags=["imports"])

STREAMED = ("/roster/imports", "/flags/imports", "/referrals/imports")
NONE_BEFORE = UUID(int=0)
_PAGE = 200

Keys = Annotated[KeyRing, Depends(part(KeyRing))]
Source = Annotated[
    str, Query(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", description="the system the file comes from", examples=["sis"])
]
DryRun = Annotated[bool, Query(description="say what would happen, and change nothing")]

_CSV: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}
}

ROSTER: Kind[StudentRow] = Kind(
    "roster",
    Action.ROSTER_IMPORT,
    roster_rows.SHAPE,
    lambda columns, zones, _now: RosterReader(columns, zones),
    import_roster,
)
FLAGS: Kind[FlagRow] = Kind("flags", Action.FLAGS_IMPORT, flag_rows.SHAPE, FlagReader, import_flags)
REFERRALS: Kind[ReferralRow] = Kind(
    "referrals", Action.REFERRAL_IMPORT, referral_rows.SHAPE, ReferralReader, import_referrals, batch=500
)


@router.post("/roster/imports", openapi_extra=_CSV)
async def import_a_roster(
    request: Request,
    gate: SignedIn,
    keys: Keys,
    *,
    source: Source = "roster",
    dry_run: DryRun = False,
    complete: Annotated[bool, Query(description="who is not in it has left, unless a row of it is rejected")] = False,
) -> ImportView:
    """Take in students. Only what differs from before changes; a partial file changes only its own students."""
    return await upload(
        request, gate, keys, ROSTER, source=source, dry_run=dry_run, afterwards=_absent if complete else None
    )


@router.post("/flags/imports", openapi_extra=_CSV)
async def import_a_flag_file(
    request: Request,
    gate: SignedIn,
    keys: Keys,
    source: Source,
    dry_run: DryRun = False,
) -> ImportView:
    """Take in flags; the threshold rule makes referrals of them."""
    return await upload(request, gate, keys, FLAGS, source=source, dry_run=dry_run)


@router.post("/referrals/imports", openapi_extra=_CSV)
async def import_a_referral_file(
    request: Request,
    gate: SignedIn,
    keys: Keys,
    source: Source,
    dry_run: DryRun = False,
) -> ImportView:
    """Take in referrals that another system collected."""
    return await upload(request, gate, keys, REFERRALS, source=source, dry_run=dry_run)


@router.get("/imports/{import_id}/rejects")
async def list_rejects(import_id: UUID, gate: SignedIn, keys: Keys, after: UUID = NONE_BEFORE) -> Listing[KeptReject]:
    """Show rows that did not go in, with what they said."""
    async with gate.begin() as door:
        found = await imports.find(door.connection, import_id)
        if found is None:
            await door.absent(Action.IMPORTS_READ, "import", str(import_id))
        await door.allow(Action.IMPORTS_READ, Resource("import", id=str(import_id), campus=found.campus))
        kept = await imports.rejects(door, keys, found, after, _PAGE)
    return Listing(
        items=[
            KeptReject(
                reject_id=id_,
                row=reject.row,
                column=reject.column,
                reason=reject.reason,
                accepted_values=reject.accepted,
                raw=reject.raw,
            )
            for id_, reject in kept
        ],
        after=kept[-1][0] if len(kept) == _PAGE else None,
    )


async def _absent(open_: Open, of: Import) -> int:
    """Mark as vanished who is not in a complete file, some at a time."""
    async with open_() as tx:
        campuses = await students.campuses_seen(tx.connection, of.import_id)
    vanished = 0
    while True:
        async with open_() as tx:
            these = await forget_absent(tx, of, campuses)
        vanished += these
        if not these:
            return vanished
