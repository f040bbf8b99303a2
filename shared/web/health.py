"""Whether the process lives, and whether it can answer. Neither says anything about anybody, so neither asks who."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from shared.access.actors import service_actor
from shared.web.site import site_of

router = APIRouter(prefix="/health", tags=["operation"])


class Health(BaseModel):
    """`live`, or `ready`."""

    status: str


@router.get("/live")
async def live() -> Health:
    """Say that the process answers. It never depends on anything else: a database away is no reason to be killed."""
    return Health(status="live")


@router.get("/ready")
async def ready(request: Request) -> Health:
    """Say that answers can be given; 503 with the reason while the database is away or replicas are being filled."""
    site = site_of(request)
    async with site.database.transaction(service_actor(site.service)) as tx:
        await site.require_ready(tx.connection)
    return Health(status="ready")
