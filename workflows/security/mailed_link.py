"""The step that mails a link, for the processes that do."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from activities.notifications import NotificationsActivities
from activities.options import EXTERNAL_CALL
from domain.kernel.ids import TenantId
from domain.notifications.commands import LinkPurpose, SendLinkEmail
from domain.notifications.ids import NotificationId
from domain.security.commands import Addressee
from workflows.ids import new_id


async def mail_link(
    tenant: TenantId, purpose: LinkPurpose, link_id: str, to: Addressee, *, expires_at: datetime, summary: str
) -> None:
    """Mail it, as long as it takes. Raises ActivityError if the mail server refuses it, or does not take it in time."""
    cmd = SendLinkEmail(
        tenant_id=tenant,
        notification_id=new_id(NotificationId),
        purpose=purpose,
        link_id=link_id,
        organisation=to.organisation,
        recipient_name=to.name,
        recipient=to.email,
        locale=to.locale,
        expires_at=expires_at,
    )
    await workflow.execute_activity_method(
        NotificationsActivities.send_link_email, cmd, summary=summary, **EXTERNAL_CALL
    )
