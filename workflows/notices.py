"""Mailing notices to several people, from a workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.failures import told
from activities.notifications import NotificationsActivities
from activities.options import EXTERNAL_CALL
from domain.kernel.ids import TenantId
from domain.notifications.commands import NoticeKind, SendNotice
from domain.notifications.ids import NotificationId
from domain.security.commands import Audience
from workflows.ids import new_id


async def told_by_mail(
    tenant: TenantId, audience: Audience, kind: NoticeKind, facts: Mapping[str, str], *, about: str
) -> str:
    """Mail everybody; how that went, in a few words. That a mail cannot be sent is told, and stops nothing."""
    notices = [
        SendNotice(
            tenant_id=tenant,
            notification_id=new_id(NotificationId),
            kind=kind,
            about=f"{about}/{to.id}",
            facts={"organisation": audience.organisation, **facts},
            recipient_name=to.name,
            recipient=to.email,
            locale=audience.locale,
        )
        for to in audience.people
    ]
    failures = [failure for failure in await asyncio.gather(*map(mailed, notices)) if failure]
    return f"{kind}: {len(notices)} told" + (f", not all: {failures[0]}" if failures else "")


async def mailed(notice: SendNotice) -> str:
    """Why it could not be sent; empty if it was."""
    try:
        await workflow.execute_activity_method(
            NotificationsActivities.send_notice, notice, summary=notice.kind, **EXTERNAL_CALL
        )
    except ActivityError as failure:
        return told(failure)[1]
    return ""
