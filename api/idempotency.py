"""The `Idempotency-Key` header: a repeated request gets the first one's answer, and has no second effect."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Header, Request
from fastapi.responses import Response
from pydantic import BaseModel

from adapters.postgres.answers import PostgresAnswers
from adapters.postgres.database import Database
from api.envelope import Answer, about
from domain.kernel.errors import IdempotencyKeyReused, Unavailable
from domain.kernel.idempotency import KeyedRequest, fingerprint
from domain.security.model import Principal

_TEXT = "Repeat a request with the same key and it happens once; you get the first answer again."

IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[!-~]+$", description=_TEXT)
]
OptionalIdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[!-~]+$", description=_TEXT),
]


def keyed(request: Request, principal: Principal, key: str, body: BaseModel) -> KeyedRequest:
    """This request, identified."""
    return KeyedRequest(
        owner=f"{principal.tenant_id or 'operator'}/{principal.id}",
        key=key,
        fingerprint=fingerprint(request.method, _target(request), body.model_dump_json()),
    )


def _target(request: Request) -> str:
    """Path and query: for the operator, `tenantId` says whose thing it is."""
    path: str = request.scope["path"]
    if not request.scope["query_string"]:
        return path
    return path + "?" + "&".join(sorted(f"{name}={value}" for name, value in request.query_params.multi_items()))


async def replay(database: Database, request: KeyedRequest) -> Response:
    """The answer given before. Raises IdempotencyKeyReused if that was for another request."""
    kept = await database.run(None, lambda session: PostgresAnswers(session).find(request))
    if kept is None:
        raise Unavailable("a request with this Idempotency-Key is being answered")
    if kept.fingerprint != request.fingerprint:
        raise IdempotencyKeyReused(key=request.key)
    headers = {"Idempotent-Replayed": "true"}
    if "href" in kept.answer:
        headers["Location"] = kept.answer["href"]
    answer: Answer[dict[str, Any]] = Answer(data=kept.answer, metadata=about())
    return Response(
        orjson.dumps(answer.model_dump(mode="json")),
        status_code=kept.status,
        media_type="application/json",
        headers=headers,
    )
