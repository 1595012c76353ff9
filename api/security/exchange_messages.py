"""`/v1/security/exchange-messages`: messages from outsiders, and for them (RFC 7516)."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import AfterValidator, Field

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body, Payload
from domain.security.errors import MasterKeyUnavailable, TenantRequired
from domain.security.exchange import addressee, decrypt, encrypt, private_of
from domain.security.exchange_errors import (
    ExchangeKeyNotFound,
    ExchangeKeyRevoked,
    ExchangeMessageInvalid,
    RecipientKeyInvalid,
)
from domain.security.permissions import DECRYPT_MESSAGE, ENCRYPT_MESSAGE

router = APIRouter(prefix="/v1/security/exchange-messages", tags=["security"], route_class=Route)


def _in_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64 (RFC 4648, section 4)") from None
    return text


_EXAMPLE_KEY = {
    "kty": "RSA",
    "n": base64.urlsafe_b64encode(bytes(range(128, 256)) + bytes([129] * 128)).rstrip(b"=").decode(),
    "e": "AQAB",
}


class EncryptMessageBody(Body):
    """A message, and for whom it is."""

    recipient: dict[str, Any] = Field(
        description="The outsider's RSA public key as a JWK (RFC 7517).", examples=[_EXAMPLE_KEY]
    )
    content: Annotated[str, AfterValidator(_in_base64)] = Field(
        max_length=65_536, description="In base64.", examples=["dGhlIHBsYW5z"]
    )


class DecryptMessageBody(Body):
    """A message that somebody made with the public half of one of your exchange keys."""

    message: str = Field(
        max_length=131_072, description="A compact JWE; its `kid` says which key.", examples=["eyJ..."]
    )


class EncryptedMessage(Payload):
    """What to send."""

    message: str = Field(description="A compact JWE: RSA-OAEP-256, A256GCM.")


class OpenedMessage(Payload):
    """What was in it."""

    exchange_key_id: str
    content: str = Field(description="In base64.")


@router.post(
    "/encrypt", response_model=Answer[EncryptedMessage], responses=problems(TenantRequired, RecipientKeyInvalid)
)
async def encrypt_message(
    body: EncryptMessageBody, tenant: Annotated[TenantId, own_tenant(ENCRYPT_MESSAGE)], world: World
) -> Answer[EncryptedMessage]:
    """Encrypt something for an outsider's public key; nobody else opens it, not even you."""
    message = encrypt(body.recipient, base64.b64decode(body.content))
    await world.audit(tenant, ENCRYPT_MESSAGE.name, tenant, {})
    return ok(EncryptedMessage(message=message))


@router.post(
    "/decrypt",
    response_model=Answer[OpenedMessage],
    responses=problems(
        TenantRequired, ExchangeMessageInvalid, ExchangeKeyNotFound, ExchangeKeyRevoked, MasterKeyUnavailable
    ),
)
async def decrypt_message(
    body: DecryptMessageBody,
    tenant: Annotated[TenantId, own_tenant(DECRYPT_MESSAGE)],
    world: World,
    response: Response,
) -> Answer[OpenedMessage]:
    """Open what an outsider encrypted for you. That you did is audited."""
    key_id = addressee(body.message)
    cipher = await world.keys.cipher(tenant)
    key = await world.security(None, lambda uow: uow.exchange_keys.get(tenant, key_id))
    plain = decrypt(body.message, cipher.unseal(private_of(key), context=key_id.encode()))
    await world.audit(tenant, DECRYPT_MESSAGE.name, key_id, {})
    response.headers["Cache-Control"] = "no-store"
    return ok(OpenedMessage(exchange_key_id=key_id, content=base64.b64encode(plain).decode()))
