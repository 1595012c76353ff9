"""Who is told of what happens in a tenant."""

from __future__ import annotations

from domain.kernel.ids import TenantId, UserId
from domain.security.commands import Audience, Told
from domain.security.people import Role
from domain.security.ports import SecurityUnitOfWork


async def administrators(
    uow: SecurityUnitOfWork, tenant_id: TenantId, *, role: Role = Role.ADMIN, but: UserId | None = None
) -> Audience:
    """The members who rank at least so, but for one."""
    tenant = await uow.tenants.find(tenant_id)
    assert tenant is not None, "what is told of happened in a tenant"
    people = await uow.elevations.deciders(tenant_id, role, but=but)
    return Audience(
        organisation=tenant.organisation,
        locale=tenant.locale,
        people=tuple(Told(id=each.id, name=each.name, email=each.email) for each in people),
    )
