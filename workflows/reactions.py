"""Which event starts or signals which workflow: all of it, on one page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from domain.automation.commands import RequestOnboarding
from domain.automation.events import OnboardingCancelRequested, OnboardingRequested
from domain.billing.clock_commands import AdvanceClock
from domain.billing.clock_events import ClockAdvanceRequested
from domain.billing.credit_commands import FollowCreditGrant
from domain.billing.credit_events import CreditClosed, CreditGranted
from domain.billing.credit_note_events import RefundRequested
from domain.billing.dunning_commands import FollowDunning
from domain.billing.dunning_events import DunningChanged, DunningClosed, DunningOpened
from domain.billing.events import (
    InvoicePaid,
    SubscriptionCanceled,
    SubscriptionCreated,
    SubscriptionReactivated,
    SubscriptionUpdated,
)
from domain.billing.ids import ClockId
from domain.billing.invoice_commands import FollowInvoice
from domain.billing.invoice_events import InvoiceDrafted, InvoiceFinalized, InvoiceVoided, InvoiceWrittenOff
from domain.billing.payment_commands import FollowPayment
from domain.billing.payment_events import PaymentHinted, PaymentRequested
from domain.billing.refund_commands import FollowRefund
from domain.billing.revenue_commands import ReckonRevenue
from domain.billing.revenue_events import RevenueReportRequested
from domain.billing.subscription_commands import FollowSubscription
from domain.billing.webhook_commands import FollowWebhookEndpoint
from domain.billing.webhook_events import WebhookQueued
from domain.security.breach_events import BreachChanged, BreachReported
from domain.security.commands import (
    FollowBreach,
    FollowElevation,
    FollowErasure,
    FollowInvitation,
    FollowReencryption,
    MailPasswordReset,
)
from domain.security.elevation_events import ElevationBegan, ElevationClosed, ElevationRequested, ElevationReviewed
from domain.security.erasure_events import ErasureClosed, ErasureRequested
from domain.security.events import InvitationClosed, InvitationCreated, PasswordResetRequested
from domain.security.key_events import ReencryptionRequested
from domain.security.risk_commands import FollowRisk
from domain.security.risk_events import RiskChanged, RiskIdentified
from domain.security.subject_commands import FollowSubjectRequest
from domain.security.subject_events import SubjectRequestChanged, SubjectRequestReceived
from workflows.billing import (
    credit_grant,
    dunning,
    invoice,
    payment,
    refund,
    revenue_report,
    subscription,
    test_clock,
    webhook_endpoint,
)
from workflows.billing.credit_grant import CreditGrantWorkflow
from workflows.billing.dunning import DunningWorkflow
from workflows.billing.invoice import InvoiceWorkflow
from workflows.billing.payment import PaymentWorkflow
from workflows.billing.refund import RefundWorkflow
from workflows.billing.revenue_report import RevenueReportWorkflow
from workflows.billing.subscription import SubscriptionWorkflow
from workflows.billing.test_clock import ClockWorkflow
from workflows.billing.webhook_endpoint import WebhookEndpointWorkflow
from workflows.reaction_kinds import Signals, Starts, Wakes, always
from workflows.sagas import onboarding
from workflows.sagas.onboarding import OnboardingSaga
from workflows.security import (
    breach,
    elevation,
    erasure,
    invitation,
    password_reset,
    reencryption,
    risk,
    subject_request,
)
from workflows.security.breach import BreachWorkflow
from workflows.security.elevation import ElevationWorkflow
from workflows.security.erasure import ErasureWorkflow
from workflows.security.invitation import InvitationWorkflow
from workflows.security.password_reset import PasswordResetWorkflow
from workflows.security.reencryption import ReencryptionWorkflow
from workflows.security.risk import RiskWorkflow
from workflows.security.subject_request import SubjectRequestWorkflow


def _since(fact: Any) -> dict[str, Any]:
    """What the process is about, and when that began."""
    return {**fact.model_dump(), "since": fact.occurred_at}


def _in_the_world(instant: datetime, clock: ClockId | None) -> datetime | None:
    """A process in simulated time has to be there for its clock to be moved."""
    return instant if clock is None else None


# The process of an invoice is begun by whatever of its events comes first.
_INVOICE: Mapping[str, Any] = MappingProxyType(
    {
        "workflow": InvoiceWorkflow.run,
        "id": lambda fact: invoice.workflow_id(fact.tenant_id, fact.invoice_id),
        "input": lambda fact: FollowInvoice.model_validate(_since(fact)),
    }
)

REACTIONS: tuple[Starts | Signals | Wakes, ...] = (
    Starts(
        on=SubscriptionCreated,
        # A tenant's own subscription to the platform is its onboarding's.
        when=lambda fact: fact.customer_id is not None,
        workflow=SubscriptionWorkflow.run,
        id=lambda fact: subscription.workflow_id(fact.tenant_id, fact.subscription_id),
        input=lambda fact: FollowSubscription.model_validate(_since(fact)),
        summary=lambda fact: f"Subscription of {fact.customer_id} to {fact.plan_code}",
    ),
    Wakes(
        on=SubscriptionReactivated,
        workflow=SubscriptionWorkflow.run,
        id=lambda fact: subscription.workflow_id(fact.tenant_id, fact.subscription_id),
        input=lambda fact: FollowSubscription.model_validate(_since(fact)),
        summary=lambda fact: f"Subscription of {fact.customer_id} to {fact.plan_code}",
        signal=SubscriptionWorkflow.changed,
        told=lambda fact: fact.about.type,
    ),
    Signals(
        on=SubscriptionUpdated,
        when=lambda fact: fact.change not in subscription.ITS_OWN,
        signal=SubscriptionWorkflow.changed,
        id=lambda fact: subscription.workflow_id(fact.tenant_id, fact.subscription_id),
        input=lambda fact: fact.change.value,
    ),
    Starts(
        on=InvoiceDrafted,
        **_INVOICE,
        summary=lambda fact: f"Invoice of {fact.total} to {fact.customer_id}",
        at=lambda fact: _in_the_world(fact.finalize_at, fact.test_clock_id),
    ),
    Starts(
        on=InvoiceFinalized,
        when=lambda fact: fact.draft_until is None,
        **_INVOICE,
        summary=lambda fact: f"Invoice {fact.number} of {fact.total} to {fact.customer_id}",
        at=lambda fact: _in_the_world(fact.due_at, fact.test_clock_id),
    ),
    *(
        Wakes(
            on=kind,
            when=when,
            **_INVOICE,
            summary=lambda fact: f"Invoice to {fact.customer_id}",
            signal=InvoiceWorkflow.changed,
            told=lambda fact: fact.about.type,
        )
        for kind, when in (
            # Somebody has made it final so early that it is due before its process begins.
            (InvoiceFinalized, lambda fact: fact.draft_until is not None and fact.due_at < fact.draft_until),
            (InvoicePaid, always),
            (InvoiceVoided, always),
            (InvoiceWrittenOff, always),
        )
    ),
    Starts(
        on=PaymentRequested,
        workflow=PaymentWorkflow.run,
        id=lambda fact: payment.workflow_id(fact.tenant_id, fact.payment_id),
        input=lambda fact: FollowPayment.model_validate(_since(fact)),
        summary=lambda fact: f"Payment of {fact.amount} by {fact.customer_id}, attempt {fact.attempt}",
    ),
    Wakes(
        on=PaymentHinted,
        workflow=PaymentWorkflow.run,
        id=lambda fact: payment.workflow_id(fact.tenant_id, fact.payment_id),
        input=lambda fact: FollowPayment.model_validate(_since(fact)),
        summary=lambda fact: f"What became of it: {fact.hint}",
        signal=PaymentWorkflow.changed,
        told=lambda fact: fact.hint,
    ),
    Wakes(
        on=RefundRequested,
        workflow=RefundWorkflow.run,
        id=lambda fact: refund.workflow_id(fact.tenant_id, fact.refund_id),
        input=lambda fact: FollowRefund.model_validate(_since(fact)),
        summary=lambda fact: f"Refund of {fact.amount} to {fact.customer_id}, attempt {fact.attempt}",
        signal=RefundWorkflow.changed,
        told=lambda fact: fact.about.type,
    ),
    Starts(
        on=CreditGranted,
        when=lambda fact: fact.expires_at is not None,
        workflow=CreditGrantWorkflow.run,
        id=lambda fact: credit_grant.workflow_id(fact.tenant_id, fact.credit_grant_id),
        input=lambda fact: FollowCreditGrant.model_validate(_since(fact)),
        summary=lambda fact: f"Credit of {fact.amount} for {fact.customer_id} until {fact.expires_at:%Y-%m-%d}",
    ),
    Signals(
        on=CreditClosed,
        when=lambda fact: fact.voided,
        signal=CreditGrantWorkflow.changed,
        id=lambda fact: credit_grant.workflow_id(fact.tenant_id, fact.credit_grant_id),
        input=lambda fact: fact.about.type,
    ),
    Wakes(
        on=WebhookQueued,
        workflow=WebhookEndpointWorkflow.run,
        id=lambda fact: webhook_endpoint.workflow_id(fact.tenant_id, fact.endpoint_id),
        input=lambda fact: FollowWebhookEndpoint.model_validate(fact.model_dump()),
        summary=lambda fact: f"Webhooks to {fact.endpoint_id}",
        signal=WebhookEndpointWorkflow.changed,
        told=lambda fact: fact.about.type,
    ),
    Starts(
        on=RevenueReportRequested,
        workflow=RevenueReportWorkflow.run,
        id=lambda fact: revenue_report.workflow_id(fact.tenant_id, fact.revenue_report_id),
        input=lambda fact: ReckonRevenue.model_validate(fact.model_dump()),
        summary=lambda fact: f"Revenue of {fact.first:%Y-%m} to {fact.last:%Y-%m}",
    ),
    Wakes(
        on=ClockAdvanceRequested,
        workflow=ClockWorkflow.run,
        id=lambda fact: test_clock.workflow_id(fact.tenant_id, fact.clock_id),
        input=lambda fact: AdvanceClock.model_validate(fact.model_dump()),
        summary=lambda fact: f"Time goes by until {fact.to:%Y-%m-%d %H:%M} UTC",
        signal=ClockWorkflow.further,
        told=lambda fact: fact.to,
    ),
    Wakes(
        on=DunningOpened,
        workflow=DunningWorkflow.run,
        id=lambda fact: dunning.workflow_id(fact.tenant_id, fact.invoice_id),
        input=lambda fact: FollowDunning.model_validate(_since(fact)),
        summary=lambda fact: f"Dunning {fact.customer_id} for {fact.due}",
        signal=DunningWorkflow.changed,
        told=lambda fact: fact.about.type,
    ),
    *(
        Signals(
            on=kind,
            signal=DunningWorkflow.changed,
            id=lambda fact: dunning.workflow_id(fact.tenant_id, fact.invoice_id),
            input=lambda fact: fact.about.type,
        )
        for kind in (DunningChanged, DunningClosed)
    ),
    Signals(
        on=SubscriptionCanceled,
        when=lambda fact: fact.customer_id is not None,
        signal=SubscriptionWorkflow.changed,
        id=lambda fact: subscription.workflow_id(fact.tenant_id, fact.subscription_id),
        input=lambda fact: fact.about.type,
    ),
    Starts(
        on=OnboardingRequested,
        workflow=OnboardingSaga.run,
        id=lambda fact: onboarding.workflow_id(fact.tenant_id, fact.onboarding_id),
        input=lambda fact: RequestOnboarding.model_validate(fact.model_dump()),
        summary=lambda fact: f"Onboarding of {fact.organisation}",
    ),
    Signals(
        on=OnboardingCancelRequested,
        signal=OnboardingSaga.cancel,
        id=lambda fact: onboarding.workflow_id(fact.tenant_id, fact.onboarding_id),
        input=lambda fact: fact.reason,
    ),
    Starts(
        on=InvitationCreated,
        workflow=InvitationWorkflow.run,
        id=lambda fact: invitation.workflow_id(fact.tenant_id, fact.invitation_id),
        input=lambda fact: FollowInvitation.model_validate(fact.model_dump()),
        summary=lambda fact: f"Invitation as {fact.role}",
    ),
    Signals(
        on=InvitationClosed,
        signal=InvitationWorkflow.closed,
        id=lambda fact: invitation.workflow_id(fact.tenant_id, fact.invitation_id),
        input=lambda fact: fact.outcome,
    ),
    Starts(
        on=ElevationRequested,
        workflow=ElevationWorkflow.run,
        id=lambda fact: elevation.workflow_id(fact.tenant_id, fact.elevation_id),
        input=lambda fact: FollowElevation.model_validate(fact.model_dump()),
        summary=lambda fact: f"{'Broken glass' if fact.break_glass else 'Elevation'} of {fact.user_id} to {fact.role}",
    ),
    *(
        Signals(
            on=kind,
            signal=ElevationWorkflow.changed,
            id=lambda fact: elevation.workflow_id(fact.tenant_id, fact.elevation_id),
            input=lambda fact: fact.about.type,
        )
        for kind in (ElevationBegan, ElevationClosed, ElevationReviewed)
    ),
    Starts(
        on=ErasureRequested,
        workflow=ErasureWorkflow.run,
        id=lambda fact: erasure.workflow_id(fact.erasure_id),
        input=lambda fact: FollowErasure.model_validate(fact.model_dump()),
        summary=lambda fact: f"Erasure of {fact.tenant_id}",
    ),
    Signals(
        on=ErasureClosed,
        signal=ErasureWorkflow.closed,
        id=lambda fact: erasure.workflow_id(fact.erasure_id),
        input=lambda fact: fact.outcome,
    ),
    Starts(
        on=BreachReported,
        workflow=BreachWorkflow.run,
        id=lambda fact: breach.workflow_id(fact.tenant_id, fact.breach_id),
        input=lambda fact: FollowBreach.model_validate(fact.model_dump()),
        summary=lambda fact: f"Clock of a breach, due {fact.due_at:%Y-%m-%d %H:%M} UTC",
    ),
    Signals(
        on=BreachChanged,
        signal=BreachWorkflow.changed,
        id=lambda fact: breach.workflow_id(fact.tenant_id, fact.breach_id),
        input=lambda fact: fact.change,
    ),
    Starts(
        on=RiskIdentified,
        workflow=RiskWorkflow.run,
        id=lambda fact: risk.workflow_id(fact.tenant_id, fact.risk_id),
        input=lambda fact: FollowRisk.model_validate(fact.model_dump()),
        summary=lambda fact: f"Treatment of a {fact.level} risk",
    ),
    Signals(
        on=RiskChanged,
        signal=RiskWorkflow.changed,
        id=lambda fact: risk.workflow_id(fact.tenant_id, fact.risk_id),
        input=lambda fact: fact.change,
    ),
    Starts(
        on=SubjectRequestReceived,
        workflow=SubjectRequestWorkflow.run,
        id=lambda fact: subject_request.workflow_id(fact.tenant_id, fact.subject_request_id),
        input=lambda fact: FollowSubjectRequest.model_validate(fact.model_dump()),
        summary=lambda fact: f"{fact.kind} for a data subject, due {fact.due_at:%Y-%m-%d}",
    ),
    Signals(
        on=SubjectRequestChanged,
        signal=SubjectRequestWorkflow.changed,
        id=lambda fact: subject_request.workflow_id(fact.tenant_id, fact.subject_request_id),
        input=lambda fact: fact.change,
    ),
    Starts(
        on=ReencryptionRequested,
        workflow=ReencryptionWorkflow.run,
        id=lambda fact: reencryption.workflow_id(fact.reencryption_id),
        input=lambda fact: FollowReencryption.model_validate(fact.model_dump()),
        summary=lambda fact: f"Re-encryption of {fact.total} under {fact.key_id}",
    ),
    Starts(
        on=PasswordResetRequested,
        workflow=PasswordResetWorkflow.run,
        id=lambda fact: password_reset.workflow_id(fact.tenant_id, fact.password_reset_id),
        input=lambda fact: MailPasswordReset.model_validate(fact.model_dump()),
        summary=lambda fact: f"Password link for {fact.user_id}",
    ),
)

BY_TYPE = MappingProxyType(
    {
        type_: tuple(each for each in REACTIONS if each.on.about.type == type_)
        for type_ in dict.fromkeys(each.on.about.type for each in REACTIONS)
    }
)
