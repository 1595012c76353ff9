"""Collect evidence of every control, scope after scope, until a count finds none missing. A schedule starts it."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.options import LONG_COMPUTATION, OWN_DATABASE
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.security.control_commands import BeginCollection, CollectEvidence, CollectionProgress, FollowCollection
from domain.security.ids import EvidenceCollectionId
from workflows.ids import new_id

SCHEDULE = "platform/security/collect_evidence"


def workflow_id(tenant: TenantId | None, run: str) -> str:
    """One round; the schedule's have names of their own."""
    return f"{tenant or 'platform'}/security/collect_evidence/{run}"


@workflow.defn(name="security.collect_evidence")
class CollectEvidenceWorkflow:
    """Writes down whom to visit, visits them, counts."""

    def __init__(self) -> None:
        self._progress = CollectionProgress()

    @workflow.run
    async def run(self, input: CollectEvidence) -> CollectionProgress:
        """How it ended. It is not `completed` before every control of every scope has evidence."""
        begun = BeginCollection(collection_id=input.collection_id or new_id(EvidenceCollectionId), only=input.only)
        await workflow.execute_activity_method(
            SecurityActivities.begin_collection, begun, summary="whom to visit", **OWN_DATABASE
        )
        collection = FollowCollection(collection_id=begun.collection_id)
        while True:
            self._tell(
                await workflow.execute_activity_method(
                    SecurityActivities.step_collection, collection, summary="the next scopes", **LONG_COMPUTATION
                )
            )
            if self._progress.done == self._progress.scopes:
                break
        self._tell(
            await workflow.execute_activity_method(
                SecurityActivities.complete_collection, collection, summary="count the evidence", **OWN_DATABASE
            )
        )
        if not self._progress.completed:
            raise ApplicationError("evidence is missing though every scope was visited: the catalogue has changed")
        return self._progress

    @workflow.query
    def progress(self) -> CollectionProgress:
        """How far it has come."""
        return self._progress

    def _tell(self, progress: CollectionProgress) -> None:
        self._progress = progress
        workflow.set_current_details(
            f"{progress.done} of {progress.scopes} visited, {progress.not_satisfied} not satisfied"
        )
