"""Every workflow that workers run."""

from workflows.billing.credit_grant import CreditGrantWorkflow
from workflows.billing.dunning import DunningWorkflow
from workflows.billing.invoice import InvoiceWorkflow
from workflows.billing.payment import PaymentWorkflow
from workflows.billing.refund import RefundWorkflow
from workflows.billing.revenue_report import RevenueReportWorkflow
from workflows.billing.subscription import SubscriptionWorkflow
from workflows.billing.test_clock import ClockWorkflow
from workflows.billing.webhook_endpoint import WebhookEndpointWorkflow
from workflows.bus.consume import ConsumeWorkflow
from workflows.bus.rebuild import RebuildWorkflow
from workflows.sagas.migrate_tenants import MigrateTenantsWorkflow
from workflows.sagas.onboarding import OnboardingSaga
from workflows.security.apply_retention import ApplyRetentionWorkflow
from workflows.security.breach import BreachWorkflow
from workflows.security.collect_evidence import CollectEvidenceWorkflow
from workflows.security.detect_threats import DetectThreatsWorkflow
from workflows.security.elevation import ElevationWorkflow
from workflows.security.erasure import ErasureWorkflow
from workflows.security.invitation import InvitationWorkflow
from workflows.security.password_reset import PasswordResetWorkflow
from workflows.security.reencryption import ReencryptionWorkflow
from workflows.security.risk import RiskWorkflow
from workflows.security.rotate_signing_keys import RotateSigningKeysWorkflow
from workflows.security.scan_dependencies import ScanDependenciesWorkflow
from workflows.security.seal_audit import SealAuditWorkflow
from workflows.security.subject_request import SubjectRequestWorkflow
from workflows.security.threat import ThreatWorkflow
from workflows.security.verify_audit import VerifyAuditWorkflow

WORKFLOWS = (
    SubscriptionWorkflow,
    InvoiceWorkflow,
    PaymentWorkflow,
    RefundWorkflow,
    RevenueReportWorkflow,
    WebhookEndpointWorkflow,
    DunningWorkflow,
    CreditGrantWorkflow,
    ClockWorkflow,
    OnboardingSaga,
    MigrateTenantsWorkflow,
    ConsumeWorkflow,
    RebuildWorkflow,
    SealAuditWorkflow,
    VerifyAuditWorkflow,
    RotateSigningKeysWorkflow,
    ElevationWorkflow,
    ErasureWorkflow,
    DetectThreatsWorkflow,
    ThreatWorkflow,
    BreachWorkflow,
    RiskWorkflow,
    SubjectRequestWorkflow,
    ApplyRetentionWorkflow,
    CollectEvidenceWorkflow,
    ScanDependenciesWorkflow,
    ReencryptionWorkflow,
    InvitationWorkflow,
    PasswordResetWorkflow,
)
