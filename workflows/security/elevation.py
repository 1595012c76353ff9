"""Access for a while: asks who can approve it, ends it, and reminds until broken glass was looked at.

That it ends does not hang on this process: requests stop seeing it at its time. This tells everyone and writes it
down.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

from activities.options import OWN_DATABASE
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.notifications.commands import NoticeKind
from domain.security.commands import ElevationProgress, ElevationState, FollowElevation
from domain.security.ids import ElevationId
from workflows.notices import told_by_mail
from workflows.standing import Followed

REMINDED_EVERY, MOST_REMINDERS = timedelta(days=1), 30
_NOT_MISSED = "a change while people are told is not missed"
"""Runs that began before this waited for the next change, or until their time."""


def workflow_id(tenant: TenantId, elevation_id: ElevationId) -> str:
    """The one process of this elevation."""
    return f"{tenant}/security/elevation/{elevation_id}"


@workflow.defn(name="security.elevation")
class ElevationWorkflow(Followed[ElevationProgress]):
    """Notifies, waits, ends, and has it reviewed if nobody was asked first."""

    def __init__(self) -> None:
        super().__init__(ElevationProgress())

    @workflow.run
    async def run(self, input: FollowElevation) -> ElevationProgress:
        """How it ended."""
        state = await self._settled(input)
        if state.status == "requested":
            await self._notify(input, state, NoticeKind.ELEVATION_REQUESTED)
            state = await self._while(input, state, "requested", state.decide_by, "it expires unless it is decided")
        if state.status == "active" and state.expires_at is not None:
            if state.break_glass:
                await self._notify(input, state, NoticeKind.GLASS_BROKEN)
            state = await self._while(input, state, "active", state.expires_at, "it ends")
        if state.break_glass:
            state = await self._reviewed(input, state)
        self._standing.tell(status=state.status, next="", next_at=None)
        return self._standing.now

    @workflow.query
    def progress(self) -> ElevationProgress:
        """Where it stands, and what happens next, and when."""
        return self._standing.now

    async def _while(
        self, input: FollowElevation, state: ElevationState, status: str, until: datetime, what: str
    ) -> ElevationState:
        """Wait as long as it is this, at most until this instant; then it is something else."""
        while state.status == status:
            self._standing.tell(status=status, next=what, next_at=until)
            await self._another(until)
            state = await self._settled(input)
        return state

    async def _reviewed(self, input: FollowElevation, state: ElevationState) -> ElevationState:
        for reminder in range(MOST_REMINDERS):
            if state.reviewed:
                break
            due = workflow.now() + REMINDED_EVERY
            self._standing.tell(status=state.status, next="owners are reminded to review it", next_at=due)
            if not await self._another(due):
                await self._notify(input, state, NoticeKind.REVIEW_DUE, number=reminder)
            state = await self._settled(input)
        return state

    async def _another(self, instant: datetime) -> bool:
        """Wait for a change, or until this instant; whether it was a change."""
        if not workflow.patched(_NOT_MISSED):
            self._changes.looking()
        return await self._changes.another(by=instant)

    async def _settled(self, input: FollowElevation) -> ElevationState:
        if workflow.patched(_NOT_MISSED):
            self._changes.looking()
        return await workflow.execute_activity_method(
            SecurityActivities.settle_elevation, input, summary="where it stands", **OWN_DATABASE
        )

    async def _notify(
        self, input: FollowElevation, state: ElevationState, kind: NoticeKind, *, number: int = 0
    ) -> None:
        """Mail everybody who can do something about it. That a mail cannot be sent is told, and stops nothing."""
        audience = await workflow.execute_activity_method(
            SecurityActivities.elevation_audience, input, summary="whom to tell", **OWN_DATABASE
        )
        facts = {
            "who": audience.who,
            "role": state.role,
            "reason": state.reason,
            "elevation": input.elevation_id,
        }
        about = f"{input.elevation_id}/{number}"
        self._standing.tell(mail=await told_by_mail(input.tenant_id, audience, kind, facts, about=about))
