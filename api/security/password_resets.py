"""`/v1/security/password-resets`: a first or a new password, by a link that is mailed."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import Email, World
from api.problems import problems
from api.routes import Route
from api.security.sessions import EndedSessions
from api.security.sign_in import Password, Token, as_person, linked, words_of
from domain.kernel.payload import Body, Payload
from domain.security.ids import PasswordResetId
from domain.security.password_changes import open_link, request_link, set_by_link
from domain.security.people import account_hash, address_key
from domain.security.people_errors import LinkInvalid, PasswordTooWeak

router = APIRouter(prefix="/v1/security/password-resets", tags=["security"], route_class=Route)


class ResetBody(Body):
    """Whose password it is."""

    email: Email = Field(examples=["ada@northwind.example"])


class ResetRequested(Payload):
    """If somebody has this address, a link is on its way to it. The answer is the same if nobody has."""

    minutes: int = Field(description="How long the link works.")


class RedeemBody(Body):
    """The link, and the password you want."""

    token: Token = Field(examples=["pwr_01h455vb4pex5vsknk084sn02q.2Jx9"])
    password: Password


@router.post("", status_code=202, response_model=Answer[ResetRequested])
async def request_reset(body: ResetBody, world: World) -> Answer[ResetRequested]:
    """Have a link mailed. Five an hour to one person; further ones are not sent."""
    minutes = world.settings.password_reset_minutes
    await world.security(
        None,
        lambda uow: request_link(
            uow, body.email, reset_id=new_id(PasswordResetId), lifetime=timedelta(minutes=minutes), now=utc_now()
        ),
    )
    return ok(ResetRequested(minutes=minutes))


@router.post("/redeem", response_model=Answer[EndedSessions], responses=problems(LinkInvalid, PasswordTooWeak))
async def redeem(body: RedeemBody, world: World) -> Answer[EndedSessions]:
    """Set the password. The link is used up, every session of yours ends, and failed sign-ins are forgotten."""
    reset_id = PasswordResetId(linked(world, body.token))
    account = await world.security(None, lambda uow: open_link(uow, reset_id, now=utc_now()))
    hashed = await world.passwords.hash(body.password, known=words_of(account))
    about = account_hash(world.accounts_key, address_key(account.user.email))
    with as_person(account.user.id, None):
        ended = await world.security(
            None, lambda uow: set_by_link(uow, reset_id, hashed, account_hash=about, now=utc_now())
        )
    for session_id in ended:
        world.revocations.tell(session_id)
    return ok(EndedSessions(ids=ended))
