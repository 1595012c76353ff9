"""`/v1/security/detection-trials`: what rules say about what was recorded lately."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from api.security.detection_rules import RuleBody, read
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.errors import DetectionRuleInvalid, TenantRequired
from domain.security.permissions import TRY_DETECTION_RULE

router = APIRouter(prefix="/v1/security/detection-trials", tags=["security"], route_class=Route)


class Match(Payload):
    """A record that the rules would have fired for."""

    record_id: str
    at: AwareDatetime
    titles: tuple[str, ...]


class Trial(Payload):
    """What rules say about what was recorded lately."""

    records: int = Field(description="How many records were looked at: the newest ones, a day at most.")
    matches: list[Match]


@router.post("", response_model=Answer[Trial], responses=problems(TenantRequired, DetectionRuleInvalid))
async def post_trial(
    body: RuleBody, tenant: Annotated[TenantId, own_tenant(TRY_DETECTION_RULE)], world: World
) -> Answer[Trial]:
    """Look with these rules at what was recorded lately; nothing is done. Correlations count as in life."""
    records, matches = await world.detector.trial(tenant, read(body.text))
    return ok(
        Trial(
            records=records,
            matches=[Match(record_id=each.id, at=each.at, titles=titles) for each, titles in matches],
        )
    )
