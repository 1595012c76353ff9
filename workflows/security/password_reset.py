"""Mail the link to set a password that somebody asked for."""

from __future__ import annotations

from temporalio import workflow

from activities.options import OWN_DATABASE
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.notifications.commands import LinkPurpose
from domain.security.commands import MailPasswordReset
from domain.security.ids import PasswordResetId
from workflows.security.mailed_link import mail_link


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
        purpose, link_id = LinkPurpose.PASSWORD_RESET, input.password_reset_id
        await mail_link(input.tenant_id, purpose, link_id, to, expires_at=input.expires_at, summary="the link")
        return True
