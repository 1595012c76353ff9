"""`/v1/security/audit-checkpoints`: what the audit logs were, signed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from adapters.kernel.clock import new_id
from api.envelope import Answer, StartedWorkflow, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import may, visible_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import RequestId, TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Payload
from domain.security.audit_log import AuditCheckpoint, ConsistencyProof, SealAudit
from domain.security.errors import CheckpointNotFound, OperatorsOnly
from domain.security.model import Principal
from domain.security.permissions import READ_AUDIT_CHECKPOINTS, SEAL_AUDIT
from workflows.security.seal_audit import SealAuditWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/audit-checkpoints", tags=["security"], route_class=Route)


class VerifierKey(Payload):
    """What checks the signatures. Keep it, with a checkpoint now and then, where this platform cannot reach."""

    verifier_key: str = Field(examples=["harborgrid+0a1b2c3d+AQ..."], description="C2SP signed-note, Ed25519.")


@router.get("", response_model=Answer[Page[AuditCheckpoint]])
async def list_checkpoints(
    tenant: Annotated[TenantId | None, visible_tenant(READ_AUDIT_CHECKPOINTS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[AuditCheckpoint]]:
    """Checkpoints of the log, newest first. Without a tenant it is the platform's own."""
    return ok(await world.audit_trail.checkpoints(tenant, cursor=cursor, limit=limit))


@router.post(
    "",
    status_code=202,
    response_model=Answer[StartedWorkflow],
    responses=problems(OperatorsOnly, WorkflowsUnavailable),
)
async def seal_now(_: Annotated[Principal, may(SEAL_AUDIT)], world: World) -> Answer[StartedWorkflow]:
    """Seal what there is, in every log, and sign checkpoints; it also happens by itself, by a schedule."""
    id_ = workflow_id(new_id(RequestId))
    await world.starter.start(SealAuditWorkflow.run, SealAudit(), id=id_, summary="Seal the audit trail")
    return ok(StartedWorkflow(workflow_id=id_))


@router.get("/verifier-key", response_model=Answer[VerifierKey])
async def get_verifier_key(
    _: Annotated[Principal, may(READ_AUDIT_CHECKPOINTS)],
    world: World,
) -> Answer[VerifierKey]:
    """The public key of the checkpoints."""
    return ok(VerifierKey(verifier_key=world.signer.verifier.text))


@router.get("/consistency", response_model=Answer[ConsistencyProof], responses=problems(CheckpointNotFound))
async def prove_consistency(
    tenant: Annotated[TenantId | None, visible_tenant(READ_AUDIT_CHECKPOINTS)],
    world: World,
    first: Annotated[int, Query(ge=1, description="Size of the earlier checkpoint.")],
    second: Annotated[int, Query(ge=1, description="Size of the later checkpoint.")],
) -> Answer[ConsistencyProof]:
    """That the log of the later checkpoint begins with the log of the earlier one."""
    return ok(await world.audit_trail.consistency(tenant, min(first, second), max(first, second)))
