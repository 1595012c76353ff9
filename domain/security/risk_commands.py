"""What security can be asked to do about risks by a process."""

from datetime import datetime

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.commands import MailedProgress
from domain.security.ids import RiskId


class FollowRisk(Payload):
    """See to it that somebody decides, and that it is done."""

    risk_id: RiskId


class RiskState(Payload):
    """Where a risk stands, as its process needs to know."""

    tenant_id: TenantId | None
    title: str
    level: str
    status: str
    assignee: str
    due_at: datetime
    overdue: bool


class RiskProgress(MailedProgress):
    """Where its process stands; `next` is what happens at `next_at`, unless somebody acts before."""


class ScanDependencies(Payload):
    """Look for known vulnerabilities in what is installed here."""


class RiskToFollow(Payload):
    """An open risk of the platform's, which has a process or gets one."""

    risk_id: RiskId
    title: str


class DependenciesScanned(Payload):
    """What was looked at, what was found, and the platform's open risks."""

    components: int
    advisories: int
    vulnerabilities: int
    follow: tuple[RiskToFollow, ...]
