"""`/v1/security/controls`: the control catalogue, and people's word for what no collector sees."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from adapters.security.oscal import catalog
from api.envelope import Answer, ok
from api.parameters import Line, Prose, World
from api.principals import may, visible_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.instants import Instant
from domain.kernel.payload import Body
from domain.security.control_catalogue import CONTROLS
from domain.security.control_errors import AttestationInvalid, ControlIsCollected, ControlNotFound
from domain.security.control_model import Control, Evidence
from domain.security.controls import Attestation, attest
from domain.security.ids import EvidenceId
from domain.security.model import Principal
from domain.security.permissions import ATTEST_CONTROL, READ_CONTROLS

router = APIRouter(prefix="/v1/security/controls", tags=["security"], route_class=Route)
OSCAL: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An OSCAL document (NIST), version 1.2.1, in JSON.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}
_CATALOGUED = datetime(2026, 11, 23, tzinfo=UTC)
"""When a control or its references last changed."""

ControlName = Annotated[str, Path(pattern=r"^[a-z]{2}-[0-9]{1,2}$", examples=["ac-6"])]


class AttestationBody(Body):
    """Your word, and where the proof is."""

    statement: Prose = Field(examples=["All 14 memberships were looked through; two were removed."])
    reference: Line = Field(
        examples=["Minutes of 2026-11-20, wiki page 1182"], description="Where an auditor finds it."
    )
    valid_until: Instant | None = Field(
        default=None, examples=["2027-05-20T00:00:00Z"], description="A year from now unless told; no later than that."
    )


@router.get("", response_model=Answer[list[Control]])
async def list_controls(_: Annotated[Principal, may(READ_CONTROLS)]) -> Answer[list[Control]]:
    """What has to be so, where SOC 2, HIPAA, the GDPR and PCI DSS ask for it, and which modules it is about."""
    return ok(list(CONTROLS))


@router.get("/oscal", response_class=JSONResponse, responses=OSCAL)
async def get_catalog(_: Annotated[Principal, may(READ_CONTROLS)]) -> JSONResponse:
    """The same as an OSCAL catalog."""
    return JSONResponse(catalog(modified=_CATALOGUED))


@router.post(
    "/{control_id}/attest",
    status_code=201,
    response_model=Answer[Evidence],
    responses=problems(ControlNotFound, ControlIsCollected, AttestationInvalid),
)
async def post_attestation(
    control_id: ControlName,
    body: AttestationBody,
    tenant: Annotated[TenantId | None, visible_tenant(ATTEST_CONTROL)],
    world: World,
) -> Answer[Evidence]:
    """Say that a control is in place which no collector can look at. An operator who names no tenant says it of the
    platform.
    """
    attestation = Attestation(body.statement, body.reference, body.valid_until)
    return ok(
        await world.security(
            None,
            lambda uow: attest(uow, tenant, control_id, attestation, id=new_id(EvidenceId), now=utc_now()),
        )
    )
