"""`/v1/security/sessions`: people sign in, see where they are signed in, and sign out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from adapters.container import Container
from adapters.kernel.clock import utc_now
from api.authorization import demand
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Email, Limit, World
from api.principals import may, visible_tenant
from api.problems import problems
from api.routes import Route
from api.security.sign_in import Code, Password, person_of, prove_again, sign_in_with_password
from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body, Payload
from domain.security.errors import PeopleOnly
from domain.security.events import Factor
from domain.security.ids import SessionId
from domain.security.members import end_other_sessions, end_session, prove_session
from domain.security.model import Principal
from domain.security.people import Account, EndReason, Session
from domain.security.people_errors import (
    CodeWrong,
    NotAMember,
    PasswordWrong,
    SecondFactorRequired,
    SessionNotFound,
    SeveralTenants,
    SignInRefused,
    TooManyTries,
)
from domain.security.permissions import READ_OWN_SESSIONS, READ_SESSIONS, REVOKE_OWN_SESSION, REVOKE_SESSIONS, STEP_UP
from domain.security.ports import SecurityUnitOfWork
from domain.security.threat_errors import NetworkBanned

router = APIRouter(prefix="/v1/security/sessions", tags=["security"], route_class=Route)


class SignInBody(Body):
    """Who you are, and the proof."""

    email: Email = Field(examples=["ada@northwind.example"])
    password: Password
    code: Code | None = Field(default=None, description="If you have an authenticator app.", examples=[None])
    tenant_id: TenantId | None = Field(
        default=None, description="Needed by members of several tenants only.", examples=[None]
    )


class StepUpBody(Body):
    """The proof once more."""

    password: Password
    code: Code | None = Field(default=None, description="Needed if you have an authenticator app.", examples=[None])


class NewSession(Payload):
    """You are signed in. The token is shown this once: send it as `Authorization: Bearer`."""

    id: SessionId
    token: str
    user_id: UserId
    tenant_id: TenantId
    expires_at: datetime = Field(description="However busy it is.")
    idle_minutes: int = Field(description="It ends earlier if it is not used for so long.")


class SessionView(Session):
    """A session; the one you ask with is `current`."""

    current: bool = False
    active: bool = Field(description="Neither ended nor past its time; unused ones end by themselves.")


class EndedSessions(Payload):
    """Those that were ended."""

    ids: list[SessionId]


@router.post(
    "",
    status_code=201,
    response_model=Answer[NewSession],
    responses=problems(
        SignInRefused, SecondFactorRequired, CodeWrong, TooManyTries, NotAMember, SeveralTenants, NetworkBanned
    ),
)
async def sign_in(body: SignInBody, world: World, request: Request, response: Response) -> Answer[NewSession]:
    """Sign in. After five wrong passwords from one network, that network waits longer each time."""
    session, token = await sign_in_with_password(request, world, body.email, body.password, body.code, body.tenant_id)
    response.headers["Cache-Control"] = "no-store"
    return ok(new_session(world, session, token))


@router.get("", response_model=Answer[Page[SessionView]])
async def list_sessions(
    tenant: Annotated[TenantId | None, visible_tenant(READ_SESSIONS)],
    world: World,
    user_id: Annotated[UserId | None, Query(alias="userId", description="Of this person only.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[SessionView]]:
    """Sessions of the tenant's members, newest first, ended ones as well."""
    found = await world.security(tenant, lambda uow: uow.sessions.page(tenant, user_id, cursor=cursor, limit=limit))
    return ok(Page(items=[_view(session, None) for session in found.items], next_cursor=found.next_cursor))


@router.get("/mine", response_model=Answer[list[SessionView]], responses=problems(PeopleOnly))
async def list_own_sessions(
    person: Annotated[Principal, may(READ_OWN_SESSIONS)], world: World
) -> Answer[list[SessionView]]:
    """Where you are signed in, in every tenant of yours, newest first."""
    now, user = utc_now(), person_of(person)
    used_since = now - timedelta(minutes=world.settings.session_idle_minutes)
    found = await world.security(
        None, lambda uow: uow.sessions.live(user, tenant=person.confined_to, used_since=used_since, now=now)
    )
    return ok([_view(session, person.session_id) for session in found])


@router.post(
    "/mine/step-up",
    response_model=Answer[SessionView],
    responses=problems(PeopleOnly, PasswordWrong, SecondFactorRequired, CodeWrong, TooManyTries),
)
async def step_up(
    body: StepUpBody, person: Annotated[Principal, may(STEP_UP)], world: World, request: Request
) -> Answer[SessionView]:
    """Prove again who you are, for what a policy allows only to who has just done so."""
    session_id = person.session_id

    async def proved_by(uow: SecurityUnitOfWork, _: Account, factors: tuple[Factor, ...]) -> Session:
        assert session_id is not None, "people come with a session"
        return await prove_session(uow, session_id, factors, now=utc_now())

    proved = await prove_again(request, world, person, body.password, body.code, proved_by)
    world.revocations.tell(proved.id)
    return ok(_view(proved, session_id))


@router.post("/mine/revoke-others", response_model=Answer[EndedSessions], responses=problems(PeopleOnly))
async def revoke_others(person: Annotated[Principal, may(REVOKE_OWN_SESSION)], world: World) -> Answer[EndedSessions]:
    """Sign out everywhere but here."""
    user = person_of(person)
    ended = await world.security(
        person.tenant_id,
        lambda uow: end_other_sessions(
            uow,
            user,
            tenant=person.confined_to,
            keep=person.session_id,
            reason=EndReason.REVOKED,
            now=utc_now(),
        ),
    )
    for session_id in ended:
        world.revocations.tell(session_id)
    return ok(EndedSessions(ids=ended))


@router.post("/{session_id}/revoke", response_model=Answer[SessionView], responses=problems(SessionNotFound))
async def revoke(
    session_id: SessionId,
    caller: Annotated[Principal, may(REVOKE_OWN_SESSION)],
    world: World,
    request: Request,
) -> Answer[SessionView]:
    """End a session of yours, or as an administrator one of a member's, from the next request on."""
    there = await world.security(None, lambda uow: uow.sessions.get(session_id))
    own = caller.session_id is not None and there.user_id == caller.id
    own = own and caller.confined_to in (None, there.tenant_id)
    if not own and not caller.is_operator and there.tenant_id != caller.tenant_id:
        raise SessionNotFound
    if not own:
        await demand(request, REVOKE_SESSIONS)
    reason = EndReason.SIGNED_OUT if session_id == caller.session_id else EndReason.REVOKED
    ended = await world.security(
        there.tenant_id, lambda uow: end_session(uow, there.tenant_id, session_id, reason=reason, now=utc_now())
    )
    world.revocations.tell(session_id)
    return ok(_view(ended, caller.session_id))


def new_session(world: Container, session: Session, token: str) -> NewSession:
    """What somebody who has signed in is told."""
    return NewSession(
        id=session.id,
        token=token,
        user_id=session.user_id,
        tenant_id=session.tenant_id,
        expires_at=session.expires_at,
        idle_minutes=world.settings.session_idle_minutes,
    )


def _view(session: Session, current: SessionId | None) -> SessionView:
    active = session.ended_at is None and session.expires_at > utc_now()
    return SessionView(**session.model_dump(), current=session.id == current, active=active)
