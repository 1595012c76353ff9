"""Delete what tenants want to keep no longer. A schedule starts it."""

from temporalio import workflow

from activities.options import LONG_COMPUTATION
from activities.security import SecurityActivities
from domain.security.subject_commands import ApplyRetention, RetentionApplied

SCHEDULE = "platform/security/apply_retention"


def workflow_id(run: str) -> str:
    """One run; the schedule's have names of their own."""
    return f"{SCHEDULE}/{run}"


@workflow.defn(name="security.apply_retention")
class ApplyRetentionWorkflow:
    """One step, which may be done again: what is gone is gone."""

    @workflow.run
    async def run(self, input: ApplyRetention) -> RetentionApplied:
        """How much went."""
        applied = await workflow.execute_activity_method(
            SecurityActivities.apply_retention, input, summary="what is too old", **LONG_COMPUTATION
        )
        workflow.set_current_details(f"{applied.deleted} rows of {applied.tenants} tenants")
        return applied
