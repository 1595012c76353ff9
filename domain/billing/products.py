"""Products and items: added to the catalogue, and changed for what is sold from then on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.billing.catalogue_events import ItemAdded, ItemChanged, ProductAdded, ProductChanged
from domain.billing.permissions import ADD_ITEM, ADD_PRODUCT, CHANGE_ITEM, CHANGE_PRODUCT
from domain.billing.ports import BillingUnitOfWork
from domain.billing.product_errors import ItemExists, ItemNotFound, ProductExists, ProductNotFound, ProductUnknown
from domain.billing.product_model import OneOffItem, OneOffItemTerms, Product, ProductTerms
from domain.kernel.audit import AuditEntry
from domain.kernel.errors import PreconditionFailed
from domain.kernel.ids import TenantId


async def add_product(uow: BillingUnitOfWork, tenant: TenantId, product: Product) -> Product:
    """Plans and items may belong to it. Raises ProductExists."""
    if not await uow.products.add(product):
        raise ProductExists(product=product.code)
    uow.events.append(ProductAdded(product_code=product.code, occurred_at=product.created_at))
    uow.audit.record(AuditEntry(tenant_id=tenant, action=ADD_PRODUCT.name, resource=product.code, details={}))
    return product


async def change_product(
    uow: BillingUnitOfWork, tenant: TenantId, code: str, terms: ProductTerms, *, revision: int, now: datetime
) -> Product:
    """Call it otherwise. Raises ProductNotFound, PreconditionFailed."""
    there = await uow.products.find(code)
    if there is None:
        raise ProductNotFound(product=code)
    changed = Product(**dict(terms), code=code, revision=revision + 1, created_at=there.created_at, updated_at=now)
    if there.revision != revision or not await uow.products.put(changed):
        raise PreconditionFailed
    uow.events.append(ProductChanged(product_code=code, occurred_at=now))
    uow.audit.record(AuditEntry(tenant_id=tenant, action=CHANGE_PRODUCT.name, resource=code, details={}))
    return changed


async def add_item(uow: BillingUnitOfWork, tenant: TenantId, item: OneOffItem) -> OneOffItem:
    """It can be sold. Raises ItemExists, ProductUnknown."""
    await known_products(uow, [item.product])
    if not await uow.items.add(item):
        raise ItemExists(item=item.code)
    uow.events.append(ItemAdded(item_code=item.code, occurred_at=item.created_at))
    uow.audit.record(AuditEntry(tenant_id=tenant, action=ADD_ITEM.name, resource=item.code, details={}))
    return item


async def change_item(
    uow: BillingUnitOfWork, tenant: TenantId, code: str, terms: OneOffItemTerms, *, revision: int, now: datetime
) -> OneOffItem:
    """Another name or price from now on. Raises ItemNotFound, ProductUnknown, PreconditionFailed."""
    there = await uow.items.find(code)
    if there is None:
        raise ItemNotFound(item=code)
    await known_products(uow, [terms.product])
    changed = OneOffItem(**dict(terms), code=code, revision=revision + 1, created_at=there.created_at, updated_at=now)
    if there.revision != revision or not await uow.items.put(changed):
        raise PreconditionFailed
    uow.events.append(ItemChanged(item_code=code, occurred_at=now))
    details = {"prices": sorted(terms.prices)}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=CHANGE_ITEM.name, resource=code, details=details))
    return changed


async def known_products(uow: BillingUnitOfWork, codes: Iterable[str | None]) -> None:
    """Whether they are there. Raises ProductUnknown."""
    for code in {code for code in codes if code is not None}:
        if await uow.products.find(code) is None:
            raise ProductUnknown(product=code)
