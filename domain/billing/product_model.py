"""Products, which plans and items belong to, and items that are sold once and by themselves."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.billing.metering_model import Code
from domain.billing.plan_model import STANDARD, Currency, FixedPrice, Label, TaxCategory
from domain.kernel.payload import Body


class ProductTerms(Body):
    """What a tenant sells, whatever plans it is sold in."""

    name: Label = Field(examples=["Harbour map"])
    description: Label | None = Field(default=None, examples=["Depths and berths, updated daily"])


class Product(ProductTerms):
    """A product of the tenant's. Coupons may be for it, and revenue is told by it."""

    code: Code
    revision: int
    created_at: datetime
    updated_at: datetime


class OneOffItemTerms(Body):
    """What is sold once: with the next invoice of a subscription, or by an invoice of its own."""

    name: Label = Field(description="What invoices call it.", examples=["On-site training"])
    product: Code | None = Field(
        default=None, description="GET /v1/billing/products lists them.", examples=["harbour-map"]
    )
    tax_category: TaxCategory = STANDARD
    prices: dict[Currency, FixedPrice] = Field(
        min_length=1, examples=[{"EUR": {"model": "per_unit", "unitPrice": "1200.00"}}]
    )


class OneOffItem(OneOffItemTerms):
    """One of the tenant's. A change is for what is sold from then on."""

    code: Code
    revision: int
    created_at: datetime
    updated_at: datetime
