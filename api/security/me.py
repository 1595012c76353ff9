"""`/v1/security/me`: who you are here, and your password."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import may
from api.problems import problems
from api.routes import Route
from api.security.sessions import EndedSessions
from api.security.sign_in import Code, Password, person_of, prove_again, words_of
from domain.kernel.context import ActorKind
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body, Payload
from domain.kernel.permissions import Scope
from domain.security.errors import PeopleOnly
from domain.security.events import Factor
from domain.security.ids import SessionId
from domain.security.model import Principal, PrincipalId
from domain.security.password_changes import change
from domain.security.people import Account, Membership, Role
from domain.security.people_errors import CodeWrong, PasswordTooWeak, PasswordWrong, SecondFactorRequired, TooManyTries
from domain.security.permissions import CHANGE_PASSWORD, READ_SELF
from domain.security.ports import SecurityUnitOfWork

router = APIRouter(prefix="/v1/security/me", tags=["security"], route_class=Route)


class Me(Payload):
    """The caller. A program has neither name nor memberships."""

    kind: ActorKind
    id: PrincipalId
    tenant_id: TenantId | None
    scopes: list[Scope]
    session_id: SessionId | None
    role: Role | None
    elevated_from: Role | None = Field(default=None, description="What you are when your elevation has ended.")
    name: str | None = None
    email: str | None = None
    has_password: bool = False
    mfa: bool = Field(default=False, description="Whether this session was opened with more than a password.")
    proved_at: datetime | None = Field(default=None, description="When you last proved who you are.")
    memberships: tuple[Membership, ...] = ()


class PasswordBody(Body):
    """The password you have, and the one you want."""

    current: Password
    new: Password = Field(examples=["nine lanterns over the quay"])
    code: Code | None = Field(default=None, description="Needed if you have an authenticator app.", examples=[None])


@router.get("", response_model=Answer[Me])
async def get_me(caller: Annotated[Principal, may(READ_SELF)], world: World) -> Answer[Me]:
    """The person or key this request came with, and how far it reaches."""
    told = Me(
        kind=caller.kind,
        id=caller.id,
        tenant_id=caller.tenant_id,
        scopes=sorted(caller.scopes),
        session_id=caller.session_id,
        role=caller.role,
        elevated_from=caller.elevated_from,
        mfa=caller.mfa,
        proved_at=caller.proved_at,
    )
    if caller.session_id is None:
        return ok(told)
    account = await world.security(None, lambda uow: uow.users.account_of(person_of(caller)))
    return ok(
        told.model_copy(
            update={
                "name": account.user.name,
                "email": account.user.email,
                "has_password": account.password_hash is not None and caller.confined_to is None,
                "memberships": tuple(
                    each for each in account.memberships if caller.confined_to in (None, each.tenant_id)
                ),
            }
        )
    )


@router.put(
    "/password",
    response_model=Answer[EndedSessions],
    responses=problems(PeopleOnly, PasswordWrong, PasswordTooWeak, SecondFactorRequired, CodeWrong, TooManyTries),
)
async def put_password(
    body: PasswordBody, caller: Annotated[Principal, may(CHANGE_PASSWORD)], world: World, request: Request
) -> Answer[EndedSessions]:
    """Change your password, and end your sessions everywhere but here. Wrong tries count as those of a sign-in."""
    user = person_of(caller)
    known = await world.security(None, lambda uow: uow.users.account_of(user))
    hashed = await world.passwords.hash(body.new, known=words_of(known))

    async def changed(uow: SecurityUnitOfWork, account: Account, _: tuple[Factor, ...]) -> list[SessionId]:
        return await change(uow, account, hashed, keep=caller.session_id, now=utc_now())

    ended = await prove_again(request, world, caller, body.current, body.code, changed)
    for session_id in ended:
        world.revocations.tell(session_id)
    return ok(EndedSessions(ids=ended))
