"""The clock of a personal data breach: reminds as 72 hours run out, until everybody was told who has to be."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

from activities.options import OWN_DATABASE
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.notifications.commands import NoticeKind
from domain.security.commands import BreachProgress, BreachState, FollowBreach
from domain.security.ids import BreachId
from workflows.notices import told_by_mail
from workflows.standing import Followed

REMINDED_BEFORE = tuple(timedelta(hours=hours) for hours in (48, 24, 12, 6, 1, 0))
REMINDED_EVERY, MOST_REMINDERS = timedelta(days=1), 60


def workflow_id(tenant: TenantId, breach_id: BreachId) -> str:
    """The one process of this breach."""
    return f"{tenant}/security/breach/{breach_id}"


@workflow.defn(name="security.breach")
class BreachWorkflow(Followed[BreachProgress]):
    """Tells the administrators at once, at each reminder and at the deadline; then daily. It ends with the breach."""

    def __init__(self) -> None:
        super().__init__(BreachProgress())

    @workflow.run
    async def run(self, input: FollowBreach) -> BreachProgress:
        """How it ended."""
        state = await self._settled(input)
        await self._notify(input, state, "reported")
        reminders = 0
        while not state.closed and reminders < MOST_REMINDERS:
            at, what = self._next(state)
            self._standing.tell(next=what, next_at=at)
            if not await self._changes.another(by=at):
                reminders += 1
                state = await self._settled(input)
                if state.waits_for_authority or state.waits_for_subjects:
                    await self._notify(input, state, f"reminder {reminders}")
            else:
                state = await self._settled(input)
        self._standing.tell(next="", next_at=None)
        return self._standing.now

    @workflow.query
    def progress(self) -> BreachProgress:
        """Where it stands, and what happens next, and when."""
        return self._standing.now

    def _next(self, state: BreachState) -> tuple[datetime, str]:
        now = workflow.now()
        if state.waits_for_authority:
            for before in REMINDED_BEFORE:
                if state.due_at - before > now:
                    what = "the deadline" if before == timedelta() else "administrators are reminded of the deadline"
                    return state.due_at - before, what
        return now + REMINDED_EVERY, "administrators are reminded"

    async def _settled(self, input: FollowBreach) -> BreachState:
        self._changes.looking()
        state = await workflow.execute_activity_method(
            SecurityActivities.settle_breach, input, summary="where it stands", **OWN_DATABASE
        )
        overdue = state.waits_for_authority and state.due_at <= workflow.now()
        status = (
            "closed" if state.closed else "overdue" if overdue else "running" if state.waits_for_authority else "told"
        )
        self._standing.tell(status=status)
        return state

    async def _notify(self, input: FollowBreach, state: BreachState, about: str) -> None:
        audience = await workflow.execute_activity_method(
            SecurityActivities.breach_audience, input, summary="whom to tell", **OWN_DATABASE
        )
        kind = NoticeKind.BREACH_OVERDUE if self._standing.now.status == "overdue" else NoticeKind.BREACH_CLOCK
        waiting = [
            *(["the supervisory authority"] if state.waits_for_authority else []),
            *(["the people whose data it is"] if state.waits_for_subjects else []),
        ]
        facts = {
            "title": state.title,
            "due": f"{state.due_at:%Y-%m-%d %H:%M} UTC",
            "waiting": ", ".join(waiting) or "-",
            "breach": input.breach_id,
        }
        how = await told_by_mail(input.tenant_id, audience, kind, facts, about=f"{input.breach_id}/{about}")
        self._standing.tell(mail=how)
