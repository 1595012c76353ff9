"""What the gateway announces: requests, limits and failing upstreams."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field, NonNegativeInt, PositiveInt

from domain.bus.event import Event, event
from domain.gateway.ids import UpstreamId
from domain.kernel.ids import RequestId

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class CallerKind(StrEnum):
    """Whom a limit counts."""

    API_KEY = "api_key"
    USER = "user"
    TENANT = "tenant"
    NETWORK = "network"


class LimitAlgorithm(StrEnum):
    """How requests are counted."""

    TOKEN_BUCKET = "token_bucket"  # noqa: S105 - the algorithm, not a secret
    SLIDING_WINDOW = "sliding_window"
    FIXED_WINDOW = "fixed_window"


class UpstreamFailureKind(StrEnum):
    """How an upstream failed."""

    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_RESET = "connection_reset"
    NAME_NOT_RESOLVED = "name_not_resolved"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    MALFORMED_RESPONSE = "malformed_response"
    SERVER_ERROR = "server_error"


@event(
    "gateway.request.received",
    version="1.0.0",
    source="gateway",
    subject="request_id",
    consumers=("analytics", "security"),
    telemetry=True,
)
class RequestReceived(Event):
    """A request arrived and was routed."""

    request_id: RequestId
    method: Method
    route: str = Field(
        description="The route's template, never the URL.", examples=["/v1/billing/invoices/{invoice_id}"]
    )
    http_version: Literal["1.0", "1.1", "2", "3"]
    api_key_id: str | None = Field(
        default=None,
        description="The API key it came with, if any.",
        examples=["key_01h455vb4pex5vsknk084sn02q"],
    )
    client_network: str = Field(
        description="The client's network: /24 for IPv4, /48 for IPv6, so that no person is identified.",
        examples=["203.0.113.0/24"],
    )
    body_bytes: NonNegativeInt | None = Field(
        default=None, description="As announced by Content-Length; null if it was not."
    )


@event(
    "gateway.request.completed",
    version="1.0.0",
    source="gateway",
    subject="request_id",
    consumers=("analytics", "billing"),
    telemetry=True,
)
class RequestCompleted(Event):
    """A request was answered; metered for usage-based billing."""

    request_id: RequestId
    method: Method
    route: str = Field(
        description="The route's template, never the URL.", examples=["/v1/billing/invoices/{invoice_id}"]
    )
    status: int = Field(ge=100, le=599, description="HTTP status of the answer.", examples=[200])
    error_code: str | None = Field(default=None, description="The code in the answer's envelope, if it was an error.")
    api_key_id: str | None = Field(
        default=None,
        description="The API key it came with, if any.",
        examples=["key_01h455vb4pex5vsknk084sn02q"],
    )
    plan_code: str | None = Field(default=None, description="The plan whose quota it used up.", examples=["pro"])
    duration_ms: NonNegativeInt = Field(
        description="From the first byte received to the last byte sent.", examples=[23]
    )
    upstream_ms: NonNegativeInt | None = Field(
        default=None, description="The part of the duration spent in the upstream; null if the gateway answered."
    )
    request_bytes: NonNegativeInt = Field(description="Headers and body, as received.", examples=[412])
    response_bytes: NonNegativeInt = Field(description="Headers and body, as sent.", examples=[2_048])


@event(
    "gateway.rate_limit.exceeded",
    version="1.0.0",
    source="gateway",
    subject="caller",
    consumers=("notifications", "security"),
)
class RateLimitExceeded(Event):
    """A caller went over its limit; published once per window, when the first request is refused."""

    caller: str = Field(
        min_length=1,
        description="Id of the API key, user or tenant, or the network in CIDR notation.",
        examples=["key_01h455vb4pex5vsknk084sn02q"],
    )
    caller_kind: CallerKind
    policy: str = Field(description="Name of the limit.", examples=["pro-hourly"])
    plan_code: str | None = Field(
        default=None, description="The plan that sets the limit; null for limits of the platform."
    )
    algorithm: LimitAlgorithm
    limit: PositiveInt = Field(description="Requests allowed per window.", examples=[1000])
    window_seconds: PositiveInt = Field(examples=[3600])
    route: str = Field(description="Route template of the refused request.", examples=["/v1/spatial/analyses"])
    retry_after_seconds: NonNegativeInt = Field(description="As told to the caller in Retry-After.", examples=[120])


@event(
    "gateway.circuit_breaker.opened",
    version="1.0.0",
    source="gateway",
    subject="upstream_id",
    consumers=("notifications", "analytics"),
)
class CircuitBreakerOpened(Event):
    """Too many calls to an upstream failed: calls are refused at once until it is probed again."""

    upstream_id: UpstreamId
    upstream: str = Field(description="The upstream's name.", examples=["analytics-api"])
    route: str | None = Field(default=None, description="Route template, if the breaker guards one route only.")
    failure_count: PositiveInt = Field(description="Failed calls in the window.", examples=[12])
    call_count: PositiveInt = Field(description="All calls in the window.", examples=[20])
    failure_threshold_percent: int = Field(
        ge=1, le=100, description="The share of failures that opens it.", examples=[50]
    )
    window_seconds: PositiveInt = Field(examples=[30])
    half_open_at: AwareDatetime = Field(
        description="When the next probe is let through.", examples=["2026-03-01T09:31:00Z"]
    )
    last_failure: UpstreamFailureKind


@event(
    "gateway.upstream.failure",
    version="1.0.0",
    source="gateway",
    subject="upstream_id",
    consumers=("notifications", "analytics"),
)
class UpstreamFailure(Event):
    """A call to an upstream failed."""

    upstream_id: UpstreamId
    upstream: str = Field(description="The upstream's name.", examples=["analytics-api"])
    instance: str = Field(description="host:port of the instance that failed.", examples=["10.0.3.7:8080"])
    request_id: RequestId | None = Field(default=None, description="Null if a health check found it.")
    kind: UpstreamFailureKind
    status: int | None = Field(default=None, ge=500, le=599, description="HTTP status, if it answered at all.")
    attempt: PositiveInt = Field(description="Which attempt of the same request.", examples=[1])
    will_retry: bool
    elapsed_ms: NonNegativeInt = Field(description="From the call to the failure.", examples=[5000])
