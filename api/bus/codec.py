"""`/v1/bus/codec`: decodes workflow payloads for the Temporal UI, on behalf of an authorised operator."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from google.protobuf import json_format
from temporalio.api.common.v1 import Payloads

from adapters.temporal.codec import TenantCodec
from api.parameters import World
from api.principals import Operator
from api.problems import problems
from domain.kernel.errors import Malformed
from domain.security.errors import DataKeyNotFound, OperatorsOnly, Undecipherable

router = APIRouter(prefix="/v1/bus/codec", tags=["bus"])


@router.post(
    "/decode",
    response_class=Response,
    responses=problems(OperatorsOnly, Undecipherable, DataKeyNotFound, Malformed),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def decode(request: Request, operator: Operator, world: World) -> Response:
    """Temporal's remote codec protocol: `{"payloads": [...]}` in and out, protobuf JSON, not in the envelope."""
    payloads = Payloads()
    try:
        json_format.Parse(await request.body(), payloads, ignore_unknown_fields=True)
    except (json_format.ParseError, UnicodeDecodeError):
        raise Malformed('the body is not {"payloads": [...]}') from None
    decoded = Payloads(payloads=await TenantCodec(world.keys).decode(payloads.payloads))
    await world.audit(None, "bus.decode_payloads", operator.key_id)
    return Response(json_format.MessageToJson(decoded), media_type="application/json")
