"""`/v1/security/invitation-links`: what who was asked in does with the link."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import World
from api.problems import problems
from api.routes import Route
from api.security.sign_in import Password, PersonName, Token, as_person, linked
from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Body, Payload
from domain.security.ids import InvitationId
from domain.security.invitations import accept, opened
from domain.security.people import Role
from domain.security.people_errors import LinkInvalid, PasswordRequired, PasswordTooWeak
from domain.security.ports import SecurityUnitOfWork

router = APIRouter(prefix="/v1/security/invitation-links", tags=["security"], route_class=Route)


class LookUpBody(Body):
    """The link."""

    token: Token


class AcceptBody(Body):
    """The link; and a name and a password, if you have no account here yet."""

    token: Token
    name: PersonName
    password: Password | None = None


class InvitationLook(Payload):
    """What the link is for."""

    organisation: str
    email: str
    role: Role
    password_required: bool = Field(description="Whether you have to choose a password: you have none yet.")


class NewMember(Payload):
    """You are in: sign in with `POST /v1/security/sessions`."""

    user_id: UserId
    tenant_id: TenantId


@router.post("/look-up", response_model=Answer[InvitationLook], responses=problems(LinkInvalid))
async def look_up(body: LookUpBody, world: World) -> Answer[InvitationLook]:
    """What a link is for, before it is used."""
    invitation_id = InvitationId(linked(world, body.token))

    async def look(uow: SecurityUnitOfWork) -> InvitationLook:
        invitation, account = await opened(uow, invitation_id, now=utc_now())
        tenant = await uow.tenants.find(invitation.tenant_id)
        assert tenant is not None, "invitations go with their tenant"
        return InvitationLook(
            organisation=tenant.organisation,
            email=invitation.email,
            role=invitation.role,
            password_required=account is None or account.password_hash is None,
        )

    return ok(await world.security(None, look))


@router.post(
    "/redeem",
    status_code=201,
    response_model=Answer[NewMember],
    responses=problems(LinkInvalid, PasswordRequired, PasswordTooWeak),
)
async def redeem(body: AcceptBody, world: World) -> Answer[NewMember]:
    """Become a member. Who has an account keeps its name and password; what is sent of them is not looked at."""
    invitation_id = InvitationId(linked(world, body.token))
    invitation, account = await world.security(None, lambda uow: opened(uow, invitation_id, now=utc_now()))
    hashed = None
    if body.password is not None and (account is None or account.password_hash is None):
        known = ["harborgrid", body.name, invitation.email]
        hashed = await world.passwords.hash(body.password, known=known)
    newcomer = account.user.id if account else new_id(UserId)
    with as_person(newcomer, invitation.tenant_id):
        user_id = await world.security(
            invitation.tenant_id,
            lambda uow: accept(
                uow, invitation_id, user_id=newcomer, name=body.name, password_hash=hashed, now=utc_now()
            ),
        )
    return ok(NewMember(user_id=user_id, tenant_id=invitation.tenant_id))
