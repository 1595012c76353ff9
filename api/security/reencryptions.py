"""`/v1/security/reencryptions`: bringing what is at rest under another key."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import may, visible_tenant
from api.problems import problems
from api.routes import Route
from api.security.data_keys import rotated
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.commands import FollowReencryption, ReencryptionState
from domain.security.data_keys import PLATFORM, rewrap
from domain.security.errors import MasterKeyUnavailable, OperatorsOnly, ReencryptionNotFound, ReencryptionUnderWay
from domain.security.ids import ReencryptionId
from domain.security.key_model import Reencryption, ReencryptionScope
from domain.security.model import Principal
from domain.security.permissions import READ_REENCRYPTIONS, REENCRYPT
from workflows.security.reencryption import ReencryptionWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/reencryptions", tags=["security"], route_class=Route)


class What(StrEnum):
    """`master_key`: all data keys come under the master key that wraps today.

    `platform`: the platform's own data key is rotated, and what it encrypted is re-encrypted.
    """

    MASTER_KEY = "master_key"
    PLATFORM = "platform"


class ReencryptionBody(Body):
    """What is to come under another key."""

    what: What = Field(examples=["master_key"])


@router.get("", response_model=Answer[Page[Reencryption]])
async def list_reencryptions(
    tenant: Annotated[TenantId | None, visible_tenant(READ_REENCRYPTIONS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Reencryption]]:
    """Those under way and those that are done, newest first."""
    return ok(await world.security(None, lambda uow: uow.reencryptions.page(tenant, cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[Reencryption],
    responses=problems(OperatorsOnly, ReencryptionUnderWay, MasterKeyUnavailable, WorkflowsUnavailable),
)
async def post_reencryption(
    body: ReencryptionBody, _: Annotated[Principal, may(REENCRYPT)], world: World
) -> Answer[Reencryption]:
    """After a master key was added, bring every data key under it; or rotate the platform's own data key.

    While one is under way, the answer is that one, which goes on if it had stopped.
    A tenant's data key is rotated with `POST /v1/security/data-keys/rotate`.
    """
    scope = ReencryptionScope.DATA_KEY if body.what is What.PLATFORM else ReencryptionScope.MASTER_KEY
    there = await world.security(None, lambda uow: uow.reencryptions.under_way(None, scope))
    if there is None:
        there = await (rotated(world, PLATFORM) if body.what is What.PLATFORM else _rewrap(world))
    await world.starter.start(
        ReencryptionWorkflow.run,
        FollowReencryption(reencryption_id=there.id),
        id=workflow_id(there.id),
        summary=f"Re-encryption of {there.total} under {there.key_id}",
        again=True,
    )
    return ok(there)


async def _rewrap(world: Container) -> Reencryption:
    master_key_id = world.masters.master_key_id
    return await world.security(None, lambda uow: rewrap(uow, master_key_id, id=new_id(ReencryptionId), now=utc_now()))


@router.get(
    "/{reencryption_id}/progress",
    response_model=Answer[ReencryptionState],
    responses=problems(ReencryptionNotFound, WorkflowsUnavailable),
)
async def get_progress(
    reencryption_id: ReencryptionId,
    tenant: Annotated[TenantId | None, visible_tenant(READ_REENCRYPTIONS)],
    world: World,
) -> Answer[ReencryptionState]:
    """How much is done, and how much was left when it last counted."""
    there = await world.security(None, lambda uow: uow.reencryptions.get(tenant, reencryption_id))
    told = await world.starter.ask(workflow_id(reencryption_id), ReencryptionWorkflow.progress)
    return ok(told or ReencryptionState(completed=there.completed_at is not None, done=there.done))
