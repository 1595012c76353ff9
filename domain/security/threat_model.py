"""Threats, the rules that find them, and what was done about them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Payload
from domain.security.events import Severity, ThreatKind
from domain.security.ids import NetworkBanId, ThreatId


class Response(StrEnum):
    """What is done about a threat, at once or once somebody has approved it.

    ban_network: nobody signs in from there, but who did before. revoke_sessions, revoke_key: of whom it is about.
    step_up: they have to prove again who they are before anything that wants a fresh proof.
    """

    BAN_NETWORK = "ban_network"
    REVOKE_SESSIONS = "revoke_sessions"
    REVOKE_KEY = "revoke_key"
    STEP_UP = "step_up"


class ThreatStatus(StrEnum):
    """Where a threat stands."""

    OPEN = "open"
    AWAITING_APPROVAL = "awaiting_approval"
    CONTAINED = "contained"
    CLOSED = "closed"


class Verdict(StrEnum):
    """What it turned out to be. lapsed: nobody said, and nothing more was seen."""

    RESOLVED = "resolved"
    FALSE_POSITIVE = "false_positive"
    LAPSED = "lapsed"


class Threat(Payload):
    """Behaviour that looks like an attack, and what is done about it.

    tenant_id: None if it is about no tenant, or about several. group: what its records have in common.
    evidence: the newest events and audit records it was concluded from, 100 at most.
    """

    id: ThreatId
    tenant_id: TenantId | None
    rule_id: str
    title: str
    kind: ThreatKind
    severity: Severity
    confidence: float
    group: tuple[str, ...]
    actor_id: str | None
    user_id: UserId | None
    client_network: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    records: int
    evidence: tuple[str, ...]
    respond: tuple[Response, ...]
    ban_minutes: int
    approval: bool
    status: ThreatStatus = ThreatStatus.OPEN
    done: tuple[Response, ...] = ()
    contained_at: datetime | None = None
    verdict: Verdict | None = None
    note: str | None = None
    closed_at: datetime | None = None


class NetworkBan(Payload):
    """Nobody signs in from this network until it is over, but who did before. tenant_id None: in no tenant."""

    id: NetworkBanId
    tenant_id: TenantId | None
    network: str
    reason: str
    threat_id: ThreatId | None
    created_at: datetime
    expires_at: datetime
    lifted_at: datetime | None = None


class DetectionRule(Payload):
    """A tenant's own Sigma rules: one text, of one rule or of several that belong together."""

    id: str
    tenant_id: TenantId
    title: str
    text: str
    created_at: datetime


class ThreatResponse(Payload):
    """How a tenant wants threats to be answered. approval: nothing is done before an administrator says so."""

    approval: bool = False
