"""`/v1/security/signing-keys`: the keys that tokens are signed with, for the operator."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import Line, World
from api.principals import may
from api.problems import problems
from api.routes import Route
from domain.kernel.payload import Body, Payload
from domain.security.ids import SigningKeyId
from domain.security.model import Principal
from domain.security.oauth import SigningKey
from domain.security.oauth_errors import SigningKeyNotFound
from domain.security.permissions import READ_SIGNING_KEYS, REVOKE_SIGNING_KEY, ROTATE_SIGNING_KEY
from domain.security.signing_keys import revoke, signer

router = APIRouter(prefix="/v1/security/signing-keys", tags=["security"], route_class=Route)


class SigningKeyView(Payload):
    """A key pair, without its private half."""

    id: SigningKeyId
    algorithm: str
    public: dict[str, Any]
    created_at: datetime
    signs_from: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    signing: bool = Field(description="Whether tokens are signed with it at this moment.")


class RotateKeyBody(Body):
    """Which kind of token gets a new key."""

    algorithm: Literal["EdDSA", "ES256", "RS256"] = Field(
        default="EdDSA", description="EdDSA signs access tokens; ID tokens are signed as each application wants."
    )


class RevokeKeyBody(Body):
    """Why nothing it signed is to be believed."""

    reason: Line = Field(examples=["found in a log"])


@router.get("", response_model=Answer[list[SigningKeyView]])
async def list_signing_keys(
    _operator: Annotated[Principal, may(READ_SIGNING_KEYS)], world: World
) -> Answer[list[SigningKeyView]]:
    """Those whose tokens are believed, oldest first."""
    now = utc_now()
    known = await world.security(None, lambda uow: uow.signing_keys.known(now=now))
    return ok([_view(key, known, now) for key in known])


@router.post("/rotate", status_code=201, response_model=Answer[SigningKeyView])
async def rotate(
    body: RotateKeyBody, _operator: Annotated[Principal, may(ROTATE_SIGNING_KEY)], world: World
) -> Answer[SigningKeyView]:
    """A new key signs in ten minutes, once everybody has seen it in the JWK set; the one before stays known a while.

    While one is on its way, the answer is that one.
    """
    made = await world.signing_keys.introduce(body.algorithm)
    return ok(_view(made, [made], utc_now()))


@router.post("/{signing_key_id}/revoke", response_model=Answer[SigningKeyView], responses=problems(SigningKeyNotFound))
async def post_revoke(
    signing_key_id: SigningKeyId,
    body: RevokeKeyBody,
    _operator: Annotated[Principal, may(REVOKE_SIGNING_KEY)],
    world: World,
) -> Answer[SigningKeyView]:
    """Believe nothing that this key signed, from the next request on, and sign with another at once."""
    key = await world.security(None, lambda uow: uow.signing_keys.get(signing_key_id))
    fresh = await world.signing_keys.fresh(key.algorithm)
    revoked = await world.security(
        None, lambda uow: revoke(uow, signing_key_id, fresh, reason=body.reason, now=utc_now())
    )
    world.revocations.tell(signing_key_id)
    return ok(_view(revoked, [], utc_now()))


def _view(key: SigningKey, known: list[SigningKey], now: datetime) -> SigningKeyView:
    able = signer(known, key.algorithm, now)
    return SigningKeyView(**key.model_dump(exclude={"sealed"}), signing=able is not None and able.id == key.id)
