"""`/v1/security/invitations`: ask people in, by a link that is mailed to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.authorization import principal_of
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Email, Limit, World
from api.principals import own_tenant, visible_tenant
from api.problems import problems
from api.routes import Route
from api.security.members import role_of
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.commands import InvitationState
from domain.security.errors import RoleAboveYours, TenantRequired
from domain.security.ids import InvitationId
from domain.security.invitations import Inviter, invite, revoke
from domain.security.people import Invitation, Role
from domain.security.people_errors import AlreadyAMember, AlreadyInvited, InvitationClosed, InvitationNotFound
from domain.security.permissions import INVITE, READ_INVITATIONS, REVOKE_INVITATION
from workflows.security.invitation import InvitationWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/invitations", tags=["security"], route_class=Route)


class InvitationBody(Body):
    """Whom to ask in, and as what."""

    email: Email = Field(examples=["grace@northwind.example"])
    role: Role = Field(default=Role.MEMBER, examples=["member"])


@router.get("", response_model=Answer[Page[Invitation]])
async def list_invitations(
    tenant: Annotated[TenantId | None, visible_tenant(READ_INVITATIONS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Invitation]]:
    """Invitations, newest first, closed ones as well."""
    found = await world.security(tenant, lambda uow: uow.invitations.page(tenant, cursor=cursor, limit=limit))
    now = utc_now()
    return ok(Page(items=[each.at(now) for each in found.items], next_cursor=found.next_cursor))


@router.post(
    "",
    status_code=201,
    response_model=Answer[Invitation],
    responses=problems(TenantRequired, RoleAboveYours, AlreadyAMember, AlreadyInvited),
)
async def post_invitation(
    body: InvitationBody, tenant: Annotated[TenantId, own_tenant(INVITE)], world: World, request: Request
) -> Answer[Invitation]:
    """Ask somebody in. The mail is sent by a workflow, which closes the invitation when its time is over."""
    caller = principal_of(request)
    invitation_id = new_id(InvitationId)
    return ok(
        await world.security(
            tenant,
            lambda uow: invite(
                uow,
                Inviter(tenant, caller.id, role_of(caller)),
                invitation_id=invitation_id,
                email=body.email,
                role=body.role,
                lifetime=timedelta(days=world.settings.invitation_days),
                now=utc_now(),
            ),
        )
    )


@router.get("/{invitation_id}", response_model=Answer[Invitation], responses=problems(InvitationNotFound))
async def get_invitation(
    invitation_id: InvitationId,
    tenant: Annotated[TenantId | None, visible_tenant(READ_INVITATIONS)],
    world: World,
) -> Answer[Invitation]:
    """One of them, and where it stands."""
    found = await world.security(tenant, lambda uow: uow.invitations.get(tenant, invitation_id))
    return ok(found.at(utc_now()))


@router.get(
    "/{invitation_id}/progress",
    response_model=Answer[InvitationState],
    responses=problems(InvitationNotFound, WorkflowsUnavailable),
)
async def get_progress(
    invitation_id: InvitationId,
    tenant: Annotated[TenantId | None, visible_tenant(READ_INVITATIONS)],
    world: World,
) -> Answer[InvitationState]:
    """Whether its mail was sent, and what its process does next, and when."""
    there = await world.security(tenant, lambda uow: uow.invitations.get(tenant, invitation_id))
    id_ = workflow_id(there.tenant_id, invitation_id)
    return ok(await world.starter.ask(id_, InvitationWorkflow.progress) or InvitationState(next="mail"))


@router.post(
    "/{invitation_id}/revoke",
    response_model=Answer[Invitation],
    responses=problems(InvitationNotFound, InvitationClosed),
)
async def revoke_invitation(
    invitation_id: InvitationId,
    tenant: Annotated[TenantId | None, visible_tenant(REVOKE_INVITATION)],
    world: World,
) -> Answer[Invitation]:
    """Make its link useless."""
    return ok(await world.security(tenant, lambda uow: revoke(uow, tenant, invitation_id, now=utc_now())))
