"""`/v1/security/devices`: where people let a device in (RFC 8628, section 3.3)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StrictBool, StringConstraints
from starlette.responses import HTMLResponse, Response

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.pages import page
from api.parameters import World
from api.principals import may
from api.problems import problems
from api.routes import Route
from api.security.authorize import grant_by
from api.security.sign_in import home_of, person_of
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body, Payload
from domain.security.errors import PeopleOnly
from domain.security.grants import open_grant
from domain.security.model import Principal
from domain.security.oauth import Application, DeviceAuthorization
from domain.security.oauth_errors import UserCodeUnknown
from domain.security.permissions import GRANT_AUTHORIZATION, READ_OWN_AUTHORIZATIONS
from domain.security.ports import SecurityUnitOfWork
from domain.security.sign_in import still_in

router = APIRouter(prefix="/v1/security/devices", tags=["oauth2"], route_class=Route)

UserCode = Annotated[
    str,
    StringConstraints(min_length=8, max_length=12, pattern=r"^[A-Za-z -]+$"),
    Field(description="As the device shows it; case and dash do not matter.", examples=["WDJB-MJHT"]),
]


class UserCodeBody(Body):
    """The code that the device shows."""

    user_code: UserCode


class DeviceDecisionBody(UserCodeBody):
    """The code that the device shows, and whether it is let in."""

    approved: StrictBool = True


class DeviceRequest(Payload):
    """Which application waits on the device, and what it wants."""

    application: str
    organisation: str
    scopes: list[str]


@router.get("", response_class=HTMLResponse)
async def device(user_code: Annotated[str, Query(max_length=20)] = "") -> Response:
    """The page where somebody lets a device in (RFC 8628, section 3.3)."""
    return page("authorize", {"kind": "device", "userCode": user_code})


@router.post(
    "/look-up",
    response_model=Answer[DeviceRequest],
    responses=problems(PeopleOnly, UserCodeUnknown),
)
async def look_up_device(
    body: UserCodeBody, person: Annotated[Principal, may(READ_OWN_AUTHORIZATIONS)], world: World
) -> Answer[DeviceRequest]:
    """Which application waits with this code."""
    tenant = home_of(person)

    async def work(uow: SecurityUnitOfWork) -> DeviceRequest:
        waiting, _, application = await _waiting(uow, tenant, body.user_code)
        found = await uow.tenants.find(tenant)
        assert found is not None, "a person's tenant exists"
        return DeviceRequest(application=application.name, organisation=found.organisation, scopes=list(waiting.scopes))

    return ok(await world.security(tenant, work))


@router.post(
    "/decide",
    response_model=Answer[DeviceRequest],
    responses=problems(PeopleOnly, UserCodeUnknown),
)
async def decide_device(
    body: DeviceDecisionBody, person: Annotated[Principal, may(GRANT_AUTHORIZATION)], world: World
) -> Answer[DeviceRequest]:
    """Let the device act for you, or not."""
    tenant = home_of(person)

    async def work(uow: SecurityUnitOfWork) -> DeviceRequest:
        waiting, secret_hash, application = await _waiting(uow, tenant, body.user_code)
        found, now = await uow.tenants.find(tenant), utc_now()
        assert found is not None, "a person's tenant exists"
        update: dict[str, object] = {"denied_at": now}
        if body.approved:
            await still_in(uow, person_of(person), person.session_id, now=now)
            grant = grant_by(person, application, waiting.scopes, nonce=None).model_copy(
                update={"expires_at": waiting.expires_at}
            )
            await open_grant(uow, grant, now=now)
            update = {"grant_id": grant.id}
        await uow.grants.put_device(waiting.model_copy(update=update), secret_hash)
        return DeviceRequest(application=application.name, organisation=found.organisation, scopes=list(waiting.scopes))

    return ok(await world.security(tenant, work))


async def _waiting(
    uow: SecurityUnitOfWork, tenant: TenantId, typed: str
) -> tuple[DeviceAuthorization, bytes, Application]:
    user_code = "".join(character for character in typed.upper() if character.isalpha())
    found = await uow.grants.device_with(tenant, user_code, now=utc_now())
    if found is None:
        raise UserCodeUnknown
    return *found, await uow.applications.get(tenant, found[0].client_id)
