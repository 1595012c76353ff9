"""`/v1/security/retention-rules`: how long a tenant keeps what is over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired
from domain.security.permissions import CHANGE_RETENTION_RULE, READ_RETENTION_RULES
from domain.security.ports import SecurityUnitOfWork
from domain.security.subject_model import RetentionCategory, RetentionRule

router = APIRouter(prefix="/v1/security/retention-rules", tags=["security"], route_class=Route)


class RetentionBody(Body):
    """How many days after it was over."""

    days: int | None = Field(strict=True, ge=30, le=3_650, examples=[365], description="Null keeps it for good.")


@router.get("", response_model=Answer[list[RetentionRule]], responses=problems(TenantRequired))
async def list_retention_rules(
    tenant: Annotated[TenantId, own_tenant(READ_RETENTION_RULES)], world: World
) -> Answer[list[RetentionRule]]:
    """Every category; those without days are kept for good."""
    return ok(await world.security(None, lambda uow: _all(uow, tenant)))


@router.put("/{category}", response_model=Answer[list[RetentionRule]], responses=problems(TenantRequired))
async def put_retention_rule(
    category: RetentionCategory,
    body: RetentionBody,
    tenant: Annotated[TenantId, own_tenant(CHANGE_RETENTION_RULE)],
    world: World,
) -> Answer[list[RetentionRule]]:
    """Once a day, what was over for longer is deleted; nothing of it while a legal hold is on the tenant."""

    async def work(uow: SecurityUnitOfWork) -> list[RetentionRule]:
        await uow.subjects.put_retention(tenant, category, body.days)
        details = {"days": body.days}
        uow.audit.record(
            AuditEntry(tenant_id=tenant, action=CHANGE_RETENTION_RULE.name, resource=category, details=details)
        )
        return await _all(uow, tenant)

    return ok(await world.security(None, work))


async def _all(uow: SecurityUnitOfWork, tenant: TenantId) -> list[RetentionRule]:
    known = {rule.category: rule for rule in await uow.subjects.retention(tenant)}
    return [known.get(each, RetentionRule(category=each, days=None)) for each in RetentionCategory]
