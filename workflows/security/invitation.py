"""An invitation, from its mail until it is accepted, revoked or over; with a reminder in between."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.failures import told
from activities.options import OWN_DATABASE
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.notifications.commands import LinkPurpose
from domain.security.commands import FollowInvitation, InvitationState
from domain.security.ids import InvitationId
from workflows.security.mailed_link import mail_link
from workflows.waiting import happens

REMINDED_BEFORE_THE_END = timedelta(days=2)


def workflow_id(tenant: TenantId, invitation_id: InvitationId) -> str:
    """The one process of this invitation."""
    return f"{tenant}/security/invitation/{invitation_id}"


@workflow.defn(name="security.invitation")
class InvitationWorkflow:
    """Mails, waits, reminds, waits, closes."""

    def __init__(self) -> None:
        self._state = InvitationState()

    @workflow.run
    async def run(self, input: FollowInvitation) -> InvitationState:
        """What became of it."""
        await self._mail(input, LinkPurpose.INVITATION)
        reminder = input.expires_at - REMINDED_BEFORE_THE_END
        if reminder > workflow.now() + REMINDED_BEFORE_THE_END and not await self._closed_by(reminder, "reminder"):
            await self._mail(input, LinkPurpose.INVITATION_REMINDER)
        if not await self._closed_by(input.expires_at, "end"):
            await workflow.execute_activity_method(
                SecurityActivities.expire_invitation, input, summary="close it", **OWN_DATABASE
            )
            self._tell(outcome="expired", next="", next_at=None)
        return self._state

    @workflow.signal
    def closed(self, outcome: str) -> None:
        """It was accepted or revoked, or somebody else closed it."""
        self._tell(outcome=outcome, next="", next_at=None)

    @workflow.query
    def progress(self) -> InvitationState:
        """Where it stands, and what happens next."""
        return self._state

    async def _closed_by(self, instant: datetime, what: str) -> bool:
        """Wait until it is closed, or until this instant."""
        if not self._state.outcome:
            self._tell(next=what, next_at=instant)
        return await happens(lambda: bool(self._state.outcome), by=instant)

    async def _mail(self, input: FollowInvitation, purpose: LinkPurpose) -> None:
        """Send it, if it still opens anything. That it cannot be sent is told, and does not end the invitation."""
        to = await workflow.execute_activity_method(
            SecurityActivities.invitation_addressee, input, summary="to whom", **OWN_DATABASE
        )
        if not to.wanted or self._state.outcome:
            return
        try:
            await mail_link(
                input.tenant_id, purpose, input.invitation_id, to, expires_at=input.expires_at, summary=purpose
            )
        except ActivityError as failure:
            self._tell(mail=f"{purpose} not sent: {told(failure)[1]}")
        else:
            self._tell(mail=f"{purpose} sent")

    def _tell(self, **changed: object) -> None:
        self._state = self._state.model_copy(update=changed)
        state = self._state
        waits = f", {state.next} at {state.next_at:%Y-%m-%d %H:%M} UTC" if state.next_at else ""
        workflow.set_current_details(f"{state.outcome or 'open'}: {state.mail}{waits}")
