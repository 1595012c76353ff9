"""`/v1/security/sbom`: the software bill of materials, for the operator."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Response

from adapters.security.dependencies import installed
from api.parameters import World
from api.principals import may
from api.problems import problems
from api.routes import Route
from domain.security.errors import OperatorsOnly
from domain.security.model import Principal
from domain.security.permissions import READ_SBOM

router = APIRouter(prefix="/v1/security/sbom", tags=["security"], route_class=Route)
_MEDIA_TYPE = "application/vnd.cyclonedx+json; version=1.6"


@router.get(
    "",
    response_class=Response,
    responses={
        200: {
            "description": "CycloneDX 1.6: every installed component that the product needs, directly or not, what "
            "needs what, and what the last scan found.",
            "content": {_MEDIA_TYPE: {"schema": {"type": "object"}}},
        },
        **problems(OperatorsOnly),
    },
)
async def get_sbom(_: Annotated[Principal, may(READ_SBOM)], world: World) -> Response:
    """What this installation is made of."""
    from adapters.security.sbom import cyclonedx  # noqa: PLC0415 - a large library, for one route

    scan = await world.security(None, lambda uow: uow.risks.last_scan())
    document = await asyncio.to_thread(lambda: cyclonedx(installed(), scan.vulnerabilities if scan is not None else ()))
    return Response(document, media_type=_MEDIA_TYPE)
