"""Look for threats in what was recorded since the last time, and begin a process for each. A schedule starts it."""

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities.options import LONG_COMPUTATION
from activities.security import SecurityActivities
from domain.security.commands import DetectThreats, FollowThreat, ThreatsDetected
from workflows.security import threat
from workflows.security.threat import ThreatWorkflow

SCHEDULE = "platform/security/detect_threats"


def workflow_id(run: str) -> str:
    """One run; the schedule's have names of their own."""
    return f"{SCHEDULE}/{run}"


@workflow.defn(name="security.detect_threats")
class DetectThreatsWorkflow:
    """One step. A second run goes on where the first came to, and follows what nobody follows yet."""

    @workflow.run
    async def run(self, input: DetectThreats) -> ThreatsDetected:
        """What there was."""
        detected = await workflow.execute_activity_method(
            SecurityActivities.detect_threats, input, summary="what was recorded since", **LONG_COMPUTATION
        )
        for each in detected.follow:
            try:
                await workflow.start_child_workflow(
                    ThreatWorkflow.run,
                    FollowThreat(threat_id=each.threat_id),
                    id=threat.workflow_id(each.tenant_id, each.threat_id),
                    parent_close_policy=ParentClosePolicy.ABANDON,
                    static_summary="Answer to a threat",
                )
            except WorkflowAlreadyStartedError:
                workflow.logger.info("threat.followed_already", extra={"threat_id": each.threat_id})
        workflow.set_current_details(f"{detected.records} records, {len(detected.follow)} threats to answer")
        return detected
