"""Legal entities: who of a tenant's sells, and whose numbers invoices carry."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StrictBool, StringConstraints, model_validator

from domain.billing.metering_model import Code
from domain.billing.plan_model import STANDARD, Label, TaxCategory
from domain.kernel.payload import Body
from domain.kernel.places import CountryCode
from domain.kernel.timezones import TimeZone

TaxId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./-]*$", max_length=32),
    Field(description="As it is printed; check digits are looked at.", examples=["DE136695976"]),
]
Address = Annotated[
    tuple[Label, ...],
    Field(max_length=6, description="Line by line, without the country.", examples=[["Hauptstr. 1", "10115 Berlin"]]),
]


class TaxRule(Body):
    """The tax of one country on one category of what is sold."""

    country: CountryCode
    category: TaxCategory = STANDARD
    name: Label = Field(examples=["USt."])
    percent: Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)] = Field(examples=["19"])
    inclusive: StrictBool | None = Field(
        default=None, description="Whether prices include it; if left out, as the legal entity says."
    )


class LegalEntityTerms(Body):
    """Who sells, and how it invoices."""

    name: Label = Field(examples=["Initrode GmbH"])
    address: Address = ()
    country: CountryCode
    tax_id: TaxId | None = None
    email: str | None = Field(
        default=None, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$", examples=["ar@initrode.example"]
    )
    payment_details: Label | None = Field(default=None, examples=["IBAN DE02 1203 0000 0000 2020 51"])
    number_prefix: str = Field(
        pattern=r"^[A-Z0-9][A-Z0-9-]*$", max_length=12, description="Invoice numbers begin so.", examples=["INV"]
    )
    timezone: TimeZone = "UTC"
    payment_terms_days: int = Field(default=14, ge=0, le=365, strict=True, description="Due so many days after.")
    grace_hours: int = Field(
        default=1, ge=0, le=24 * 14, strict=True, description="An invoice is a draft for so long; late usage joins it."
    )
    prices_include_tax: StrictBool = False
    taxes: Annotated[tuple[TaxRule, ...], Field(max_length=250)] = Field(
        default=(),
        description="By the customer's country and the charge's category; where there is none, none is charged.",
    )

    @model_validator(mode="after")
    def _once(self) -> LegalEntityTerms:
        rules = [(rule.country, rule.category) for rule in self.taxes]
        if len(set(rules)) < len(rules):
            raise ValueError("each country has one tax on each category")
        return self

    @property
    def grace(self) -> timedelta:
        """How long an invoice is a draft."""
        return timedelta(hours=self.grace_hours)


class LegalEntity(LegalEntityTerms):
    """One of the tenant's. The first is the one that sells unless a customer names another."""

    code: Code
    revision: int
    created_at: datetime
    updated_at: datetime
