"""What sign-ins, mailed links and new passwords have in common: a slow look at a password between two transactions."""

from __future__ import annotations

import os
from dataclasses import dataclass
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
from domain.security.errors import (
    CodeWrong,
    LinkInvalid,
    PasswordWrong,
    PeopleOnly,
    SecondFactorRequired,
    SignInRefused,
)
from domain.security.events import Factor, LoginRefusal
from domain.security.ids import SessionId
from domain.security.model import Principal
from domain.security.passwords import LONGEST
from domain.security.people import Account, Session, account_hash, address_key, network_of
from domain.security.ports import SecurityUnitOfWork
from domain.security.second_factors import is_demanded, prove
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
Code = Annotated[
    str,
    StringConstraints(min_length=6, max_length=20, pattern=r"^[0-9A-Za-z -]+$"),
    Field(description="Of your authenticator app, or a recovery code.", examples=["492039"]),
]
PersonName = Annotated[Line, Field(examples=["Ada Lovelace"])]


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody proved. renewed: the password's hash in today's terms, if the stored one is not."""

    account: Account
    factors: tuple[Factor, ...]
    renewed: str | None


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
    request: Request, world: Container, email: str, password: str, code: str | None, tenant: TenantId | None
) -> tuple[Session, str]:
    """A session and its token.

    Raises SignInRefused, SecondFactorRequired, CodeWrong, TooManyTries, NotAMember, SeveralTenants.
    """
    attempt = attempt_of(request, world, email)
    proof = await _prove(world, attempt, password, code, demanded=True)
    account, membership = proof.account, sign_in.membership_in(proof.account, tenant)

    async def open_it(uow: SecurityUnitOfWork) -> tuple[Session, str]:
        if proof.renewed is not None:
            await uow.users.set_password(account.user.id, proof.renewed, at=utc_now())
        return await sign_in.open_session(
            uow,
            attempt,
            account,
            membership,
            session_id=new_id(SessionId),
            factors=proof.factors,
            limits=_limits(world),
            randomness=os.urandom(SECRET_BYTES),
            now=utc_now(),
        )

    with as_person(account.user.id, membership.tenant_id):
        opened = await world.security(membership.tenant_id, open_it)
    SIGN_INS.labels("success").inc()
    return opened


async def prove_again(
    request: Request, world: Container, person: Principal, password: str, code: str | None, *, demanded: bool = False
) -> Proof:
    """What somebody who is signed in proves once more; wrong tries count as those of a sign-in.

    demanded: a code has to come if the person has an authenticator app.
    Raises PeopleOnly, PasswordWrong, SecondFactorRequired, CodeWrong, TooManyTries.
    """
    user = person_of(person)
    account = await world.security(None, lambda uow: uow.users.account_of(user))
    attempt = attempt_of(request, world, account.user.email)
    try:
        proof = await _prove(world, attempt, password, code, demanded=demanded)
    except SignInRefused:
        raise PasswordWrong from None
    await world.security(None, lambda uow: uow.tries.clear(attempt.account, attempt.network))
    return proof


async def _prove(world: Container, attempt: Attempt, password: str, code: str | None, *, demanded: bool) -> Proof:
    """The try is counted first. Raises TooManyTries, SignInRefused, SecondFactorRequired, CodeWrong."""
    account, tries = await world.security(None, lambda uow: sign_in.begin(uow, attempt, now=utc_now()))
    verdict = await world.passwords.check(account.password_hash if account else None, password)

    async def refuse(refusal: LoginRefusal) -> None:
        SIGN_INS.labels(refusal.value).inc()
        await world.security(
            None, lambda uow: sign_in.refuse(uow, attempt, account, tries, refusal=refusal, now=utc_now())
        )

    if account is None or not verdict.matches:
        await refuse(LoginRefusal.WRONG_CREDENTIAL if account else LoginRefusal.UNKNOWN_ACCOUNT)
        raise SignInRefused
    if code is not None:
        factor = await world.security(None, lambda uow: prove(uow, world.factor_keys, account, code, now=utc_now()))
        if factor is None:
            await refuse(LoginRefusal.WRONG_SECOND_FACTOR)
            raise CodeWrong
        return Proof(account, (Factor.PASSWORD, factor), verdict.renewed)
    if demanded and await world.security(None, lambda uow: is_demanded(uow, account)):
        # The try stays counted: who has the password only shall not get rid of wrong codes by it.
        raise SecondFactorRequired
    return Proof(account, (Factor.PASSWORD,), verdict.renewed)


def person_of(person: Principal) -> UserId:
    """Raises PeopleOnly for programs."""
    if not isinstance(person.id, UserId):
        raise PeopleOnly
    return person.id


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
