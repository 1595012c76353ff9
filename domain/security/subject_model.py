"""Requests of data subjects (GDPR, Articles 15, 17 and 20), legal holds, and retention."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.kernel.personal_data import Receipt
from domain.security.ids import LegalHoldId, SubjectRequestId

ANSWERED_WITHIN = timedelta(days=30)
"""Without undue delay, and within a month (GDPR, Article 12(3))."""
DOCUMENT_FOR = timedelta(days=7)
"""How long an export can be fetched."""
LONGEST_GRACE = timedelta(days=21)


class SubjectRequestKind(StrEnum):
    """export: a copy of everything (Articles 15 and 20). erasure: Article 17."""

    EXPORT = "export"
    ERASURE = "erasure"


class SubjectRequestStatus(StrEnum):
    """waiting: its grace lasts. blocked: see `blocked_by`. completed: of every module there is a receipt."""

    WAITING = "waiting"
    BLOCKED = "blocked"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


OPEN = frozenset({SubjectRequestStatus.WAITING, SubjectRequestStatus.BLOCKED, SubjectRequestStatus.RUNNING})


class SubjectRequest(Payload):
    """One request. subject: the address, masked; digest: HMAC-SHA-256 of the address, by which a certificate knows it.

    run_at: when it begins; document_until: how long an export can be fetched. certificate: a signed note.
    """

    id: SubjectRequestId
    tenant_id: TenantId
    kind: SubjectRequestKind
    subject: str
    digest: str
    reason: str
    status: SubjectRequestStatus
    blocked_by: str | None = None
    requested_at: datetime
    due_at: datetime
    run_at: datetime
    completed_at: datetime | None = None
    document_until: datetime | None = None
    receipts: tuple[Receipt, ...] = ()
    certificate: str | None = None


class LegalHold(Payload):
    """What must not be erased while a matter lasts: everything of a tenant, or what is about one person.

    subject: the address; None is the whole tenant.
    """

    id: LegalHoldId
    tenant_id: TenantId
    matter: str
    subject: str | None
    placed_at: datetime
    lifted_at: datetime | None = None


class RetentionCategory(StrEnum):
    """What can be deleted after a while, counted from when it was over."""

    DELIVERIES = "deliveries"
    THREATS = "threats"
    RISKS = "risks"
    EVIDENCE = "evidence"


class RetentionRule(Payload):
    """How many days a tenant keeps a category; None is for good. applied_at: when it last was."""

    category: RetentionCategory
    days: int | None
    applied_at: datetime | None = None
