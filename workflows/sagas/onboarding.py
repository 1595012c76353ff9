"""Bring a new organisation in: subscription, tenant, dashboard, welcome; or leave no trace of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from activities.analytics import AnalyticsActivities
from activities.automation import AutomationActivities
from activities.billing import BillingActivities
from activities.failures import told
from activities.notifications import NotificationsActivities
from activities.options import COMPENSATION, EXTERNAL_CALL, OWN_DATABASE, OWN_DATABASE_AT_ONCE, Patience
from activities.security import SecurityActivities
from domain.analytics.commands import DeleteDashboard, InitializeDashboard
from domain.analytics.ids import DashboardId
from domain.automation.commands import FinishOnboarding, RequestOnboarding
from domain.automation.errors import OnboardingCancelled
from domain.automation.ids import OnboardingId
from domain.automation.model import OnboardingProgress, OnboardingResult, StepName, StepState
from domain.billing.commands import CancelSubscription, CreateSubscription
from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Payload
from domain.notifications.commands import SendWelcomeEmail
from domain.notifications.ids import NotificationId
from domain.security.commands import DeprovisionTenant, ProvisionTenant
from domain.security.ids import ApiKeyId
from workflows.ids import new_id
from workflows.saga import Saga


def workflow_id(tenant: TenantId, onboarding_id: OnboardingId) -> str:
    """The one workflow of this onboarding."""
    return f"{tenant}/sagas/onboarding/{onboarding_id}"


@workflow.defn(name="sagas.onboarding")
class OnboardingSaga:
    """Four modules, one outcome."""

    def __init__(self) -> None:
        self._saga = Saga()
        self._steps = dict.fromkeys(StepName, StepState.PENDING)
        self._cancelled_because: str | None = None

    @workflow.run
    async def run(self, request: RequestOnboarding) -> OnboardingResult:
        """Do every step in order and close the books; on refusal or cancellation undo what was done."""
        try:
            await self._onboard(request)
        except FailureError as refusal:
            return await self._undo(request, *told(refusal))
        except OnboardingCancelled as cancelled:
            return await self._undo(request, cancelled.code, self._cancelled_because or cancelled.message)
        except asyncio.CancelledError:
            await self._undo(request, OnboardingCancelled.code, "the workflow was cancelled by an operator")
            raise
        return OnboardingResult(completed=True)

    @workflow.signal
    def cancel(self, reason: str) -> None:
        """Stop after settling the running step, and undo everything."""
        self._cancelled_because = self._cancelled_because or reason

    @workflow.query
    def progress(self) -> OnboardingProgress:
        """Each step's state and what happens next."""
        return OnboardingProgress(steps=self._steps, next=self._next())

    async def _onboard(self, request: RequestOnboarding) -> None:
        tenant, dashboard = request.tenant_id, new_id(DashboardId)
        self._promise(StepName.CREATE_SUBSCRIPTION, BillingActivities.cancel_subscription, _cancel(request))
        await self._do(
            StepName.CREATE_SUBSCRIPTION, BillingActivities.create_subscription, _subscribe(request), at_once=True
        )
        self._promise(
            StepName.PROVISION_TENANT,
            SecurityActivities.deprovision_tenant,
            DeprovisionTenant(tenant_id=tenant, reason="onboarding undone"),
        )
        await self._do(StepName.PROVISION_TENANT, SecurityActivities.provision_tenant, _provision(request))
        self._promise(
            StepName.INITIALIZE_DASHBOARD,
            AnalyticsActivities.delete_dashboard,
            DeleteDashboard(tenant_id=tenant, dashboard_id=dashboard),
        )
        await self._do(
            StepName.INITIALIZE_DASHBOARD,
            AnalyticsActivities.initialize_dashboard,
            InitializeDashboard(tenant_id=tenant, dashboard_id=dashboard),
        )
        await self._do(
            StepName.SEND_WELCOME_EMAIL,
            NotificationsActivities.send_welcome_email,
            _welcome(request),
            patience=EXTERNAL_CALL,
        )
        await self._finish(FinishOnboarding(onboarding_id=request.onboarding_id, tenant_id=tenant, completed=True))

    async def _do(
        self,
        step: StepName,
        activity: Callable[..., Any],
        cmd: Payload,
        *,
        patience: Patience = OWN_DATABASE,
        at_once: bool = False,
    ) -> None:
        self._mark(step, StepState.RUNNING)
        self._stop_if_cancelled()
        if at_once:
            running = workflow.start_local_activity_method(
                activity, cmd, summary=_SUMMARIES[step], **OWN_DATABASE_AT_ONCE
            )
        else:
            running = workflow.start_activity_method(activity, cmd, summary=_SUMMARIES[step], **patience)
        try:
            await workflow.wait_condition(lambda: running.done() or self._cancelled_because is not None)
            if not running.done():
                running.cancel()
            await running
        except (FailureError, asyncio.CancelledError):
            await _settled(running)
            self._mark(step, StepState.FAILED)
            self._stop_if_cancelled()
            raise
        self._mark(step, StepState.DONE)
        self._stop_if_cancelled()

    def _promise(self, step: StepName, activity: Callable[..., Any], cmd: Payload) -> None:
        async def undo() -> None:
            if self._steps[step] is StepState.DONE:
                self._mark(step, StepState.COMPENSATING)
            await workflow.execute_activity_method(activity, cmd, summary=f"undo {step.value}", **COMPENSATION)
            if self._steps[step] is StepState.COMPENSATING:
                self._mark(step, StepState.COMPENSATED)

        self._saga.on_failure(step, undo)

    async def _undo(self, request: RequestOnboarding, code: str, reason: str) -> OnboardingResult:
        failed = next((step for step, state in self._steps.items() if state is StepState.FAILED), None)
        compensated = await self._saga.compensate()
        await self._finish(
            FinishOnboarding(
                onboarding_id=request.onboarding_id,
                tenant_id=request.tenant_id,
                completed=False,
                failed_step=failed,
                error_code=code,
                reason=reason,
            )
        )
        return OnboardingResult(completed=False, compensated=tuple(compensated), error_code=code, reason=reason)

    async def _finish(self, cmd: FinishOnboarding) -> None:
        await asyncio.shield(
            workflow.execute_local_activity_method(
                AutomationActivities.finish_onboarding, cmd, summary="close the books", **OWN_DATABASE_AT_ONCE
            )
        )

    def _stop_if_cancelled(self) -> None:
        if self._cancelled_because is not None:
            raise OnboardingCancelled

    def _mark(self, step: StepName, state: StepState) -> None:
        self._steps[step] = state
        lines = [f"- {name.value}: **{now.value}**" for name, now in self._steps.items()]
        workflow.set_current_details("\n".join([*lines, "", self._next()]))

    def _next(self) -> str:
        if self._cancelled_because is not None:
            return "Everything done so far is being undone, last first."
        running = [step.value for step, state in self._steps.items() if state is StepState.RUNNING]
        return f"Running {running[0]}; it is retried until it succeeds or is refused." if running else "Closing."


_SUMMARIES = MappingProxyType(
    {
        StepName.CREATE_SUBSCRIPTION: "Subscribe to the plan",
        StepName.PROVISION_TENANT: "Make schema, role, keys and owner",
        StepName.INITIALIZE_DASHBOARD: "Make lake and default dashboard",
        StepName.SEND_WELCOME_EMAIL: "Welcome the owner by e-mail",
    }
)


async def _settled(running: workflow.ActivityHandle[Any]) -> None:
    """Wait until a cancelled step can have no further effect."""
    if not running.done():
        running.cancel()
        await asyncio.shield(asyncio.gather(running, return_exceptions=True))


def _subscribe(request: RequestOnboarding) -> CreateSubscription:
    return CreateSubscription(
        onboarding_id=request.onboarding_id,
        tenant_id=request.tenant_id,
        plan_code=request.plan_code,
        timezone=request.timezone,
    )


def _cancel(request: RequestOnboarding) -> CancelSubscription:
    return CancelSubscription(
        onboarding_id=request.onboarding_id, tenant_id=request.tenant_id, reason="onboarding undone"
    )


def _provision(request: RequestOnboarding) -> ProvisionTenant:
    return ProvisionTenant(
        tenant_id=request.tenant_id,
        organisation=request.organisation,
        owner_id=new_id(UserId),
        owner_name=request.owner_name,
        owner_email=request.owner_email,
        api_key_id=new_id(ApiKeyId),
        locale=request.locale,
        timezone=request.timezone,
    )


def _welcome(request: RequestOnboarding) -> SendWelcomeEmail:
    return SendWelcomeEmail(
        tenant_id=request.tenant_id,
        notification_id=new_id(NotificationId),
        organisation=request.organisation,
        owner_name=request.owner_name,
        owner_email=request.owner_email,
        plan_code=request.plan_code,
        locale=request.locale,
    )
