"""The answer to a threat: contain it, or ask somebody who may; tell the administrators; close it when it is over."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from activities.options import OWN_DATABASE
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.notifications.commands import NoticeKind
from domain.security.commands import FollowThreat, ThreatProgress, ThreatState
from domain.security.ids import ThreatId
from workflows.notices import told_by_mail
from workflows.standing import Followed

REMINDED_EVERY, MOST_REMINDERS = timedelta(days=1), 30


def workflow_id(tenant: TenantId | None, threat_id: ThreatId) -> str:
    """The one process of this threat."""
    return f"{tenant or 'platform'}/security/threat/{threat_id}"


@workflow.defn(name="security.threat")
class ThreatWorkflow(Followed[ThreatProgress]):
    """Settles, tells, waits for a decision, and lets what nobody has seen again for a week lapse."""

    def __init__(self) -> None:
        super().__init__(ThreatProgress())

    @workflow.run
    async def run(self, input: FollowThreat) -> ThreatProgress:
        """How it ended."""
        state = await self._settled(input)
        await self._notify(input, state, _notice(state))
        for reminder in range(1, MOST_REMINDERS + 1):
            if state.status != "awaiting_approval":
                break
            due = workflow.now() + REMINDED_EVERY
            self._standing.tell(status=state.status, next="administrators are reminded to decide", next_at=due)
            if not await self._changes.another(by=due):
                await self._notify(input, state, _notice(state), number=reminder)
            state = await self._settled(input)
        while state.status == "contained":
            self._standing.tell(status=state.status, next="it lapses unless more is seen", next_at=state.lapses_at)
            await self._changes.another(by=state.lapses_at)
            state = await self._settled(input)
        self._standing.tell(status=state.status, next="", next_at=None)
        return self._standing.now

    @workflow.query
    def progress(self) -> ThreatProgress:
        """Where it stands, and what happens next, and when."""
        return self._standing.now

    async def _settled(self, input: FollowThreat) -> ThreatState:
        self._changes.looking()
        return await workflow.execute_activity_method(
            SecurityActivities.settle_threat, input, summary="contain it, or see where it stands", **OWN_DATABASE
        )

    async def _notify(self, input: FollowThreat, state: ThreatState, kind: NoticeKind, *, number: int = 0) -> None:
        """Mail the tenant's administrators. That a mail cannot be sent is told, and stops nothing."""
        if state.tenant_id is None:
            return
        audience = await workflow.execute_activity_method(
            SecurityActivities.threat_audience, input, summary="whom to tell", **OWN_DATABASE
        )
        facts = {
            "title": state.title,
            "severity": state.severity,
            "done": ", ".join(state.done) or "-",
            "proposed": ", ".join(state.proposed) or "-",
            "threat": input.threat_id,
        }
        about = f"{input.threat_id}/{number}"
        self._standing.tell(mail=await told_by_mail(state.tenant_id, audience, kind, facts, about=about))


def _notice(state: ThreatState) -> NoticeKind:
    return NoticeKind.THREAT_WAITS if state.status == "awaiting_approval" else NoticeKind.THREAT_DETECTED
