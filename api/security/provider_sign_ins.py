"""`/v1/security/provider-sign-ins`: signing in at a tenant's identity provider."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field, StringConstraints

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from adapters.telemetry.metrics import SIGN_INS
from api.envelope import Answer, ok
from api.parameters import Line, World
from api.problems import problems
from api.routes import Route
from api.security.sessions import NewSession, new_session
from api.security.sign_in import as_person, attempt_of, open_session
from domain.kernel.ids import UserId
from domain.kernel.payload import Body, Payload
from domain.security import sign_in
from domain.security.events import Factor, LoginRefusal
from domain.security.identity_providers import begin, person_of, record_refusal
from domain.security.ids import IdentityProviderId, ProviderSignInId
from domain.security.oauth import IdentityProvider, ProviderSignIn
from domain.security.oauth_errors import IdentityProviderInvalid, IdentityProviderNotFound
from domain.security.people import Account, Session
from domain.security.people_errors import NotAMember, ProviderAnswerRefused, ProviderSignInUnknown, ProviderUnreachable
from domain.security.ports import SecurityUnitOfWork
from domain.security.sign_in import Proved
from domain.security.threat_errors import NetworkBanned
from domain.security.tokens import PROVIDER_SIGN_IN, SECRET_BYTES

router = APIRouter(prefix="/v1/security/provider-sign-ins", tags=["security"], route_class=Route)


class BeginBody(Body):
    """Where to sign in, and where to come back to."""

    identity_provider_id: IdentityProviderId = Field(examples=["idp_01h455vb4pex5vsknk084sn02q"])
    redirect_uri: Line = Field(examples=["https://app.northwind.example/signed-in"])


class Begun(Payload):
    """Send the person there. Keep `state` in the browser, and go on only if it comes back the same."""

    authorization_url: str
    state: str


class RedeemBody(Body):
    """What the provider sent the person back with."""

    state: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")] = Field(
        examples=["hgf_01h455vb4pex5vsknk084sn02q_2Jx9…"[:31]]
    )
    code: Annotated[str, StringConstraints(min_length=1, max_length=4_000, pattern=r"^[!-~]+$")] = Field(
        examples=["SplxlOBeZQQYbYS6WxSbIA"]
    )


@router.post(
    "/begin",
    status_code=201,
    response_model=Answer[Begun],
    responses=problems(IdentityProviderNotFound, IdentityProviderInvalid, ProviderUnreachable),
)
async def begin_sign_in(body: BeginBody, world: World) -> Answer[Begun]:
    """Where to send somebody who signs in there, within ten minutes."""
    provider = await world.security(None, lambda uow: uow.identity_providers.get(None, body.identity_provider_id))
    if provider.disabled_at is not None:
        raise IdentityProviderNotFound
    metadata = await world.federation.metadata(provider.issuer)
    url, state = await world.security(
        None,
        lambda uow: begin(
            uow,
            provider,
            metadata,
            body.redirect_uri,
            sign_in_id=new_id(ProviderSignInId),
            randomness=os.urandom(3 * SECRET_BYTES),
            now=utc_now(),
        ),
    )
    return ok(Begun(authorization_url=url, state=state))


@router.post(
    "",
    status_code=201,
    response_model=Answer[NewSession],
    responses=problems(ProviderSignInUnknown, ProviderAnswerRefused, ProviderUnreachable, NotAMember, NetworkBanned),
)
async def post_sign_in(body: RedeemBody, world: World, request: Request, response: Response) -> Answer[NewSession]:
    """Sign in to the tenant that named the provider. Such a session sees nothing of your other tenants."""
    read = PROVIDER_SIGN_IN.read(body.state)
    if read is None:
        raise ProviderSignInUnknown
    found = await world.security(None, lambda uow: _taken(uow, *read))
    if found is None:
        raise ProviderSignInUnknown
    provider, begun = found
    try:
        account = await _known(world, provider, begun, body.code)
    except (ProviderAnswerRefused, NotAMember) as error:
        SIGN_INS.labels(LoginRefusal.WRONG_CREDENTIAL.value).inc()
        said = str(error.details.get("reason", error.code))
        await world.security(provider.tenant_id, lambda uow: record_refusal(uow, provider, said))
        raise

    async def opened(uow: SecurityUnitOfWork) -> tuple[Session, str]:
        known = await uow.users.hold(account.user.id)
        membership = sign_in.membership_in(known, provider.tenant_id)
        attempt = attempt_of(request, world, known.user.email)
        return await open_session(uow, world, attempt, Proved(known, membership, (Factor.IDENTITY_PROVIDER,)))

    with as_person(account.user.id, provider.tenant_id):
        session, token = await world.security(provider.tenant_id, opened)
    SIGN_INS.labels("success").inc()
    response.headers["Cache-Control"] = "no-store"
    return ok(new_session(world, session, token))


async def _known(world: Container, provider: IdentityProvider, begun: ProviderSignIn, code: str) -> Account:
    identity = await world.federation.identity(provider, begun, code)

    async def work(uow: SecurityUnitOfWork) -> Account:
        return await person_of(uow, provider, identity, fresh=new_id(UserId), now=utc_now())

    return await world.security(provider.tenant_id, work)


async def _taken(
    uow: SecurityUnitOfWork, sign_in_id: ProviderSignInId, secret_hash: bytes
) -> tuple[IdentityProvider, ProviderSignIn] | None:
    begun = await uow.identity_providers.take_sign_in(sign_in_id, secret_hash)
    if begun is None or begun.expires_at <= utc_now():
        return None
    provider = await uow.identity_providers.get(None, begun.provider_id)
    return (provider, begun) if provider.disabled_at is None else None
