"""`/v1/security/fields`: encrypting, opening and masking single fields under the tenant's data key."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import may, own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body, Payload
from domain.security.envelope import NONCE_BYTES
from domain.security.errors import DataKeyNotFound, MasterKeyUnavailable, TenantRequired, Undecipherable
from domain.security.masking import Mask, masked
from domain.security.model import Principal
from domain.security.permissions import DECRYPT_FIELDS, ENCRYPT_FIELDS, MASK_FIELDS

router = APIRouter(prefix="/v1/security/fields", tags=["security"], route_class=Route)

MOST_ITEMS, LONGEST = 100, 8_192
Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
Text = Annotated[str, StringConstraints(max_length=LONGEST)]
_PURPOSE = Field(description="What it is for; it opens for the same only.", examples=["billing.card_number"])
_CIPHERTEXT = Field(max_length=4 * LONGEST, examples=["hgf1.ZGVrXzAxaDQ1NXZiNHBleDV2c2tuMDg0c24wMnE"])
_CLOSED = problems(TenantRequired, MasterKeyUnavailable)
_OPENED = {**_CLOSED, **problems(Undecipherable, DataKeyNotFound)}


class PlainField(Payload):
    """A value, and what it is for."""

    value: Text = Field(examples=["4242 4242 4242 4242"])
    purpose: Purpose = _PURPOSE


class SealedField(Payload):
    """A ciphertext, and what it was made for."""

    ciphertext: str = _CIPHERTEXT
    purpose: Purpose = _PURPOSE


class ShownField(Payload):
    """A value, and what kind of thing it is."""

    value: Text = Field(examples=["4242 4242 4242 4242"])
    kind: Mask = Field(examples=["card"])


class EncryptBody(Body):
    """What is to be encrypted."""

    fields: list[PlainField] = Field(
        min_length=1, max_length=MOST_ITEMS, examples=[[{"value": "4242 4242 4242 4242", "purpose": "billing.card"}]]
    )


class DecryptBody(Body):
    """What is to be opened."""

    fields: list[SealedField] = Field(
        min_length=1,
        max_length=MOST_ITEMS,
        examples=[[{"ciphertext": "hgf1.ZGVrXzAxaDQ1NXZiNHBleDV2c2tuMDg0c24wMnE", "purpose": "billing.card"}]],
    )


class MaskBody(Body):
    """What is to be shown in part."""

    fields: list[ShownField] = Field(
        min_length=1, max_length=MOST_ITEMS, examples=[[{"value": "4242 4242 4242 4242", "kind": "card"}]]
    )


class Ciphertext(Payload):
    """What to keep. index: equal for equal values of one purpose, to find them by; it does not change with the key."""

    ciphertext: str = _CIPHERTEXT
    index: str = Field(examples=["0f1e2d3c4b5a69788796a5b4c3d2e1f0"])


@router.post("/encrypt", response_model=Answer[list[Ciphertext]], responses=_CLOSED)
async def encrypt_fields(
    body: EncryptBody, tenant: Annotated[TenantId, own_tenant(ENCRYPT_FIELDS)], world: World
) -> Answer[list[Ciphertext]]:
    """AES-256-GCM under your tenant's data key; each value bound to its purpose. In the order of the request."""
    fields = await world.fields(tenant)
    return ok(
        [
            Ciphertext(
                ciphertext=fields.encrypt(each.value, each.purpose, nonce=os.urandom(NONCE_BYTES)),
                index=fields.index(each.value, each.purpose),
            )
            for each in body.fields
        ]
    )


@router.post("/decrypt", response_model=Answer[list[str]], responses=_OPENED)
async def decrypt_fields(
    body: DecryptBody, tenant: Annotated[TenantId, own_tenant(DECRYPT_FIELDS)], world: World, response: Response
) -> Answer[list[str]]:
    """The values, in the order of the request: all of them, or none. That you opened them is audited."""
    fields = await world.fields(tenant)
    plain = [fields.decrypt(each.ciphertext, each.purpose) for each in body.fields]
    opened = sorted({each.purpose for each in body.fields})
    await world.audit(tenant, DECRYPT_FIELDS.name, tenant, {"purposes": opened, "fields": len(plain)})
    response.headers["Cache-Control"] = "no-store"
    return ok(plain)


@router.post("/rewrap", response_model=Answer[list[str]], responses=_OPENED)
async def rewrap_fields(
    body: DecryptBody, tenant: Annotated[TenantId, own_tenant(ENCRYPT_FIELDS)], world: World
) -> Answer[list[str]]:
    """After a rotation: the same under the active key, without showing what is in them. Keep these instead."""
    fields = await world.fields(tenant)
    return ok([fields.rewrapped(each.ciphertext, each.purpose, nonce=os.urandom(NONCE_BYTES)) for each in body.fields])


@router.post("/mask", response_model=Answer[list[str]])
async def mask_fields(body: MaskBody, _: Annotated[Principal, may(MASK_FIELDS)]) -> Answer[list[str]]:
    """As much of each value as may be shown; what does not look like its kind is hidden altogether."""
    return ok([masked(each.value, each.kind) for each in body.fields])
