"""What security can be asked to do about evidence by a process."""

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.ids import EvidenceCollectionId


class CollectEvidence(Payload):
    """Look at every control of the platform and of its tenants, or of one tenant.

    collection_id: what it is called, unless a schedule starts it.
    """

    collection_id: EvidenceCollectionId | None = None
    only: TenantId | None = None


class BeginCollection(Payload):
    """Write down whom this collection has to visit."""

    collection_id: EvidenceCollectionId
    only: TenantId | None


class FollowCollection(Payload):
    """Visit the next scopes of this collection."""

    collection_id: EvidenceCollectionId


class CollectionProgress(Payload):
    """How far it has come. scopes: the platform and tenants to visit; completed: they are all visited, and counted."""

    scopes: int = 0
    done: int = 0
    evidence: int = 0
    not_satisfied: int = 0
    completed: bool = False
