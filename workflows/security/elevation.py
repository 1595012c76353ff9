"""Access for a while: asks who can approve it, ends it, and reminds until broken glass was looked at.

That it ends does not hang on this process: requests stop seeing it at its time. This tells everyone and writes it
down.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.failures import told
from activities.notifications import NotificationsActivities
from activities.options import EXTERNAL_CALL, OWN_DATABASE
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.notifications.commands import NoticeKind, SendNotice
from domain.notifications.ids import NotificationId
from domain.security.commands import ElevationProgress, ElevationState, FollowElevation
from domain.security.ids import ElevationId
from workflows.ids import new_id
from workflows.waiting import happens

REMINDED_EVERY, MOST_REMINDERS = timedelta(days=1), 30


def workflow_id(tenant: TenantId, elevation_id: ElevationId) -> str:
    """The one process of this elevation."""
    return f"{tenant}/security/elevation/{elevation_id}"


@workflow.defn(name="security.elevation")
class ElevationWorkflow:
    """Notifies, waits, ends, and has it reviewed if nobody was asked first."""

    def __init__(self) -> None:
        self._changes = 0
        self._progress = ElevationProgress()

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
        self._tell(status=state.status, next="", next_at=None)
        return self._progress

    @workflow.signal
    def changed(self, what: str) -> None:
        """Somebody has approved, denied, ended or reviewed it."""
        self._changes += 1

    @workflow.query
    def progress(self) -> ElevationProgress:
        """Where it stands, and what happens next, and when."""
        return self._progress

    async def _while(
        self, input: FollowElevation, state: ElevationState, status: str, until: datetime, what: str
    ) -> ElevationState:
        """Wait as long as it is this, at most until this instant; then it is something else."""
        while state.status == status:
            self._tell(status=status, next=what, next_at=until)
            await self._change_or(until)
            state = await self._settled(input)
        return state

    async def _reviewed(self, input: FollowElevation, state: ElevationState) -> ElevationState:
        for reminder in range(MOST_REMINDERS):
            if state.reviewed:
                break
            due = workflow.now() + REMINDED_EVERY
            self._tell(status=state.status, next="owners are reminded to review it", next_at=due)
            if not await self._change_or(due):
                await self._notify(input, state, NoticeKind.REVIEW_DUE, number=reminder)
            state = await self._settled(input)
        return state

    async def _change_or(self, instant: datetime) -> bool:
        """Wait for a change, or until this instant; whether it was a change."""
        seen = self._changes
        return await happens(lambda: self._changes > seen, by=instant)

    async def _settled(self, input: FollowElevation) -> ElevationState:
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
            "organisation": audience.organisation,
            "who": audience.who,
            "role": state.role,
            "reason": state.reason,
            "elevation": input.elevation_id,
        }
        notices = [
            SendNotice(
                tenant_id=input.tenant_id,
                notification_id=new_id(NotificationId),
                kind=kind,
                about=f"{input.elevation_id}/{number}/{to.id}",
                facts=facts,
                recipient_name=to.name,
                recipient=to.email,
                locale=audience.locale,
            )
            for to in audience.people
        ]
        failures = [failure for failure in await asyncio.gather(*map(self._mail, notices)) if failure]
        self._tell(mail=f"{kind}: {len(notices)} told" + (f", not all: {failures[0]}" if failures else ""))

    async def _mail(self, notice: SendNotice) -> str:
        """Why it could not be sent; empty if it was."""
        try:
            await workflow.execute_activity_method(
                NotificationsActivities.send_notice, notice, summary=notice.kind, **EXTERNAL_CALL
            )
        except ActivityError as failure:
            return told(failure)[1]
        return ""

    def _tell(self, **changed: object) -> None:
        self._progress = self._progress.model_copy(update=changed)
        now = self._progress
        waits = f", {now.next} at {now.next_at:%Y-%m-%d %H:%M} UTC" if now.next_at else ""
        workflow.set_current_details(f"{now.status}: {now.mail}{waits}")
