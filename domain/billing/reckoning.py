"""What an invoice for some lines would say now, with the coupons that its customer has redeemed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from domain.billing.coupon_model import Redemption
from domain.billing.customer_model import Customer
from domain.billing.discounts import Discounts, Products, charge_of, discounts
from domain.billing.ids import SubscriptionId
from domain.billing.invoice_model import InvoiceContent
from domain.billing.invoicing import invoiced, ordered
from domain.billing.legal_entity_model import LegalEntity
from domain.billing.ports import BillingUnitOfWork
from domain.billing.subscription_model import Accrual


async def reckoned(
    uow: BillingUnitOfWork,
    lines: Sequence[Accrual],
    seller: LegalEntity,
    customer: Customer,
    subscription: SubscriptionId | None,
    *,
    final: bool = False,
) -> InvoiceContent:
    """The content, in the customer's currency. final: nobody else uses its coupons until the transaction ends."""
    running = await uow.redemptions.running(customer.id, hold=final)
    redeemed = [each for each in running if each.subscription_id in (None, subscription)]
    off: Discounts = {}
    if redeemed or any(line.amount.minor < 0 for line in lines):
        products = await _products(uow, lines, redeemed)
        off = discounts(ordered(lines), redeemed, products, await _earlier(uow, lines, subscription))
    return invoiced(lines, seller, customer, off)


async def _earlier(
    uow: BillingUnitOfWork, lines: Sequence[Accrual], subscription: SubscriptionId | None
) -> dict[str, Fraction]:
    shares = {}
    if subscription is not None:
        for credit in lines:
            if credit.amount.minor < 0 and charge_of(credit, lines) is None:
                shares[credit.key] = await uow.lines.share_off(subscription, credit)
    return shares


async def _products(uow: BillingUnitOfWork, lines: Sequence[Accrual], redeemed: Sequence[Redemption]) -> Products:
    if not any(each.products for each in redeemed):
        return {}
    versions = {(line.plan_code, line.plan_version) for line in lines if line.plan_code and line.plan_version}
    found: dict[tuple[str | None, int | None, str], str | None] = {
        (code, version, ""): terms.product for (code, version), terms in (await uow.plans.terms(versions)).items()
    }
    for code in {line.charge_code for line in lines if line.plan_code is None}:
        item = await uow.items.find(code)
        found[None, None, code] = item.product if item else None
    return found
