"""What sign-ins, mailed links and new passwords have in common: a slow look at a password between two transactions."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated

from fastapi import Request
from pydantic import Field, StringConstraints

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from adapters.telemetry.metrics import SIGN_INS
from api.authorization import circumstances_of
from api.parameters import Line
from domain.kernel.context import Actor, ActorKind, current_context, within
from domain.kernel.ids import TenantId, UserId
from domain.security import sign_in
from domain.security.errors import LinkInvalid, SignInRefused
from domain.security.events import Factor, LoginRefusal
from domain.security.ids import SessionId
from domain.security.passwords import LONGEST
from domain.security.people import Account, Session, account_hash, address_key, network_of
from domain.security.ports import SecurityUnitOfWork
from domain.security.sign_in import Attempt, Limits
from domain.security.tokens import SECRET_BYTES

Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*$"),
    Field(examples=["violet harbour under glass"]),
]
Token = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$"),
    Field(description="What follows # in the mailed link.", examples=["ivt_01h455vb4pex5vsknk084sn02q.2Jx9…"[:31]]),
]
PersonName = Annotated[Line, Field(examples=["Ada Lovelace"])]


def attempt_of(request: Request, world: Container, email: str) -> Attempt:
    """Who tries, and from where."""
    told, key = circumstances_of(request), address_key(email)
    return Attempt(
        account=account_hash(world.accounts_key, key),
        email=key,
        network=network_of(told.ip),
        country=told.country,
        user_agent=request.headers.get("user-agent", "")[:200].encode("ascii", "replace").decode(),
    )


async def sign_in_with_password(
    request: Request, world: Container, email: str, password: str, tenant: TenantId | None
) -> tuple[Session, str]:
    """A session and its token. Raises SignInRefused, TooManyTries, NotAMember, SeveralTenants."""
    attempt = attempt_of(request, world, email)
    account, tries = await world.security(None, lambda uow: sign_in.begin(uow, attempt, now=utc_now()))
    verdict = await world.passwords.check(account.password_hash if account else None, password)
    if account is None or not verdict.matches:
        refusal = LoginRefusal.WRONG_CREDENTIAL if account else LoginRefusal.UNKNOWN_ACCOUNT
        SIGN_INS.labels(refusal.value).inc()
        await world.security(
            None, lambda uow: sign_in.refuse(uow, attempt, account, tries, refusal=refusal, now=utc_now())
        )
        raise SignInRefused
    membership = sign_in.membership_in(account, tenant)

    async def open_it(uow: SecurityUnitOfWork) -> tuple[Session, str]:
        if verdict.renewed is not None:
            await uow.users.set_password(account.user.id, verdict.renewed, at=utc_now())
        return await sign_in.open_session(
            uow,
            attempt,
            account,
            membership,
            session_id=new_id(SessionId),
            factors=(Factor.PASSWORD,),
            limits=_limits(world),
            randomness=os.urandom(SECRET_BYTES),
            now=utc_now(),
        )

    with as_person(account.user.id, membership.tenant_id):
        opened = await world.security(membership.tenant_id, open_it)
    SIGN_INS.labels("success").inc()
    return opened


def as_person(user_id: UserId, tenant: TenantId | None) -> within:
    """A block that is this person's doing: they have just proved who they are."""
    told = {"actor": Actor(kind=ActorKind.USER, id=user_id), "user_id": user_id, "tenant_id": tenant}
    return within(current_context().model_copy(update=told))


def linked(world: Container, token: str) -> str:
    """The id that a mailed link is about. Raises LinkInvalid."""
    about = world.links.read(token)
    if about is None:
        raise LinkInvalid
    return about


def words_of(account: Account) -> list[str]:
    """What a guesser would try first."""
    return ["harborgrid", account.user.name, account.user.email, *(each.organisation for each in account.memberships)]


def _limits(world: Container) -> Limits:
    return Limits(
        idle=timedelta(minutes=world.settings.session_idle_minutes),
        absolute=timedelta(hours=world.settings.session_hours),
    )
