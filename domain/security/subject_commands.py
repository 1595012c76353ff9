"""What security can be asked to do about data subjects by a process."""

from datetime import datetime

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.commands import Progress
from domain.security.ids import SubjectRequestId


class FollowSubjectRequest(Payload):
    """See to it that every module does its part."""

    tenant_id: TenantId
    subject_request_id: SubjectRequestId


class SubjectStep(FollowSubjectRequest):
    """One module's part of it."""

    module: str


class SubjectRequestState(Payload):
    """Where it stands, as its process needs to know. modules: who has not done their part yet."""

    status: str
    kind: str
    blocked_by: str | None
    run_at: datetime
    document_until: datetime | None
    modules: tuple[str, ...]


class SubjectRequestProgress(Progress):
    """Where its process stands. done: modules that have given their receipts."""

    done: tuple[str, ...] = ()
    blocked_by: str | None = None


class ApplyRetention(Payload):
    """Delete what is older than tenants want to keep it."""


class RetentionApplied(Payload):
    """How many rows went, and of how many tenants."""

    tenants: int
    deleted: int
