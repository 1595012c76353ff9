"""`/v1/security/audit-verifications`: has anybody rewritten the audit trail?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints
from temporalio.client import WorkflowExecutionStatus

from adapters.kernel.clock import new_id
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import visible_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body, Payload
from domain.security.audit_log import AuditVerification, AuditVerificationId, VerifyAudit
from domain.security.errors import AuditVerificationNotFound, ScopeMissing
from domain.security.permissions import READ_AUDIT_VERIFICATIONS, VERIFY_AUDIT
from workflows.security.verify_audit import VerifyAuditWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/audit-verifications", tags=["security"], route_class=Route)

Note = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]


class VerificationBody(Body):
    """What to check against, besides the checkpoints that are kept here."""

    notes: list[Note] = Field(default=[], max_length=100, description="Checkpoints that were kept elsewhere.")


class StartedVerification(Payload):
    """The log is being read."""

    id: AuditVerificationId
    workflow_id: str
    href: str


class VerificationView(Payload):
    """Where it stands and, at the end, what was found."""

    id: AuditVerificationId
    status: str
    intact: bool | None
    report: AuditVerification | None


@router.post(
    "",
    status_code=202,
    response_model=Answer[StartedVerification],
    responses=problems(ScopeMissing, WorkflowsUnavailable),
)
async def start_verification(
    body: VerificationBody,
    tenant: Annotated[TenantId | None, visible_tenant(VERIFY_AUDIT)],
    world: World,
) -> Answer[StartedVerification]:
    """Read the whole log and compare it with its links and checkpoints. Without a tenant it is the platform's own."""
    id_ = new_id(AuditVerificationId)
    await world.starter.start(
        VerifyAuditWorkflow.run,
        VerifyAudit(tenant_id=tenant, notes=tuple(body.notes)),
        id=workflow_id(tenant, id_),
        summary="Check the audit log",
    )
    await world.audit(tenant, "security.verify_audit", id_)
    return ok(
        StartedVerification(
            id=id_, workflow_id=workflow_id(tenant, id_), href=f"/v1/security/audit-verifications/{id_}"
        )
    )


@router.get(
    "/{verification_id}",
    response_model=Answer[VerificationView],
    responses=problems(AuditVerificationNotFound, WorkflowsUnavailable),
)
async def get_verification(
    verification_id: AuditVerificationId,
    tenant: Annotated[TenantId | None, visible_tenant(READ_AUDIT_VERIFICATIONS)],
    world: World,
) -> Answer[VerificationView]:
    """Where it stands and, at the end, every flaw that was found."""
    id_ = workflow_id(tenant, verification_id)
    status = await world.starter.status(id_)
    if status is None:
        raise AuditVerificationNotFound
    report = None
    if status is WorkflowExecutionStatus.COMPLETED:
        report = await world.temporal.get_workflow_handle(id_, result_type=AuditVerification).result()
    return ok(
        VerificationView(id=verification_id, status=status.name.lower(), intact=report and report.intact, report=report)
    )
