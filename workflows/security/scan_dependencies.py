"""Look for known vulnerabilities in what is installed, and see that each is answered. A schedule starts it."""

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities.options import LONG_COMPUTATION
from activities.security import SecurityActivities
from domain.security.risk_commands import DependenciesScanned, FollowRisk, ScanDependencies
from workflows.security import risk
from workflows.security.risk import RiskWorkflow

SCHEDULE = "platform/security/scan_dependencies"


def workflow_id(run: str) -> str:
    """One run; the schedule's have names of their own."""
    return f"{SCHEDULE}/{run}"


@workflow.defn(name="security.scan_dependencies")
class ScanDependenciesWorkflow:
    """One step, and a process for every open risk of the platform's that has none."""

    @workflow.run
    async def run(self, input: ScanDependencies) -> DependenciesScanned:
        """What there was."""
        scanned = await workflow.execute_activity_method(
            SecurityActivities.scan_dependencies, input, summary="components against advisories", **LONG_COMPUTATION
        )
        for each in scanned.follow:
            try:
                await workflow.start_child_workflow(
                    RiskWorkflow.run,
                    FollowRisk(risk_id=each.risk_id),
                    id=risk.workflow_id(None, each.risk_id),
                    parent_close_policy=ParentClosePolicy.ABANDON,
                    static_summary=each.title,
                )
            except WorkflowAlreadyStartedError:
                workflow.logger.info("risk.followed_already", extra={"risk_id": each.risk_id})
        workflow.set_current_details(f"{scanned.components} components, {scanned.vulnerabilities} vulnerabilities")
        return scanned
