"""Check an audit log from its first record to its last, against its links and every signed checkpoint."""

from temporalio import workflow

from activities.options import LONG_COMPUTATION
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.security.audit_log import PLATFORM_LOG, AuditVerification, AuditVerificationId, VerifyAudit


def workflow_id(tenant: TenantId | None, verification: AuditVerificationId) -> str:
    """One check."""
    return f"{tenant or PLATFORM_LOG}/security/verify_audit/{verification}"


@workflow.defn(name="security.verify_audit")
class VerifyAuditWorkflow:
    """One long step with a report; its heartbeats tell how many records it has read."""

    @workflow.run
    async def run(self, input: VerifyAudit) -> AuditVerification:
        """Read and compare."""
        found = await workflow.execute_activity_method(
            SecurityActivities.verify_audit, input, summary=input.tenant_id or PLATFORM_LOG, **LONG_COMPUTATION
        )
        workflow.set_current_details(
            f"{found.records} records, {found.checkpoints} checkpoints: "
            + (f"**{found.flaws} FLAWS**" if found.flaws else "intact")
        )
        return found
