"""The baseline server: FastAPI with two routes and nothing around them, on the same uvicorn as the product.

`python -m performance.bare PORT DSN`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
import uvloop
from fastapi import FastAPI

from adapters.automation.postgres import ACCEPT
from adapters.kernel.clock import new_id, utc_now
from api.automation.onboardings import AcceptedOnboarding, OnboardingBody
from api.envelope import Answer, AnswerMetadata
from api.security.api_keys import CurrentKey
from domain.automation.ids import OnboardingId
from domain.bus.event import EventId
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Scope
from domain.security.ids import ApiKeyId

KEY = ApiKeyId("key_01h455vb4pex5vsknk084sn02q")
METADATA = AnswerMetadata(timestamp=utc_now(), request_id="req", version="1.0.0")


def create_app(dsn: str) -> FastAPI:
    """The same answers, without authentication, ids, metrics, idempotency or envelope building."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(
            dsn, min_size=12, max_size=12, server_settings={"search_path": "platform"}
        )
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/current", response_model=Answer[CurrentKey])
    async def current() -> Answer[CurrentKey]:
        return Answer(data=CurrentKey(key_id=KEY, tenant_id=None, scopes=[Scope.OPERATOR]), metadata=METADATA)

    @app.post("/onboardings", status_code=202, response_model=Answer[AcceptedOnboarding])
    async def accept(body: OnboardingBody) -> Answer[AcceptedOnboarding]:
        tenant, onboarding, now = new_id(TenantId), new_id(OnboardingId), utc_now()
        accepted = AcceptedOnboarding(id=onboarding, tenant_id=tenant, workflow_id="w", href="h")
        async with app.state.pool.acquire() as connection:
            await connection.fetchrow(
                ACCEPT,
                *(f"operator/{KEY}", onboarding, "f" * 64, accepted.model_dump_json()),
                *(onboarding, tenant, "w", body.organisation),
                *(body.owner_name, body.owner_email, body.plan_code, body.locale, body.timezone),
                *(now, new_id(EventId), "workflow.onboarding.requested", "1.0.0", "automation", None),
                *(body.model_dump_json(), json.dumps({"correlationId": onboarding, "requestId": "req_" + "0" * 26})),
            )
        return Answer(data=accepted, metadata=METADATA)

    return app


if __name__ == "__main__":
    config = uvicorn.Config(
        create_app(sys.argv[2]), port=int(sys.argv[1]), http="httptools", access_log=False, log_config=None
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())
