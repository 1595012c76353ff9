"""`/v1/security/threat-scans`: looking for threats now, for the operator."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from adapters.kernel.clock import new_id
from api.envelope import Answer, StartedWorkflow, ok
from api.parameters import World
from api.principals import may
from api.problems import problems
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import RequestId
from domain.security.commands import DetectThreats
from domain.security.errors import OperatorsOnly
from domain.security.model import Principal
from domain.security.permissions import DETECT_THREATS
from workflows.security.detect_threats import DetectThreatsWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/threat-scans", tags=["security"], route_class=Route)


@router.post(
    "", status_code=202, response_model=Answer[StartedWorkflow], responses=problems(OperatorsOnly, WorkflowsUnavailable)
)
async def post_scan(_: Annotated[Principal, may(DETECT_THREATS)], world: World) -> Answer[StartedWorkflow]:
    """Look now at what was recorded since the last time; it also happens by itself, by a schedule."""
    id_ = workflow_id(new_id(RequestId))
    await world.starter.start(DetectThreatsWorkflow.run, DetectThreats(), id=id_, summary="Look for threats")
    return ok(StartedWorkflow(workflow_id=id_))
