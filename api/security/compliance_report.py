"""`/v1/security/compliance-report`: where a tenant or the platform stands, as JSON, as a page, as OSCAL."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse

from adapters.container import Container
from adapters.kernel.clock import utc_now
from adapters.security.oscal import assessment_results
from api.compliance_page import compliance_page
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import visible_tenant
from api.routes import Route
from api.security.controls import OSCAL
from domain.kernel.ids import TenantId
from domain.security.control_model import ComplianceReport
from domain.security.controls import report
from domain.security.permissions import READ_COMPLIANCE_REPORT

router = APIRouter(prefix="/v1/security/compliance-report", tags=["security"], route_class=Route)
Whose = Annotated[TenantId | None, visible_tenant(READ_COMPLIANCE_REPORT)]


@router.get("", response_model=Answer[ComplianceReport])
async def get_report(tenant: Whose, world: World) -> Answer[ComplianceReport]:
    """Each control with its newest evidence, the gaps, the worst first, and the matrix of modules and frameworks.

    A tenant's names the platform's controls that it inherits. An operator who names no tenant gets the platform's.
    """
    return ok(await _report(world, tenant))


@router.get(
    "/page",
    response_class=HTMLResponse,
    responses={200: {"description": "The same for people.", "content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def get_report_page(tenant: Whose, world: World) -> HTMLResponse:
    """The same as a page that prints."""
    organisation = "the platform"
    if tenant is not None:
        found = await world.security(None, lambda uow: uow.tenants.find(tenant))
        organisation = found.organisation if found is not None else tenant
    return compliance_page(await _report(world, tenant), organisation)


@router.get("/oscal", response_class=JSONResponse, responses=OSCAL)
async def get_report_oscal(tenant: Whose, world: World) -> JSONResponse:
    """The same as OSCAL assessment results."""
    return JSONResponse(assessment_results(await _report(world, tenant)))


async def _report(world: Container, tenant: TenantId | None) -> ComplianceReport:
    return await world.security(None, lambda uow: report(uow, tenant, now=utc_now()))
