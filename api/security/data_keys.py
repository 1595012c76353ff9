"""`/v1/security/data-keys`: the keys a tenant's workflow payloads are encrypted under."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.errors import ScopeMissing, TenantRequired
from domain.security.ids import DataKeyId
from domain.security.permissions import ROTATE_DATA_KEY

router = APIRouter(prefix="/v1/security/data-keys", tags=["security"], route_class=Route)


class RotatedDataKey(Payload):
    """The key that encrypts from now on."""

    data_key_id: DataKeyId


@router.post(
    "/rotate", status_code=201, response_model=Answer[RotatedDataKey], responses=problems(ScopeMissing, TenantRequired)
)
async def rotate(
    tenant: Annotated[TenantId, own_tenant(ROTATE_DATA_KEY)],
    world: World,
) -> Answer[RotatedDataKey]:
    """Make a new key; what the old ones encrypted stays readable. Every process uses it within half a minute."""
    return ok(RotatedDataKey(data_key_id=await world.keys.rotate(tenant)))
