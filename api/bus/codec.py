"""`/v1/bus/codec`: decodes workflow payloads for the Temporal UI, on behalf of an authorised operator."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Base64Bytes, Field
from temporalio.api.common.v1 import Payload as TemporalPayload

from adapters.temporal.codec import TenantCodec
from api.parameters import World
from api.principals import may
from api.problems import problems
from api.routes import Route
from domain.bus.permissions import DECODE_PAYLOADS
from domain.kernel.payload import Payload
from domain.security.errors import DataKeyNotFound, OperatorsOnly, Undecipherable
from domain.security.ids import DataKeyId
from domain.security.model import Principal

router = APIRouter(prefix="/v1/bus/codec", tags=["bus"], route_class=Route)


class WorkflowPayload(Payload):
    """One payload in protobuf JSON: bytes are base64."""

    metadata: dict[str, Base64Bytes] = Field(default={}, description="Bytes by name.")
    data: Base64Bytes = b""


class WorkflowPayloads(Payload):
    """What Temporal's remote codec protocol sends and expects."""

    payloads: list[WorkflowPayload] = Field(
        default=[], examples=[[{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "ImhlbGxvIg=="}]]
    )


@router.post(
    "/decode",
    response_model=WorkflowPayloads,
    responses=problems(OperatorsOnly, Undecipherable, DataKeyNotFound),
)
async def decode(
    body: WorkflowPayloads,
    operator: Annotated[Principal, may(DECODE_PAYLOADS)],
    world: World,
) -> WorkflowPayloads:
    """Temporal's remote codec protocol: encrypted payloads in, plain ones out, not in the envelope."""
    sealed = [TemporalPayload(metadata=payload.metadata, data=payload.data) for payload in body.payloads]
    for payload in sealed:
        _demand_key_id(payload)
    plain = await TenantCodec(world.keys).decode(sealed)
    await world.audit(None, "bus.decode_payloads", operator.id)
    # Constructed, not validated: validating would take the bytes for base64.
    return WorkflowPayloads.model_construct(
        payloads=[
            WorkflowPayload.model_construct(metadata=dict(payload.metadata), data=payload.data) for payload in plain
        ]
    )


def _demand_key_id(payload: TemporalPayload) -> None:
    if "key-id" not in payload.metadata:
        return
    try:
        DataKeyId.parse(payload.metadata["key-id"].decode())
    except ValueError:
        raise DataKeyNotFound("a payload names no data key") from None
