"""What security announces about requests of data subjects."""

from pydantic import AwareDatetime, Field

from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.security.ids import SubjectRequestId
from domain.security.subject_model import SubjectRequestKind


@event(
    "security.subject_request.received",
    version="1.0.0",
    source="security",
    subject="subject_request_id",
    consumers=("automation",),
)
class SubjectRequestReceived(Event):
    """A data subject wants a copy of what is kept about them, or that it is erased."""

    tenant_id: TenantId
    subject_request_id: SubjectRequestId
    kind: SubjectRequestKind
    due_at: AwareDatetime = Field(description="By when it has to be answered.")


@event(
    "security.subject_request.changed",
    version="1.0.0",
    source="security",
    subject="subject_request_id",
    consumers=("automation",),
)
class SubjectRequestChanged(Event):
    """It was cancelled, or a legal hold in its way was lifted."""

    tenant_id: TenantId
    subject_request_id: SubjectRequestId
    change: str = Field(examples=["cancelled"])


@event(
    "security.subject_request.completed",
    version="1.0.0",
    source="security",
    subject="subject_request_id",
    consumers=("automation", "analytics"),
)
class SubjectRequestCompleted(Event):
    """Every module has given its receipt."""

    tenant_id: TenantId
    subject_request_id: SubjectRequestId
    kind: SubjectRequestKind
