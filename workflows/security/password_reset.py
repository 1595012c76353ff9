"""Mail the link to set a password that somebody asked for."""

from __future__ import annotations

from temporalio import workflow

from activities.notifications import NotificationsActivities
from activities.options import EXTERNAL_CALL, OWN_DATABASE
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.notifications.commands import LinkPurpose, SendLinkEmail
from domain.notifications.ids import NotificationId
from domain.security.commands import MailPasswordReset
from domain.security.ids import PasswordResetId
from workflows.ids import new_id


def workflow_id(tenant: TenantId, reset_id: PasswordResetId) -> str:
    """The one process of this request."""
    return f"{tenant}/security/password_reset/{reset_id}"


@workflow.defn(name="security.password_reset")
class PasswordResetWorkflow:
    """One mail, for as long as the link works."""

    @workflow.run
    async def run(self, input: MailPasswordReset) -> bool:
        """Whether it was sent; a link that has been used or is over is not."""
        to = await workflow.execute_activity_method(
            SecurityActivities.password_reset_addressee, input, summary="to whom", **OWN_DATABASE
        )
        if not to.wanted:
            return False
        await workflow.execute_activity_method(
            NotificationsActivities.send_link_email,
            SendLinkEmail(
                tenant_id=input.tenant_id,
                notification_id=new_id(NotificationId),
                purpose=LinkPurpose.PASSWORD_RESET,
                link_id=input.password_reset_id,
                organisation=to.organisation,
                recipient_name=to.name,
                recipient=to.email,
                locale=to.locale,
                expires_at=input.expires_at,
            ),
            summary="the link",
            **EXTERNAL_CALL,
        )
        return True
