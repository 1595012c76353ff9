"""What a tenant's plan includes, for those who decide what it may do."""

from __future__ import annotations

from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.security.model import Entitlements


async def entitlements_of(session: Session, tenant: TenantId) -> Entitlements:
    """Those of the active subscription's plan; none without one."""
    row = await session.sql.fetchrow(
        "SELECT plan.code, plan.features FROM platform.billing_platform_subscription AS subscription "
        "JOIN platform.billing_platform_plan AS plan ON plan.code = subscription.plan_code "
        "WHERE subscription.tenant_id = $1 AND subscription.status = 'active'",
        tenant,
    )
    return Entitlements(plan=row["code"], features=frozenset(row["features"])) if row else Entitlements()
