"""What sign-ins, mailed links and new passwords have in common: a slow look at a password between two transactions."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, TypeVar

from fastapi import Request
from pydantic import Field, StringConstraints

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from adapters.telemetry.metrics import SIGN_INS
from api.authorization import circumstances_of
from api.parameters import Line
from domain.kernel.context import Actor, ActorKind, current_context, within
from domain.kernel.errors import Unauthenticated
from domain.kernel.ids import TenantId, UserId
from domain.security import sign_in
from domain.security.errors import PeopleOnly
from domain.security.events import Factor, LoginRefusal
from domain.security.ids import SessionId
from domain.security.model import Principal
from domain.security.passwords import LONGEST
from domain.security.people import Account, Session, account_hash, address_key, network_of
from domain.security.people_errors import CodeWrong, LinkInvalid, PasswordWrong, SignInRefused
from domain.security.ports import SecurityUnitOfWork
from domain.security.sign_in import Attempt, Proved
from domain.security.sign_in_tries import Tries
from domain.security.tokens import SECRET_BYTES

T = TypeVar("T")
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
class Checked:
    """A try whose password was right. renewed: the hash in today's terms, if the stored one is not."""

    attempt: Attempt
    account: Account
    tries: Tries
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
    checked = await _check(world, attempt, password)
    known, keys = checked.account, await world.factor_keys()

    async def open_it(uow: SecurityUnitOfWork) -> tuple[Session, str]:
        account = await sign_in.held(uow, known)
        membership = sign_in.membership_in(account, tenant)
        second = await sign_in.second_factor(uow, keys, account, code, now=utc_now())
        if checked.renewed is not None:
            await uow.users.renew_hash(account.user.id, checked.renewed)
        return await open_session(uow, world, attempt, Proved(account, membership, (Factor.PASSWORD, *second)))

    with as_person(known.user.id, tenant):
        opened = await _counted(world, checked, None, open_it)
    SIGN_INS.labels("success").inc()
    return opened


async def open_session(
    uow: SecurityUnitOfWork, world: Container, attempt: Attempt, proved: Proved
) -> tuple[Session, str]:
    """The session of who has proved who they are, however they did; its token is shown this once."""
    return await sign_in.open_session(
        uow,
        attempt,
        proved,
        session_id=new_id(SessionId),
        lifetime=timedelta(hours=world.settings.session_hours),
        randomness=os.urandom(SECRET_BYTES),
        now=utc_now(),
    )


async def prove_again(
    request: Request,
    world: Container,
    person: Principal,
    password: str,
    code: str | None,
    then: Callable[[SecurityUnitOfWork, Account, tuple[Factor, ...]], Awaitable[T]],
) -> T:
    """Do what somebody who is signed in has to prove again who they are for, in the transaction that uses the proof.

    Wrong tries count as those of a sign-in. Who signs in with a code has to send one.
    Raises PeopleOnly, PasswordWrong, SecondFactorRequired, CodeWrong, TooManyTries, and what `then` raises.
    """
    user, session_id = person_of(person), person.session_id
    known = await world.security(None, lambda uow: uow.users.account_of(user))
    attempt = attempt_of(request, world, known.user.email)
    try:
        checked = await _check(world, attempt, password)
    except SignInRefused:
        raise PasswordWrong from None
    keys = await world.factor_keys()

    async def work(uow: SecurityUnitOfWork) -> T:
        account = await sign_in.held(uow, checked.account)
        assert session_id is not None, "people come with a session"
        if (await uow.sessions.get(session_id)).ended_at is not None:
            raise Unauthenticated("the session has ended")
        second = await sign_in.second_factor(uow, keys, account, code, now=utc_now())
        await uow.tries.clear(attempt.account, attempt.network)
        return await then(uow, account, (Factor.PASSWORD, *second))

    return await _counted(world, checked, person.tenant_id, work)


async def _check(world: Container, attempt: Attempt, password: str) -> Checked:
    """The try is counted before the password is looked at. Raises TooManyTries, SignInRefused."""
    account, tries = await world.security(None, lambda uow: sign_in.begin(uow, attempt, now=utc_now()))
    verdict = await world.passwords.check(account.password_hash if account else None, password)
    if account is None or not verdict.matches:
        refusal = LoginRefusal.WRONG_CREDENTIAL if account else LoginRefusal.UNKNOWN_ACCOUNT
        await _refuse(world, attempt, account, tries, refusal)
        raise SignInRefused
    return Checked(attempt, account, tries, verdict.renewed)


async def _counted(
    world: Container,
    checked: Checked,
    tenant: TenantId | None,
    work: Callable[[SecurityUnitOfWork], Awaitable[T]],
) -> T:
    """Do this, and tell of a wrong code. Whatever is refused here leaves the try counted."""
    try:
        return await world.security(tenant, work)
    except CodeWrong:
        refusal = LoginRefusal.WRONG_SECOND_FACTOR
        await _refuse(world, checked.attempt, checked.account, checked.tries, refusal)
        raise


async def counted(
    request: Request, world: Container, account: Account, work: Callable[[SecurityUnitOfWork], Awaitable[T]]
) -> T:
    """Do what takes a code of somebody who is signed in; wrong ones count as those of a sign-in.

    Raises TooManyTries, and what `work` raises.
    """
    attempt = attempt_of(request, world, account.user.email)
    _, tries = await world.security(None, lambda uow: sign_in.begin(uow, attempt, now=utc_now()))

    async def cleared(uow: SecurityUnitOfWork) -> T:
        done = await work(uow)
        await uow.tries.clear(attempt.account, attempt.network)
        return done

    return await _counted(world, Checked(attempt, account, tries, None), None, cleared)


async def _refuse(
    world: Container, attempt: Attempt, account: Account | None, tries: Tries, refusal: LoginRefusal
) -> None:
    SIGN_INS.labels(refusal.value).inc()
    await world.security(None, lambda uow: sign_in.refuse(uow, attempt, account, tries, refusal=refusal, now=utc_now()))


def person_of(person: Principal) -> UserId:
    """Raises PeopleOnly for programs, and for applications that act for a person."""
    if not isinstance(person.id, UserId) or person.session_id is None:
        raise PeopleOnly
    return person.id


def home_of(person: Principal) -> TenantId:
    """The tenant that a person is signed in to. Raises PeopleOnly for programs."""
    person_of(person)
    assert person.tenant_id is not None, "a person's session is of a tenant"
    return person.tenant_id


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
