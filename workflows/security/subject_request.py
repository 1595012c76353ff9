"""Answer a data subject: wait out the grace and what is in the way, let every module do its part, sign.

There is nothing to undo: what was erased is gone, so it goes forward until every module has given its receipt.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from activities.options import COMPENSATION
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.security.ids import SubjectRequestId
from domain.security.subject_commands import (
    FollowSubjectRequest,
    SubjectRequestProgress,
    SubjectRequestState,
    SubjectStep,
)
from workflows.standing import Followed

LOOKED_AT_EVERY = timedelta(days=1)
AGAIN_AFTER = timedelta(minutes=1)


def workflow_id(tenant: TenantId, request_id: SubjectRequestId) -> str:
    """The one process of this request."""
    return f"{tenant}/security/subject_request/{request_id}"


@workflow.defn(name="security.subject_request")
class SubjectRequestWorkflow(Followed[SubjectRequestProgress]):
    """It is not `completed` before every module has given its receipt and nothing is left."""

    def __init__(self) -> None:
        super().__init__(SubjectRequestProgress())

    @workflow.run
    async def run(self, input: FollowSubjectRequest) -> SubjectRequestProgress:
        """How it ended."""
        state = await self._settled(input)
        while state.status in ("waiting", "blocked", "running"):
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(input)
            if state.status == "running":
                state = await self._modules(input, state)
                if state.status == "running":
                    state = await self._completed(input)
                at, what = workflow.now() + AGAIN_AFTER, "it is tried again"
            elif state.status == "waiting":
                at, what = state.run_at, "it begins"
            else:
                at, what = workflow.now() + LOOKED_AT_EVERY, "it is looked at again"
            if state.status in ("waiting", "blocked", "running"):
                self._standing.tell(next=what, next_at=at)
                await self._changes.another(by=at)
                state = await self._settled(input)
        while state.document_until is not None:
            self._standing.tell(next="the export is deleted", next_at=state.document_until)
            await self._changes.another(by=state.document_until)
            state = await self._settled(input)
        self._standing.tell(next="", next_at=None)
        return self._standing.now

    @workflow.query
    def progress(self) -> SubjectRequestProgress:
        """Where it stands, and what happens next, and when."""
        return self._standing.now

    async def _modules(self, input: FollowSubjectRequest, state: SubjectRequestState) -> SubjectRequestState:
        """Each that has not given its receipt, as long as nothing comes in the way."""
        for module in state.modules:
            state = await workflow.execute_activity_method(
                SecurityActivities.step_subject_request,
                SubjectStep(**dict(input), module=module),
                summary=f"{module}: {state.kind}",
                **COMPENSATION,
            )
            self._tell(state)
            if state.status != "running":
                break
            self._standing.tell(done=(*self._standing.now.done, module))
        return state

    async def _completed(self, input: FollowSubjectRequest) -> SubjectRequestState:
        self._changes.looking()
        state = await workflow.execute_activity_method(
            SecurityActivities.complete_subject_request, input, summary="look again, and sign", **COMPENSATION
        )
        self._tell(state)
        return state

    async def _settled(self, input: FollowSubjectRequest) -> SubjectRequestState:
        self._changes.looking()
        state = await workflow.execute_activity_method(
            SecurityActivities.settle_subject_request, input, summary="whether it is time", **COMPENSATION
        )
        self._tell(state)
        return state

    def _tell(self, state: SubjectRequestState) -> None:
        self._standing.tell(status=state.status, blocked_by=state.blocked_by)
