"""Every Prometheus metric of the product, by name; docs/operations.md says what each one means."""

from prometheus_client import Counter, Gauge, Histogram

_LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

HTTP_REQUESTS = Counter("http_requests_total", "HTTP requests answered.", ["method", "route", "status"])
HTTP_SECONDS = Histogram(
    "http_request_duration_seconds", "Time to the last byte.", ["method", "route"], buckets=_LATENCIES
)
HTTP_IN_PROGRESS = Gauge("http_requests_in_progress", "HTTP requests being answered.")

GATEWAY_REQUESTS = Counter("gateway_requests_published_total", "Requests announced to tenants that meter them.")

RELAY_LAG = Histogram(
    "bus_relay_lag_seconds", "Age of the oldest event of a batch at its dispatch.", buckets=_LATENCIES
)
RELAY_EVENTS = Counter("bus_relay_events_total", "Events dispatched by the relay.")
FENCE_AGE = Gauge("bus_fence_age_seconds", "Age of the oldest writing transaction, which holds back all readers.")
PARKED_EVENTS = Gauge("bus_parked_events", "Events set aside.", ["subscription"])
SUBSCRIPTION_LAG = Gauge("bus_subscription_lag_events", "Committed events not yet handled.", ["subscription"])
DELIVERED_EVENTS = Counter("bus_delivered_events_total", "Events handled.", ["subscription"])

ACTIVITIES = Counter("activities_total", "Activity attempts that ended.", ["activity", "outcome"])
ACTIVITY_SECONDS = Histogram(
    "activity_duration_seconds", "Time one activity attempt took.", ["activity"], buckets=_LATENCIES
)
WORKFLOW_STARTS = Counter("workflow_starts_total", "Workflow starts asked for.", ["workflow", "outcome"])

DATABASE_TRANSACTIONS = Counter("database_transactions_total", "Database transactions by how they ended.", ["outcome"])
DATABASE_CONNECTIONS = Gauge("database_pool_connections", "Pooled database connections.", ["state"])
SCHEMAS_CREATED = Counter("database_schemas_created_total", "Schemas given to tenants.", ["kind", "origin"])
SPARE_SCHEMAS = Gauge("database_spare_schemas", "Prepared schemas, when a worker last looked.", ["kind"])

PROVIDER_CALLS = Counter(
    "billing_provider_calls_total", "Calls of payment providers, by what came of them.", ["provider", "call", "outcome"]
)

WEBHOOKS = Counter(
    "billing_webhooks_total", "Attempts to send webhooks to tenants' endpoints, by what came of them.", ["outcome"]
)

AUDIT_UNSEALED = Gauge("security_audit_unsealed_seconds", "Age of the oldest audit record that is not sealed yet.")
AUDIT_CHECKPOINTS = Counter("security_audit_checkpoints_total", "Checkpoints signed.")
AUDIT_FLAWS = Counter("security_audit_flaws_total", "Flaws found by checks of audit logs.", ["flaw"])
DETECTION_RECORDS = Counter("security_detection_records_total", "Log records that detection rules have looked at.")
SUBJECT_REQUESTS = Gauge("security_subject_requests", "Requests of data subjects that are not answered.", ["standing"])
CONTROLS = Gauge("security_controls", "The platform's own controls, by where they stand.", ["standing"])
OPEN_RISKS = Gauge("security_open_risks", "Risks that are not closed, in the register.", ["owner", "level"])
OVERDUE_RISKS = Gauge("security_overdue_risks", "Open risks whose deadline has passed.", ["owner"])
DEPENDENCY_SCAN_AGE = Gauge("security_dependency_scan_age_seconds", "Since the dependencies were last looked up.")
THREATS = Counter("security_threats_total", "Threats detected.", ["kind", "severity"])
DECISIONS = Counter("security_decisions_total", "Decisions on what a caller may do.", ["decision"])
SIGN_INS = Counter("security_sign_ins_total", "Sign-ins of people.", ["outcome"])
TOKEN_REQUESTS = Counter(
    "security_token_requests_total",
    "Requests to the authorization server's endpoints for applications.",
    ["endpoint", "grant_type", "error"],
)
POLICIES_PARSED = Counter("security_policies_parsed_total", "Tenants' access policies parsed.")
