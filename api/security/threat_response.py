"""`/v1/security/threat-response`: how your tenant wants threats to be answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StrictBool

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired
from domain.security.permissions import CHANGE_THREAT_RESPONSE, READ_THREAT_RESPONSE
from domain.security.threat_model import ThreatResponse
from domain.security.threats import change_response

router = APIRouter(prefix="/v1/security/threat-response", tags=["security"], route_class=Route)


class ResponseBody(Body):
    """Whether somebody has to approve what is done."""

    approval: StrictBool = Field(examples=[True])


@router.get("", response_model=Answer[ThreatResponse], responses=problems(TenantRequired))
async def get_response(
    tenant: Annotated[TenantId, own_tenant(READ_THREAT_RESPONSE)], world: World
) -> Answer[ThreatResponse]:
    """As it is now."""
    return ok(await world.security(None, lambda uow: uow.threats.response(tenant)))


@router.put("", response_model=Answer[ThreatResponse], responses=problems(TenantRequired))
async def put_response(
    body: ResponseBody, tenant: Annotated[TenantId, own_tenant(CHANGE_THREAT_RESPONSE)], world: World
) -> Answer[ThreatResponse]:
    """With `approval`, nothing is done about a threat before an administrator says so; they are mailed."""
    wanted = ThreatResponse(approval=body.approval)
    await world.security(None, lambda uow: change_response(uow, tenant, wanted))
    return ok(wanted)
