"""The `Idempotency-Key` header: a repeated request gets the first one's answer, and has no second effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import orjson
from fastapi import Header, Request
from fastapi.responses import Response
from pydantic import BaseModel

from adapters.postgres.answers import Asked, PostgresAnswers, asking
from adapters.postgres.database import Database
from api.authorization import principal_of
from api.envelope import Answer, about
from api.parameters import container_of, etag
from domain.kernel.errors import HarborGridError, IdempotencyKeyReused, Unavailable
from domain.kernel.idempotency import KeptAnswer, KeyedRequest, fingerprint
from domain.kernel.ids import TenantId
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
    kept = await _found(database, request)
    if kept is None:
        raise Unavailable("a request with this Idempotency-Key is being answered")
    return _again(kept, request)


async def once(
    request: Request,
    key: str,
    tenant: TenantId,
    asked: Callable[[KeyedRequest], Asked],
    answer: Callable[[], Awaitable[Any]],
) -> Any:
    """`answer`, unless this tenant's request under this key has been answered. Raises IdempotencyKeyReused."""
    database = container_of(request).database
    keyed_request = KeyedRequest(
        owner=f"{tenant}/{principal_of(request).id}",
        key=key,
        fingerprint=fingerprint(request.method, _target(request), await _body(request)),
    )
    if (kept := await _found(database, keyed_request)) is not None:
        return _again(kept, keyed_request)
    try:
        with asking(asked(keyed_request)):
            return await answer()
    except HarborGridError:
        # Another one with the same key was quicker: the code is taken, the step done, or the key itself.
        kept = await _found(database, keyed_request)
        if kept is None:
            raise
        return _again(kept, keyed_request)


async def _body(request: Request) -> str:
    """However it is written: order and white space make no other request of it."""
    raw = await request.body()
    return orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS).decode() if raw else ""


async def _found(database: Database, request: KeyedRequest) -> KeptAnswer | None:
    return await database.run(None, lambda session: PostgresAnswers(session).find(request))


def _again(kept: KeptAnswer, request: KeyedRequest) -> Response:
    if kept.fingerprint != request.fingerprint:
        raise IdempotencyKeyReused(key=request.key)
    headers = {"Idempotent-Replayed": "true"}
    if isinstance(kept.answer, dict):
        if "href" in kept.answer:
            headers["Location"] = kept.answer["href"]
        if "revision" in kept.answer:
            headers["ETag"] = etag(kept.answer["revision"])
    answer: Answer[Any] = Answer(data=kept.answer, metadata=about())
    return Response(
        orjson.dumps(answer.model_dump(mode="json")),
        status_code=kept.status,
        media_type="application/json",
        headers=headers,
    )
