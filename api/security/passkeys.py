"""`/v1/security/passkeys`: the passkeys you sign in with."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import Line, World
from api.principals import may
from api.problems import problems
from api.routes import Route
from api.security.sign_in import Code, Password, person_of, prove_again
from domain.kernel.payload import Body, Payload
from domain.security.errors import PeopleOnly, StepUpRequired
from domain.security.events import Factor
from domain.security.ids import PasskeyChallengeId, PasskeyId
from domain.security.model import Principal
from domain.security.passkeys import CHALLENGE_BYTES, add, begin, remove, take
from domain.security.people import Account, Passkey
from domain.security.people_errors import (
    CodeWrong,
    PasskeyChallengeUnknown,
    PasskeyNotFound,
    PasskeyRefused,
    PasswordWrong,
    SecondFactorRequired,
    TooManyPasskeys,
    TooManyTries,
)
from domain.security.permissions import MANAGE_PASSKEYS, READ_PASSKEYS
from domain.security.ports import SecurityUnitOfWork
from domain.security.sign_in import still_in

router = APIRouter(prefix="/v1/security/passkeys", tags=["security"], route_class=Route)
_PROVED = problems(PeopleOnly, PasswordWrong, SecondFactorRequired, CodeWrong, TooManyTries)
Manager = Annotated[Principal, may(MANAGE_PASSKEYS)]


class ProofBody(Body):
    """Who you are, once more."""

    password: Password
    code: Code | None = Field(default=None, description="Needed if you have an authenticator app.", examples=[None])


class PasskeyOptions(Payload):
    """For the browser. `options` goes through `PublicKeyCredential.parseCreationOptionsFromJSON` or its sibling."""

    challenge_id: PasskeyChallengeId
    options: dict[str, Any]


class PasskeyBody(Body):
    """What the device made: `credential.toJSON()`."""

    challenge_id: PasskeyChallengeId = Field(examples=["pkc_01h455vb4pex5vsknk084sn02q"])
    name: Line = Field(default="passkey", examples=["Ada's phone"])
    credential: dict[str, Any] = Field(examples=[{"id": "dGlkZXM", "type": "public-key", "response": {}}])


class PasskeyView(Payload):
    """A passkey of yours."""

    id: PasskeyId
    name: str
    synced: bool = Field(description="Whether several devices of yours have it.")
    created_at: datetime
    last_used_at: datetime | None


@router.get("", response_model=Answer[list[PasskeyView]], responses=problems(PeopleOnly, StepUpRequired))
async def list_passkeys(person: Annotated[Principal, may(READ_PASSKEYS)], world: World) -> Answer[list[PasskeyView]]:
    """Yours, newest first."""
    user = person_of(person)
    if person.confined_to is not None:
        raise StepUpRequired(action=READ_PASSKEYS.name, policies=[])
    return ok([_view(each) for each in await world.security(None, lambda uow: uow.passkeys.of(user))])


@router.post("/begin", status_code=201, response_model=Answer[PasskeyOptions], responses=_PROVED)
async def begin_passkey(body: ProofBody, person: Manager, world: World, request: Request) -> Answer[PasskeyOptions]:
    """What your browser needs to make one, within five minutes."""
    user, randomness = person_of(person), os.urandom(CHALLENGE_BYTES)

    async def begun(uow: SecurityUnitOfWork, account: Account, _: tuple[Factor, ...]) -> PasskeyOptions:
        made = await begin(uow, user, id=new_id(PasskeyChallengeId), randomness=randomness, now=utc_now())
        options = world.relying_party.creation_options(account, await uow.passkeys.of(user), made.challenge)
        return PasskeyOptions(challenge_id=made.id, options=options)

    return ok(await prove_again(request, world, person, body.password, body.code, begun))


@router.post(
    "",
    status_code=201,
    response_model=Answer[PasskeyView],
    responses=problems(PeopleOnly, PasskeyChallengeUnknown, PasskeyRefused, TooManyPasskeys),
)
async def post_passkey(body: PasskeyBody, person: Manager, world: World) -> Answer[PasskeyView]:
    """Sign in with this passkey from now on."""
    user, now = person_of(person), utc_now()

    async def added(uow: SecurityUnitOfWork) -> Passkey:
        await still_in(uow, user, person.session_id, now=now)
        challenge = await take(uow, body.challenge_id, user, now=now)
        passkey = world.relying_party.made(
            body.credential, challenge, id=new_id(PasskeyId), user_id=user, name=body.name, created_at=now
        )
        await add(uow, passkey, now=now)
        return passkey

    return ok(_view(await world.security(person.tenant_id, added)))


@router.post(
    "/{passkey_id}/remove",
    response_model=Answer[list[PasskeyView]],
    responses={**_PROVED, **problems(PasskeyNotFound)},
)
async def remove_passkey(
    passkey_id: PasskeyId, body: ProofBody, person: Manager, world: World, request: Request
) -> Answer[list[PasskeyView]]:
    """Nobody signs in with it any more; those that are left."""

    async def removed(uow: SecurityUnitOfWork, account: Account, _: tuple[Factor, ...]) -> list[Passkey]:
        await remove(uow, account, passkey_id, now=utc_now())
        return await uow.passkeys.of(account.user.id)

    left = await prove_again(request, world, person, body.password, body.code, removed)
    return ok([_view(each) for each in left])


def _view(passkey: Passkey) -> PasskeyView:
    return PasskeyView(**passkey.model_dump(include=set(PasskeyView.model_fields)))
