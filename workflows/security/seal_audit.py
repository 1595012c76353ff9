"""Seal the audit trail: places in the logs, and signed checkpoints. A schedule starts it; so may an operator."""

from temporalio import workflow

from activities.options import LONG_COMPUTATION
from activities.security import SecurityActivities
from domain.security.audit_log import SealAudit, Sealed

SCHEDULE = "platform/security/seal_audit"


def workflow_id(run: str) -> str:
    """One run; the schedule's have names of their own."""
    return f"{SCHEDULE}/{run}"


@workflow.defn(name="security.seal_audit")
class SealAuditWorkflow:
    """One step. Runs that overlap take turns by a lock."""

    @workflow.run
    async def run(self, input: SealAudit) -> Sealed:
        """Seal what there is."""
        sealed = await workflow.execute_activity_method(
            SecurityActivities.seal_audit, input, summary="places, links, checkpoints", **LONG_COMPUTATION
        )
        workflow.set_current_details(f"{sealed.records} records sealed, {sealed.checkpoints} checkpoints signed")
        return sealed
