"""`/v1/security/network-bans`: networks that nobody new signs in from for a while."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import visible_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.detection import LONGEST_BAN_MINUTES
from domain.security.ids import NetworkBanId
from domain.security.permissions import BAN_NETWORK, LIFT_NETWORK_BAN, READ_NETWORK_BANS
from domain.security.threat_errors import NetworkBanNotFound
from domain.security.threat_model import NetworkBan
from domain.security.threats import ban, lift

router = APIRouter(prefix="/v1/security/network-bans", tags=["security"], route_class=Route)


def _a_network(text: str) -> str:
    # Says ValueError for what is none.
    return str(ip_network(text))


Network = Annotated[str, AfterValidator(_a_network)]


class BanBody(Body):
    """From where, why, and for how long."""

    network: Network = Field(examples=["203.0.113.0/24"], description="In CIDR notation.", max_length=43)
    reason: Line = Field(examples=["credentials are tried from there"])
    minutes: int = Field(default=60, ge=1, le=LONGEST_BAN_MINUTES)


@router.get("", response_model=Answer[Page[NetworkBan]])
async def list_network_bans(
    tenant: Annotated[TenantId | None, visible_tenant(READ_NETWORK_BANS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[NetworkBan]]:
    """Newest first, those that are over as well."""
    return ok(await world.security(None, lambda uow: uow.bans.page(tenant, cursor=cursor, limit=limit)))


@router.post("", status_code=201, response_model=Answer[NetworkBan])
async def post_network_ban(
    body: BanBody, tenant: Annotated[TenantId | None, visible_tenant(BAN_NETWORK)], world: World
) -> Answer[NetworkBan]:
    """Nobody signs in from there to accounts of your tenant, but who did in the last month. Sessions and keys go on.

    An operator who names no tenant bans it everywhere.
    """
    now = utc_now()
    wanted = NetworkBan(
        id=new_id(NetworkBanId),
        tenant_id=tenant,
        network=body.network,
        reason=body.reason,
        threat_id=None,
        created_at=now,
        expires_at=now + timedelta(minutes=body.minutes),
    )
    return ok(await world.security(None, lambda uow: ban(uow, wanted)))


@router.post("/{ban_id}/lift", response_model=Answer[NetworkBan], responses=problems(NetworkBanNotFound))
async def post_lift(
    ban_id: NetworkBanId, tenant: Annotated[TenantId | None, visible_tenant(LIFT_NETWORK_BAN)], world: World
) -> Answer[NetworkBan]:
    """Let people sign in from there again."""
    return ok(await world.security(None, lambda uow: lift(uow, tenant, ban_id, now=utc_now())))
