"""The treatment of a risk: somebody decides in time, what was planned is done in time, an acceptance ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType

from temporalio import workflow

from activities.options import OWN_DATABASE
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.notifications.commands import NoticeKind
from domain.security.ids import RiskId
from domain.security.risk_commands import FollowRisk, RiskProgress, RiskState
from workflows.notices import told_by_mail
from workflows.standing import Followed

REMINDED_BEFORE = (timedelta(days=7), timedelta(days=1), timedelta())
REMINDED_EVERY, MOST_REMINDERS = timedelta(days=7), 52
_NEXT = MappingProxyType(
    {
        "open": "the deadline to decide",
        "proposed": "the deadline to approve",
        "planned": "the plan's date",
        "accepted": "the acceptance ends",
    }
)


def workflow_id(tenant: TenantId | None, risk_id: RiskId) -> str:
    """The one process of this risk."""
    return f"{tenant or 'platform'}/security/risk/{risk_id}"


@workflow.defn(name="security.risk")
class RiskWorkflow(Followed[RiskProgress]):
    """Tells the administrators at once, before each deadline and when it is over; it ends with the risk."""

    def __init__(self) -> None:
        super().__init__(RiskProgress())

    @workflow.run
    async def run(self, input: FollowRisk) -> RiskProgress:
        """How it ended."""
        state = await self._settled(input)
        await self._notify(input, state, "identified")
        reminders = 0
        while state.status != "closed":
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(input)
            at = _next_look(state, workflow.now())
            self._standing.tell(next=_NEXT[state.status], next_at=at)
            changed = await self._changes.another(by=at)
            before, state = state, await self._settled(input)
            if not changed and state.status != "closed" and "accepted" not in (before.status, state.status):
                reminders += 1
                if reminders <= MOST_REMINDERS:
                    await self._notify(input, state, f"reminder {reminders}")
            elif state.status in ("open", "proposed") and state.status != before.status:
                await self._notify(input, state, f"{state.status} until {state.due_at:%Y-%m-%d %H:%M}")
        self._standing.tell(next="", next_at=None)
        return self._standing.now

    @workflow.query
    def progress(self) -> RiskProgress:
        """Where it stands, and what happens next, and when."""
        return self._standing.now

    async def _settled(self, input: FollowRisk) -> RiskState:
        self._changes.looking()
        state = await workflow.execute_activity_method(
            SecurityActivities.settle_risk, input, summary="where it stands", **OWN_DATABASE
        )
        self._standing.tell(status=f"{state.status}, overdue" if state.overdue else state.status)
        return state

    async def _notify(self, input: FollowRisk, state: RiskState, about: str) -> None:
        """Mail the tenant's administrators; the platform's risks are in its metrics and alerts."""
        if state.tenant_id is None or state.status == "closed":
            return
        audience = await workflow.execute_activity_method(
            SecurityActivities.risk_audience, input, summary="whom to tell", **OWN_DATABASE
        )
        facts = {
            "title": state.title,
            "level": state.level,
            "due": f"{state.due_at:%Y-%m-%d %H:%M} UTC",
            "assignee": state.assignee or "-",
            "risk": input.risk_id,
        }
        kind = {"proposed": NoticeKind.RISK_PROPOSED, "planned": NoticeKind.RISK_PLANNED}.get(
            state.status, NoticeKind.RISK_OPEN
        )
        how = await told_by_mail(state.tenant_id, audience, kind, facts, about=f"{input.risk_id}/{about}")
        self._standing.tell(mail=how)


def _next_look(state: RiskState, now: datetime) -> datetime:
    before = (timedelta(),) if state.status == "accepted" else REMINDED_BEFORE
    return next((state.due_at - each for each in before if state.due_at - each > now), now + REMINDED_EVERY)
