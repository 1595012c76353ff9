"""What runs by the clock: Temporal schedules, made or brought up to date by every worker that starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

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
from domain.kernel.payload import Payload
from domain.security.audit_log import PLATFORM_LOG, SealAudit
from domain.security.commands import DetectThreats, RotateSigningKeys
from domain.security.control_commands import CollectEvidence
from domain.security.risk_commands import ScanDependencies
from domain.security.subject_commands import ApplyRetention
from workflows.security import (
    apply_retention,
    collect_evidence,
    detect_threats,
    rotate_signing_keys,
    scan_dependencies,
    seal_audit,
)
from workflows.security.apply_retention import ApplyRetentionWorkflow
from workflows.security.collect_evidence import CollectEvidenceWorkflow
from workflows.security.detect_threats import DetectThreatsWorkflow
from workflows.security.rotate_signing_keys import RotateSigningKeysWorkflow
from workflows.security.scan_dependencies import ScanDependenciesWorkflow
from workflows.security.seal_audit import SealAuditWorkflow

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recurring:
    """A workflow of the platform's that is started again and again. id: `platform/<module>/<what>`."""

    id: str
    run_id: str
    run: Any
    input: Payload
    every: timedelta
    summary: str


async def ensure_schedules(client: Client, settings: Settings) -> None:
    """Every schedule, as this release wants it; whether an operator has paused it is left alone."""
    for recurring in _recurring(settings):
        await _ensure(client, recurring, settings.task_queue)


def _recurring(settings: Settings) -> list[Recurring]:
    return [
        Recurring(
            seal_audit.SCHEDULE,
            seal_audit.workflow_id("scheduled"),
            SealAuditWorkflow.run,
            SealAudit(),
            timedelta(seconds=settings.audit_seal_seconds),
            "Seal the audit trail",
        ),
        Recurring(
            detect_threats.SCHEDULE,
            detect_threats.workflow_id("scheduled"),
            DetectThreatsWorkflow.run,
            DetectThreats(),
            timedelta(seconds=settings.threat_scan_seconds),
            "Look for threats",
        ),
        Recurring(
            scan_dependencies.SCHEDULE,
            scan_dependencies.workflow_id("scheduled"),
            ScanDependenciesWorkflow.run,
            ScanDependencies(),
            timedelta(hours=settings.dependency_scan_hours),
            "Look for known vulnerabilities",
        ),
        Recurring(
            collect_evidence.SCHEDULE,
            collect_evidence.workflow_id(None, "scheduled"),
            CollectEvidenceWorkflow.run,
            CollectEvidence(),
            timedelta(hours=settings.evidence_collection_hours),
            "Collect evidence of every control",
        ),
        Recurring(
            apply_retention.SCHEDULE,
            apply_retention.workflow_id("scheduled"),
            ApplyRetentionWorkflow.run,
            ApplyRetention(),
            timedelta(days=1),
            "Delete what tenants want to keep no longer",
        ),
        Recurring(
            rotate_signing_keys.SCHEDULE,
            rotate_signing_keys.workflow_id("scheduled"),
            RotateSigningKeysWorkflow.run,
            RotateSigningKeys(),
            timedelta(hours=1),
            "Renew the keys that tokens are signed with",
        ),
    ]


async def _ensure(client: Client, recurring: Recurring, task_queue: str) -> None:
    wanted = _schedule(recurring, task_queue)
    try:
        await client.create_schedule(recurring.id, wanted)
        log.info("schedule.created", schedule=recurring.id, seconds=recurring.every.total_seconds())
    except ScheduleAlreadyRunningError:

        def brought_up_to_date(known: ScheduleUpdateInput) -> ScheduleUpdate:
            wanted.state = known.description.schedule.state
            return ScheduleUpdate(schedule=wanted)

        await client.get_schedule_handle(recurring.id).update(brought_up_to_date)


def _schedule(recurring: Recurring, task_queue: str) -> Schedule:
    _, module, what = recurring.id.split("/")
    return Schedule(
        action=ScheduleActionStartWorkflow(
            recurring.run,
            recurring.input,
            id=recurring.run_id,
            task_queue=task_queue,
            static_summary=recurring.summary,
            typed_search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(TENANT_ID, PLATFORM_LOG),
                    SearchAttributePair(MODULE, module),
                    SearchAttributePair(BUSINESS_KEY, what),
                ]
            ),
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=recurring.every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)),
    )
