"""`/v1/security/operator-sessions`: let the operator's browser decode payloads in the Temporal UI."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response

from api.envelope import Answer, ok
from api.operator_session import CODEC_PATH, COOKIE, LIFETIME_SECONDS, OperatorSessions
from api.principals import may
from api.problems import problems
from api.routes import Route
from domain.kernel.payload import Payload
from domain.security.errors import OperatorsOnly
from domain.security.ids import ApiKeyId
from domain.security.model import Principal
from domain.security.permissions import OPEN_OPERATOR_SESSION

router = APIRouter(prefix="/v1/security/operator-sessions", tags=["security"], route_class=Route)


class OperatorSession(Payload):
    """How long the browser may ask for decoding."""

    lifetime_seconds: int


@router.post("", status_code=201, response_model=Answer[OperatorSession], responses=problems(OperatorsOnly))
async def open_session(
    operator: Annotated[Principal, may(OPEN_OPERATOR_SESSION)],
    request: Request,
    response: Response,
) -> Answer[OperatorSession]:
    """Set a cookie that the codec endpoint, and nothing else, accepts."""
    sessions: OperatorSessions = request.app.state.operator_sessions
    response.set_cookie(
        COOKIE,
        sessions.issue(ApiKeyId(operator.id)),
        max_age=LIFETIME_SECONDS,
        path=CODEC_PATH,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return ok(OperatorSession(lifetime_seconds=LIFETIME_SECONDS))
