"""Whether the process lives, and whether it can answer. Neither says anything about anybody, so neither asks who."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from shared.access.actors import service_actor
from shared.messaging import health
from shared.refusal import Refused
from shared.web.site import site_of

router = APIRouter(prefix="/health", tags=["operation"])


class Health(BaseModel):
    """`live`, or `ready`."""

    status: str


@router.get("/live")
async def live(request: Request) -> Health:
    """Say that the process works; 503 when one of its loops has stopped turning, so that it gets restarted.

    It depends on nothing else: a database or a broker away is no reason to be killed.
    """
    if health.stalled(site_of(request).service):
        raise Refused("loop_stalled", "A loop of this process has stopped turning.", status=503)
    return Health(status="live")


@router.get("/ready")
async def ready(request: Request) -> Health:
    """Say that answers can be given; 503 with the reason while the database is away or replicas are being filled."""
    site = site_of(request)
    async with site.database.transaction(service_actor(site.service)) as tx:
        await site.require_ready(tx.connection)
    return Health(status="ready")
