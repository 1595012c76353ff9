"""`/v1/security/passkey-sign-ins`: signing in with a passkey, and with nothing else."""

from __future__ import annotations

import os
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from adapters.telemetry.metrics import SIGN_INS
from api.envelope import Answer, ok
from api.parameters import World
from api.problems import problems
from api.routes import Route
from api.security.passkeys import PasskeyOptions
from api.security.sessions import NewSession, new_session
from api.security.sign_in import as_person, attempt_of, open_session
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body
from domain.security import sign_in
from domain.security.events import Factor, LoginRefusal
from domain.security.ids import PasskeyChallengeId
from domain.security.passkeys import CHALLENGE_BYTES, begin, credential_id_of, take
from domain.security.people import Account, Session
from domain.security.people_errors import NotAMember, PasskeyChallengeUnknown, PasskeyRefused, SeveralTenants
from domain.security.ports import SecurityUnitOfWork
from domain.security.sign_in import Proved
from domain.security.sign_in_tries import Tries
from domain.security.threat_errors import NetworkBanned

router = APIRouter(prefix="/v1/security/passkey-sign-ins", tags=["security"], route_class=Route)

_NOBODYS = "nobody has this passkey"


class PasskeySignInBody(Body):
    """What the device signed: `credential.toJSON()`."""

    challenge_id: PasskeyChallengeId = Field(examples=["pkc_01h455vb4pex5vsknk084sn02q"])
    credential: dict[str, Any] = Field(examples=[{"id": "dGlkZXM", "type": "public-key", "response": {}}])
    tenant_id: TenantId | None = Field(
        default=None, description="Needed by members of several tenants only.", examples=[None]
    )


@router.post("/begin", status_code=201, response_model=Answer[PasskeyOptions])
async def begin_sign_in(world: World) -> Answer[PasskeyOptions]:
    """What your browser needs to ask your device, within five minutes."""
    randomness = os.urandom(CHALLENGE_BYTES)
    made = await world.security(
        None, lambda uow: begin(uow, None, id=new_id(PasskeyChallengeId), randomness=randomness, now=utc_now())
    )
    return ok(PasskeyOptions(challenge_id=made.id, options=world.relying_party.request_options(made.challenge)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[NewSession],
    responses=problems(PasskeyChallengeUnknown, PasskeyRefused, NotAMember, SeveralTenants, NetworkBanned),
)
async def post_sign_in(
    body: PasskeySignInBody, world: World, request: Request, response: Response
) -> Answer[NewSession]:
    """Sign in. It counts as two factors, since the device has seen who you are."""
    credential_id = credential_id_of(body.credential)
    account = await world.security(None, lambda uow: _holder(uow, credential_id))
    if account is None:
        SIGN_INS.labels(LoginRefusal.UNKNOWN_ACCOUNT.value).inc()
        raise PasskeyRefused(reason=_NOBODYS)
    try:
        session, token = await _signed_in(request, world, account, credential_id, body)
    except PasskeyRefused:
        await _told(request, world, account)
        raise
    SIGN_INS.labels("success").inc()
    response.headers["Cache-Control"] = "no-store"
    return ok(new_session(world, session, token))


async def _signed_in(
    request: Request, world: Container, known: Account, credential_id: bytes, body: PasskeySignInBody
) -> tuple[Session, str]:
    attempt = attempt_of(request, world, known.user.email)

    async def work(uow: SecurityUnitOfWork) -> tuple[Session, str]:
        now = utc_now()
        challenge = await take(uow, body.challenge_id, None, now=now)
        account = await uow.users.hold(known.user.id)
        passkey = await uow.passkeys.find(credential_id)
        if passkey is None:
            raise PasskeyRefused(reason=_NOBODYS)
        used = world.relying_party.used(passkey, body.credential, challenge.challenge, now=now)
        membership = sign_in.membership_in(account, body.tenant_id)
        await uow.passkeys.put(used)
        return await open_session(uow, world, attempt, Proved(account, membership, (Factor.PASSKEY,)))

    with as_person(known.user.id, body.tenant_id):
        return await world.security(None, work)


async def _holder(uow: SecurityUnitOfWork, credential_id: bytes) -> Account | None:
    passkey = await uow.passkeys.find(credential_id)
    return await uow.users.account_of(passkey.user_id) if passkey else None


async def _told(request: Request, world: Container, account: Account) -> None:
    """Somebody came with an answer that the passkey did not give."""
    refusal = LoginRefusal.WRONG_CREDENTIAL
    SIGN_INS.labels(refusal.value).inc()
    attempt, now = attempt_of(request, world, account.user.email), utc_now()
    tries = Tries(1, now, now)
    await world.security(None, lambda uow: sign_in.refuse(uow, attempt, account, tries, refusal=refusal, now=now))
