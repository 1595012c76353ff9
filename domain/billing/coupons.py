"""Coupons: added, redeemed by customers, used up by invoices, and ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.billing.coupon_errors import CouponExists, CouponNotFound, CouponNotRedeemable, CouponUnknown
from domain.billing.coupon_events import CouponAdded, CouponChanged, CouponEnded, CouponRedeemed
from domain.billing.coupon_model import AmountOff, Coupon, CouponTerms, Redemption
from domain.billing.ids import CustomerId, RedemptionId, SubscriptionId
from domain.billing.invoice_model import InvoiceContent
from domain.billing.permissions import ADD_COUPON, CHANGE_COUPON, END_REDEMPTION, REDEEM_COUPON
from domain.billing.ports import BillingUnitOfWork
from domain.billing.products import known_products
from domain.kernel.audit import AuditEntry
from domain.kernel.errors import PreconditionFailed
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission
from domain.kernel.ports import Ids


class CouponBooks:
    """One tenant's coupons in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        self.uow, self.tenant, self.ids, self.now = uow, tenant, ids, now

    async def add(self, coupon: Coupon) -> Coupon:
        """It can be redeemed. Raises CouponExists, ProductUnknown."""
        await known_products(self.uow, coupon.products)
        if not await self.uow.coupons.add(coupon):
            raise CouponExists(coupon=coupon.code)
        self.uow.events.append(CouponAdded(coupon_code=coupon.code, occurred_at=self.now))
        self._audit(ADD_COUPON, coupon.code, {"discount": coupon.discount.model_dump(mode="json")})
        return coupon

    async def change(self, code: str, terms: CouponTerms, *, revision: int) -> Coupon:
        """For those who redeem it from now on. Raises CouponNotFound, ProductUnknown, PreconditionFailed."""
        there = await self.uow.coupons.find(code)
        if there is None:
            raise CouponNotFound(coupon=code)
        await known_products(self.uow, terms.products)
        changed = Coupon(
            **dict(terms), code=code, revision=revision + 1, created_at=there.created_at, updated_at=self.now
        )
        if there.revision != revision or not await self.uow.coupons.put(changed):
            raise PreconditionFailed
        self.uow.events.append(CouponChanged(coupon_code=code, occurred_at=self.now))
        self._audit(CHANGE_COUPON, code, {"discount": terms.discount.model_dump(mode="json")})
        return changed

    async def redeem(self, code: str, customer_id: CustomerId, subscription: SubscriptionId | None) -> Redemption:
        """Lessen the customer's invoices by it, or only those of a subscription.

        Raises CouponUnknown, CouponNotRedeemable, CustomerNotFound.
        """
        customer = await self.uow.customers.get(customer_id)
        self.now = await self.uow.clocks.now_of(customer_id, self.now)
        coupon = await self.uow.coupons.find(code)
        if coupon is None:
            raise CouponUnknown(coupon=code)
        if subscription is not None and (await self.uow.subscriptions.get(subscription)).customer_id != customer_id:
            raise CouponNotRedeemable(reason="the subscription is another customer's")
        count, theirs = await self.uow.redemptions.of_coupon(code, customer_id)
        refused = _reason(coupon, customer.currency, count, self.now)
        if theirs or refused:
            raise CouponNotRedeemable(reason=refused or "the customer has redeemed it", coupon=code)
        redemption = Redemption(
            id=self.ids(RedemptionId),
            coupon=code,
            customer_id=customer_id,
            subscription_id=subscription,
            name=coupon.name,
            discount=coupon.discount,
            plans=coupon.plans,
            products=coupon.products,
            invoices_left=coupon.invoices_at_first,
            redeemed_at=self.now,
        )
        await self.uow.redemptions.put(redemption)
        self.uow.events.append(CouponRedeemed(**self._named(redemption), subscription_id=subscription))
        self._audit(REDEEM_COUPON, redemption.id, {"coupon": code, "customerId": customer_id})
        return redemption

    async def end(self, redemption_id: RedemptionId) -> Redemption:
        """It lessens no invoice that becomes final from now on. Raises CouponRedemptionNotFound."""
        redemption = await self.uow.redemptions.hold(redemption_id)
        if redemption.is_over:
            return redemption
        self.now = await self.uow.clocks.now_of(redemption.customer_id, self.now)
        self._audit(END_REDEMPTION, redemption_id, {"coupon": redemption.coupon})
        return await self._ended(redemption)

    async def used(self, content: InvoiceContent) -> None:
        """An invoice that says this has become final: what is for so many invoices was for one of them."""
        used = {each.redemption_id for line in content.lines for each in line.discounts if each.redemption_id}
        for redemption_id in sorted(used):
            redemption = await self.uow.redemptions.hold(redemption_id)
            if redemption.invoices_left is None:
                continue
            left = redemption.model_copy(update={"invoices_left": redemption.invoices_left - 1})
            if left.invoices_left:
                await self.uow.redemptions.put(left)
            else:
                await self._ended(left)

    async def _ended(self, redemption: Redemption) -> Redemption:
        ended = redemption.model_copy(update={"ended_at": self.now})
        await self.uow.redemptions.put(ended)
        self.uow.events.append(CouponEnded(**self._named(redemption)))
        return ended

    def _named(self, redemption: Redemption) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant,
            "redemption_id": redemption.id,
            "coupon_code": redemption.coupon,
            "customer_id": redemption.customer_id,
            "occurred_at": self.now,
        }

    def _audit(self, permission: Permission, resource: str, details: dict[str, Any]) -> None:
        self.uow.audit.record(
            AuditEntry(tenant_id=self.tenant, action=permission.name, resource=resource, details=details)
        )


def _reason(coupon: Coupon, currency: str, redemptions: int, now: datetime) -> str | None:
    """Why nobody with this currency can redeem it now; None: somebody can."""
    if not coupon.is_active:
        return "it is retired"
    if coupon.redeem_by is not None and now > coupon.redeem_by:
        return f"it could be redeemed until {coupon.redeem_by:%Y-%m-%d %H:%M} UTC"
    if coupon.most_redemptions is not None and redemptions >= coupon.most_redemptions:
        return f"it was redeemed {redemptions} times"
    if isinstance(coupon.discount, AmountOff) and currency not in coupon.discount.amounts:
        return f"it has no amount in {currency}"
    return None
