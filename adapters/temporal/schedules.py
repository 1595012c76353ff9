"""What runs by the clock: Temporal schedules, made or brought up to date by every worker that starts."""

from __future__ import annotations

from datetime import timedelta

import structlog
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from adapters.settings import Settings
from adapters.temporal.plugin import BUSINESS_KEY, MODULE, TENANT_ID
from domain.security.audit_log import PLATFORM_LOG, SealAudit
from workflows.security import seal_audit
from workflows.security.seal_audit import SealAuditWorkflow

log = structlog.get_logger(__name__)


async def ensure_schedules(client: Client, settings: Settings) -> None:
    """Every schedule, as this release wants it; whether an operator has paused it is left alone."""
    wanted = _sealing(settings)
    try:
        await client.create_schedule(seal_audit.SCHEDULE, wanted)
        log.info("schedule.created", schedule=seal_audit.SCHEDULE, seconds=settings.audit_seal_seconds)
    except ScheduleAlreadyRunningError:

        def brought_up_to_date(known: ScheduleUpdateInput) -> ScheduleUpdate:
            wanted.state = known.description.schedule.state
            return ScheduleUpdate(schedule=wanted)

        await client.get_schedule_handle(seal_audit.SCHEDULE).update(brought_up_to_date)


def _sealing(settings: Settings) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SealAuditWorkflow.run,
            SealAudit(),
            id=seal_audit.workflow_id("scheduled"),
            task_queue=settings.task_queue,
            static_summary="Seal the audit trail",
            typed_search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(TENANT_ID, PLATFORM_LOG),
                    SearchAttributePair(MODULE, "security"),
                    SearchAttributePair(BUSINESS_KEY, "seal_audit"),
                ]
            ),
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=settings.audit_seal_seconds))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)),
    )
