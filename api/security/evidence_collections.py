"""`/v1/security/evidence-collections`: rounds through the controls."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from adapters.kernel.clock import new_id
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import visible_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Payload
from domain.security.control_commands import CollectEvidence, CollectionProgress
from domain.security.control_errors import EvidenceCollectionNotFound
from domain.security.control_model import EvidenceCollection
from domain.security.controls import progress_of
from domain.security.ids import EvidenceCollectionId
from domain.security.permissions import COLLECT_EVIDENCE, READ_EVIDENCE
from workflows.security.collect_evidence import CollectEvidenceWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/evidence-collections", tags=["security"], route_class=Route)


class StartedCollection(Payload):
    """The round, and the process that does it."""

    id: EvidenceCollectionId
    workflow_id: str


@router.get("", response_model=Answer[Page[EvidenceCollection]])
async def list_evidence_collections(
    tenant: Annotated[TenantId | None, visible_tenant(READ_EVIDENCE)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[EvidenceCollection]]:
    """Newest first. Tenants see those that they asked for; the daily one, which visits all, is the operator's."""
    return ok(await world.security(None, lambda uow: uow.evidence.collections(tenant, cursor=cursor, limit=limit)))


@router.post("", status_code=202, response_model=Answer[StartedCollection], responses=problems(WorkflowsUnavailable))
async def post_evidence_collection(
    tenant: Annotated[TenantId | None, visible_tenant(COLLECT_EVIDENCE)], world: World
) -> Answer[StartedCollection]:
    """Look at every control now; it also happens by itself, daily. An operator who names no tenant has all visited."""
    collection_id = new_id(EvidenceCollectionId)
    id_ = workflow_id(tenant, collection_id)
    await world.starter.start(
        CollectEvidenceWorkflow.run,
        CollectEvidence(collection_id=collection_id, only=tenant),
        id=id_,
        summary=f"Evidence of the controls of {tenant or 'everybody'}",
    )
    return ok(StartedCollection(id=collection_id, workflow_id=id_))


@router.get(
    "/{collection_id}/progress",
    response_model=Answer[CollectionProgress],
    responses=problems(EvidenceCollectionNotFound),
)
async def get_collection_progress(
    collection_id: EvidenceCollectionId,
    tenant: Annotated[TenantId | None, visible_tenant(READ_EVIDENCE)],
    world: World,
) -> Answer[CollectionProgress]:
    """How many scopes were visited, and what was seen there."""
    return ok(progress_of(await world.security(None, lambda uow: uow.evidence.collection(tenant, collection_id))))
