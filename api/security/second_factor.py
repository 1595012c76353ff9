"""`/v1/security/second-factor`: your authenticator app, and codes for the day the phone is lost."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import may
from api.problems import problems
from api.routes import Route
from api.security.sign_in import Code, Password, counted, person_of, prove_again
from domain.kernel.ids import UserId
from domain.kernel.payload import Body, Payload
from domain.security.envelope import NONCE_BYTES
from domain.security.errors import OperatorsOnly, PeopleOnly, StepUpRequired
from domain.security.events import Factor
from domain.security.ids import SessionId
from domain.security.model import Principal
from domain.security.people import Account
from domain.security.people_errors import (
    CodeWrong,
    PasswordWrong,
    PersonNotFound,
    SecondFactorExists,
    SecondFactorMissing,
    SecondFactorRequired,
    TooManyTries,
)
from domain.security.permissions import MANAGE_SECOND_FACTOR, READ_SECOND_FACTOR, RESET_SECOND_FACTOR
from domain.security.ports import SecurityUnitOfWork
from domain.security.second_factors import CODE_BYTES, CODES, begin, confirm, is_demanded, remove, renew_codes
from domain.security.totp import SECRET_BYTES, base32, key_uri

router = APIRouter(prefix="/v1/security/second-factor", tags=["security"], route_class=Route)
_PROVED = problems(PeopleOnly, PasswordWrong, TooManyTries)
_PROVED_WITH_CODE = problems(
    PeopleOnly, PasswordWrong, SecondFactorRequired, CodeWrong, SecondFactorMissing, TooManyTries
)
Manager = Annotated[Principal, may(MANAGE_SECOND_FACTOR)]


class BeginBody(Body):
    """Your password: who finds your screen unlocked shall not lock you out."""

    password: Password


class ConfirmBody(Body):
    """What the app shows."""

    code: Code


class ProofBody(Body):
    """Your password and a code."""

    password: Password
    code: Code


class SecondFactorView(Payload):
    """Whether a code is demanded when you sign in."""

    enabled: bool
    recovery_codes_left: int


class NewSecret(Payload):
    """For your app, shown this once: as a QR code of `uri`, or typed in."""

    secret: str = Field(description="Base32 (RFC 4648).", examples=["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"])
    uri: str = Field(examples=["otpauth://totp/HarborGrid:ada@northwind.example?secret=GEZDGNBV&issuer=HarborGrid"])


class RecoveryCodes(Payload):
    """Each works once in place of the app; shown this once."""

    codes: list[str] = Field(examples=[["MFRGG-ZDFMZ"]])


@router.get("", response_model=Answer[SecondFactorView], responses=problems(PeopleOnly, StepUpRequired))
async def get_second_factor(
    person: Annotated[Principal, may(READ_SECOND_FACTOR)], world: World
) -> Answer[SecondFactorView]:
    """Whether you have one, and how many recovery codes are left."""
    user = person_of(person)
    if person.confined_to is not None:
        raise StepUpRequired(action=READ_SECOND_FACTOR.name, policies=[])

    async def look(uow: SecurityUnitOfWork) -> SecondFactorView:
        account = await uow.users.account_of(user)
        return SecondFactorView(
            enabled=await is_demanded(uow, account), recovery_codes_left=await uow.second_factors.codes_left(user)
        )

    return ok(await world.security(None, look))


@router.post(
    "", status_code=201, response_model=Answer[NewSecret], responses={**_PROVED, **problems(SecondFactorExists)}
)
async def begin_second_factor(
    body: BeginBody, person: Manager, world: World, request: Request, response: Response
) -> Answer[NewSecret]:
    """Make a secret for your app. Nothing is demanded until you confirm it."""
    user, secret, nonce = person_of(person), os.urandom(SECRET_BYTES), os.urandom(NONCE_BYTES)
    known = await world.security(None, lambda uow: uow.users.account_of(user))
    if await world.security(None, lambda uow: is_demanded(uow, known)):
        raise SecondFactorExists
    keys = await world.factor_keys()

    async def begun(uow: SecurityUnitOfWork, account: Account, _: tuple[Factor, ...]) -> str:
        await begin(uow, keys, account, secret=secret, nonce=nonce, now=utc_now())
        return key_uri(secret, account.user.email)

    uri = await prove_again(request, world, person, body.password, None, begun)
    response.headers["Cache-Control"] = "no-store"
    return ok(NewSecret(secret=base32(secret), uri=uri))


@router.post(
    "/confirm",
    response_model=Answer[RecoveryCodes],
    responses=problems(PeopleOnly, SecondFactorMissing, SecondFactorExists, CodeWrong, TooManyTries),
)
async def confirm_second_factor(
    body: ConfirmBody, person: Manager, world: World, request: Request, response: Response
) -> Answer[RecoveryCodes]:
    """Show that the app has the secret. From now on a code is demanded when you sign in."""
    user, randomness = person_of(person), os.urandom(CODES * CODE_BYTES)
    known = await world.security(None, lambda uow: uow.users.account_of(user))
    keys = await world.factor_keys()

    async def confirmed(uow: SecurityUnitOfWork) -> list[str]:
        account = await uow.users.hold(user)
        return await confirm(uow, keys, account, body.code, randomness=randomness, now=utc_now())

    codes = await counted(request, world, known, confirmed)
    response.headers["Cache-Control"] = "no-store"
    return ok(RecoveryCodes(codes=codes))


@router.post("/recovery-codes", response_model=Answer[RecoveryCodes], responses=_PROVED_WITH_CODE)
async def renew_recovery_codes(
    body: ProofBody, person: Manager, world: World, request: Request, response: Response
) -> Answer[RecoveryCodes]:
    """New recovery codes; those before no longer work."""
    randomness, keys = os.urandom(CODES * CODE_BYTES), await world.factor_keys()

    async def renewed(uow: SecurityUnitOfWork, account: Account, _: tuple[Factor, ...]) -> list[str]:
        return await renew_codes(uow, keys, account, randomness=randomness, now=utc_now())

    codes = await prove_again(request, world, person, body.password, body.code, renewed)
    response.headers["Cache-Control"] = "no-store"
    return ok(RecoveryCodes(codes=codes))


@router.post("/remove", response_model=Answer[SecondFactorView], responses=_PROVED_WITH_CODE)
async def remove_second_factor(
    body: ProofBody, person: Manager, world: World, request: Request
) -> Answer[SecondFactorView]:
    """Sign in with your password alone from now on; your sessions end everywhere but here."""

    async def removed(uow: SecurityUnitOfWork, account: Account, _: tuple[Factor, ...]) -> list[SessionId]:
        return await remove(uow, account, keep=person.session_id, now=utc_now())

    for session_id in await prove_again(request, world, person, body.password, body.code, removed):
        world.revocations.tell(session_id)
    world.revocations.tell(person.id)
    return ok(SecondFactorView(enabled=False, recovery_codes_left=0))


@router.post(
    "/{user_id}/reset",
    response_model=Answer[SecondFactorView],
    responses=problems(OperatorsOnly, PersonNotFound, SecondFactorMissing),
)
async def reset_second_factor(
    user_id: UserId, _: Annotated[Principal, may(RESET_SECOND_FACTOR)], world: World
) -> Answer[SecondFactorView]:
    """For the operator: remove it for who has lost phone and codes, and has proved by other means who they are."""
    account = await world.security(None, lambda uow: uow.users.find(user_id))
    if account is None:
        raise PersonNotFound
    found = account
    for session_id in await world.security(None, lambda uow: remove(uow, found, keep=None, now=utc_now())):
        world.revocations.tell(session_id)
    return ok(SecondFactorView(enabled=False, recovery_codes_left=0))
