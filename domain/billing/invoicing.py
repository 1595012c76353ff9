"""What an invoice says, from the lines that it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from domain.billing.coupon_model import LineDiscount
from domain.billing.customer_model import Customer
from domain.billing.invoice_model import InvoiceContent, InvoiceLine, Party
from domain.billing.legal_entity_model import LegalEntity
from domain.billing.subscription_model import Accrual
from domain.billing.taxes import tax_for, tax_totals, taxed_each, total

AccrualT = TypeVar("AccrualT", bound=Accrual)


def ordered(lines: Sequence[AccrualT]) -> list[AccrualT]:
    """In the order of their periods, as an invoice lists them."""
    return sorted(lines, key=lambda line: (line.period_start, line.plan_code or "", line.charge_code, line.key))


def invoiced(
    lines: Sequence[Accrual], seller: LegalEntity, buyer: Customer, off: Mapping[str, tuple[LineDiscount, ...]]
) -> InvoiceContent:
    """The content, in the customer's currency. off: what is taken off lines, by their keys."""
    listed = ordered(lines)
    owed_for = [line.amount - total((each.amount for each in off.get(line.key, ())), buyer.currency) for line in listed]
    taxes = [tax_for(seller, buyer, line.tax_category) for line in listed]
    amounts = taxed_each(list(zip(owed_for, taxes, strict=True)), buyer.currency)
    net, owed = (total((getattr(each, name) for each in amounts), buyer.currency) for name in ("net", "tax"))
    return InvoiceContent(
        legal_entity=seller.code,
        seller=Party(
            name=seller.name,
            address=seller.address,
            country=seller.country,
            tax_id=seller.tax_id,
            email=seller.email,
        ),
        buyer=Party(
            name=buyer.name, address=buyer.address, country=buyer.country, tax_id=buyer.tax_id, email=buyer.email
        ),
        locale=buyer.locale,
        timezone=buyer.timezone,
        payment_details=seller.payment_details,
        currency=buyer.currency,
        lines=tuple(
            InvoiceLine(
                **{name: getattr(line, name) for name in Accrual.model_fields},
                discounts=off.get(line.key, ()),
                tax=tax,
                taxed=amount,
            )
            for line, tax, amount in zip(listed, taxes, amounts, strict=True)
        ),
        taxes=tax_totals(list(zip(amounts, taxes, strict=True)), buyer.currency),
        net=net,
        tax_amount=owed,
        total=net + owed,
    )
