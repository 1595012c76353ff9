"""`/v1/security/data-keys`: the keys that a tenant's workflow payloads and secrets are encrypted under."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security import data_keys
from domain.security.errors import MasterKeyUnavailable, ReencryptionUnderWay, ScopeMissing, TenantRequired
from domain.security.ids import DataKeyId, ReencryptionId
from domain.security.key_model import DataKey, Reencryption
from domain.security.permissions import READ_DATA_KEYS, ROTATE_DATA_KEY

router = APIRouter(prefix="/v1/security/data-keys", tags=["security"], route_class=Route)


class RotatedDataKey(Payload):
    """The key that encrypts from now on, and what brings under it what is at rest."""

    data_key_id: DataKeyId
    reencryption_id: ReencryptionId


@router.get("", response_model=Answer[list[DataKey]], responses=problems(TenantRequired))
async def list_data_keys(
    tenant: Annotated[TenantId, own_tenant(READ_DATA_KEYS)], world: World
) -> Answer[list[DataKey]]:
    """All of them, newest first. `emptiedAt`: only workflow histories are under it since."""
    return ok(list(await world.security(None, lambda uow: uow.data_keys.all(tenant))))


@router.post(
    "/rotate",
    status_code=201,
    response_model=Answer[RotatedDataKey],
    responses=problems(ScopeMissing, TenantRequired, ReencryptionUnderWay, MasterKeyUnavailable),
)
async def rotate(
    tenant: Annotated[TenantId, own_tenant(ROTATE_DATA_KEY)],
    world: World,
) -> Answer[RotatedDataKey]:
    """Make a new key, and bring under it what is at rest. What the old ones encrypted stays readable.

    Every process uses it within half a minute; `/v1/security/reencryptions` says how far the rest is.
    """
    begun = await rotated(world, tenant)
    return ok(RotatedDataKey(data_key_id=DataKeyId(begun.key_id), reencryption_id=begun.id))


async def rotated(world: Container, owner: str) -> Reencryption:
    """Rotate an owner's data key. Raises ReencryptionUnderWay, MasterKeyUnavailable."""
    fresh, wrapped = await world.keys.fresh(owner)
    begun = await world.security(
        None, lambda uow: data_keys.rotate(uow, fresh, wrapped, id=new_id(ReencryptionId), now=utc_now())
    )
    world.keys.rotated(owner)
    return begun
