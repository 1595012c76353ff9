"""`/v1/security/detection-rules`: Sigma rules, built in and your own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, Field

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body, Payload
from domain.security.detection import Detections, built_in
from domain.security.errors import DetectionRuleInvalid, TenantRequired
from domain.security.events import Severity, ThreatKind
from domain.security.permissions import (
    ADD_DETECTION_RULE,
    DELETE_DETECTION_RULE,
    READ_DETECTION_RULES,
)
from domain.security.sigma import LONGEST_RULE
from domain.security.threat_errors import DetectionRuleExists, DetectionRuleNotFound, TooManyDetectionRules
from domain.security.threat_model import DetectionRule, Response
from domain.security.threats import add_rule, remove_rule

router = APIRouter(prefix="/v1/security/detection-rules", tags=["security"], route_class=Route)

_EXAMPLE = """title: Somebody exported the audit trail at night
id: 6c1b5b0e-52ad-4d52-8f0b-3d6e1f0a9b11
logsource: {product: harborgrid, category: audit}
detection:
  selection: {action: security.export_audit_records}
  condition: selection
level: medium
harborgrid: {kind: data_exfiltration}
"""


class RuleBody(Body):
    """Sigma rules: one, or a correlation with the rules that it counts."""

    text: str = Field(
        max_length=LONGEST_RULE, examples=[_EXAMPLE], description="YAML, as the Sigma specification says."
    )


class RuleView(Payload):
    """A rule, and what it does when it fires. own: your tenant's, under the id of the text that it came in."""

    id: str
    title: str
    own: bool
    kind: ThreatKind
    severity: Severity
    respond: tuple[Response, ...]
    approval: bool
    created_at: AwareDatetime | None = None


@router.get("", response_model=Answer[list[RuleView]], responses=problems(TenantRequired))
async def list_detection_rules(
    tenant: Annotated[TenantId, own_tenant(READ_DETECTION_RULES)], world: World
) -> Answer[list[RuleView]]:
    """Those that speak for themselves: what is only counted by others is not here."""
    own = await world.security(None, lambda uow: uow.detection_rules.all(tenant))
    return ok([*_views(built_in(), None), *(view for rule in own for view in _views(read(rule.text), rule))])


@router.post(
    "",
    status_code=201,
    response_model=Answer[list[RuleView]],
    responses=problems(TenantRequired, DetectionRuleInvalid, DetectionRuleExists, TooManyDetectionRules),
)
async def post_detection_rule(
    body: RuleBody, tenant: Annotated[TenantId, own_tenant(ADD_DETECTION_RULE)], world: World
) -> Answer[list[RuleView]]:
    """Add rules of your own. They see what is recorded of your tenant, from now on."""
    detections = read(body.text)
    rule = await world.security(None, lambda uow: add_rule(uow, tenant, body.text, detections, now=utc_now()))
    return ok(_views(detections, rule))


@router.delete(
    "/{rule_id}", response_model=Answer[DetectionRule], responses=problems(TenantRequired, DetectionRuleNotFound)
)
async def delete_detection_rule(
    rule_id: Annotated[str, Path(max_length=100)],
    tenant: Annotated[TenantId, own_tenant(DELETE_DETECTION_RULE)],
    world: World,
) -> Answer[DetectionRule]:
    """Take one of your own away. Threats that it has found stay."""
    return ok(await world.security(None, lambda uow: remove_rule(uow, tenant, rule_id)))


def read(text: str) -> Detections:
    """A tenant's rules. Raises DetectionRuleInvalid."""
    return Detections([text], own=True)


def _views(detections: Detections, of: DetectionRule | None) -> list[RuleView]:
    return [
        RuleView(
            id=of.id if of else answer.rule_id,
            title=answer.title,
            own=of is not None,
            kind=answer.kind,
            severity=answer.severity,
            respond=answer.respond,
            approval=answer.approval,
            created_at=of.created_at if of else None,
        )
        for answer in detections.speaking
    ]
