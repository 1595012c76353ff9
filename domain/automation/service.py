"""What automation can do, each in one transaction."""

from __future__ import annotations

from datetime import datetime

from domain.automation.commands import FinishOnboarding
from domain.automation.errors import OnboardingCancelled, OnboardingFinished
from domain.automation.events import OnboardingCancelRequested, OnboardingCompensated, OnboardingCompleted
from domain.automation.ids import OnboardingId
from domain.automation.model import Onboarding, OnboardingStatus
from domain.automation.ports import AutomationUnitOfWork
from domain.kernel.audit import AuditEntry


async def request_cancellation(
    uow: AutomationUnitOfWork, onboarding_id: OnboardingId, *, reason: str, now: datetime
) -> Onboarding:
    """Ask for an onboarding to be undone; asking again changes nothing.

    Raises OnboardingNotFound, or OnboardingFinished if there is nothing left to cancel.
    """
    onboarding = await uow.onboardings.get(None, onboarding_id, lock=True)
    if onboarding.status is not OnboardingStatus.RUNNING:
        raise OnboardingFinished(status=onboarding.status)
    if onboarding.cancel_requested_at is not None:
        return onboarding
    asked = onboarding.model_copy(update={"cancel_requested_at": now})
    await uow.onboardings.put(asked)
    uow.events.append(
        OnboardingCancelRequested(onboarding_id=asked.id, tenant_id=asked.tenant_id, reason=reason, occurred_at=now)
    )
    uow.audit.record(
        AuditEntry(
            tenant_id=asked.tenant_id,
            action="workflow.cancel_onboarding",
            resource=asked.id,
            details={"reason": reason},
        )
    )
    return asked


async def finish_onboarding(uow: AutomationUnitOfWork, cmd: FinishOnboarding, *, now: datetime) -> Onboarding:
    """Write how it ended and tell everyone, once however often we are called.

    Raises OnboardingCancelled if it was to be completed, but a cancellation was accepted before.
    """
    onboarding = await uow.onboardings.get(None, cmd.onboarding_id, lock=True)
    if onboarding.status is not OnboardingStatus.RUNNING:
        return onboarding
    if cmd.completed and onboarding.cancel_requested_at is not None:
        raise OnboardingCancelled
    finished = onboarding.model_copy(
        update={
            "status": OnboardingStatus.COMPLETED if cmd.completed else OnboardingStatus.COMPENSATED,
            "finished_at": now,
            "failed_step": cmd.failed_step,
            "error_code": cmd.error_code or None,
            "error_reason": cmd.reason or None,
        }
    )
    await uow.onboardings.put(finished)
    uow.events.append(_told(cmd, now))
    return finished


def _told(cmd: FinishOnboarding, now: datetime) -> OnboardingCompleted | OnboardingCompensated:
    if cmd.completed:
        return OnboardingCompleted(onboarding_id=cmd.onboarding_id, tenant_id=cmd.tenant_id, occurred_at=now)
    return OnboardingCompensated(
        onboarding_id=cmd.onboarding_id,
        tenant_id=cmd.tenant_id,
        failed_step=cmd.failed_step,
        error_code=cmd.error_code,
        reason=cmd.reason,
        occurred_at=now,
    )
