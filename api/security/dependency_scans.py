"""`/v1/security/dependency-scans`: known vulnerabilities in what we are made of, for the operator."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from adapters.kernel.clock import new_id
from api.envelope import Answer, StartedWorkflow, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import may
from api.problems import problems
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import RequestId
from domain.kernel.pagination import Page
from domain.security.errors import OperatorsOnly
from domain.security.model import Principal
from domain.security.permissions import READ_DEPENDENCY_SCANS, SCAN_DEPENDENCIES
from domain.security.risk_commands import ScanDependencies
from domain.security.risk_ports import DependencyScan
from workflows.security.scan_dependencies import ScanDependenciesWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/dependency-scans", tags=["security"], route_class=Route)


@router.get("", response_model=Answer[Page[DependencyScan]], responses=problems(OperatorsOnly))
async def list_dependency_scans(
    _: Annotated[Principal, may(READ_DEPENDENCY_SCANS)], world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[DependencyScan]]:
    """Newest first, each with what it found. Each find is in the risk register until a scan finds it no more."""
    return ok(await world.security(None, lambda uow: uow.risks.scans(cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=202,
    response_model=Answer[StartedWorkflow],
    responses=problems(OperatorsOnly, WorkflowsUnavailable),
)
async def post_dependency_scan(
    _: Annotated[Principal, may(SCAN_DEPENDENCIES)], world: World
) -> Answer[StartedWorkflow]:
    """Look now; it also happens by itself, by a schedule."""
    id_ = workflow_id(new_id(RequestId))
    summary = "Look for known vulnerabilities"
    await world.starter.start(ScanDependenciesWorkflow.run, ScanDependencies(), id=id_, summary=summary)
    return ok(StartedWorkflow(workflow_id=id_))
