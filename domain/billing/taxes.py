"""Taxes: which one a customer pays, and what of an amount it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise

from pydantic import Field
from stdnum import get_cc_module
from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from domain.billing.customer_model import Customer
from domain.billing.legal_entity_model import LegalEntity, TaxRule
from domain.billing.plan_model import STANDARD
from domain.kernel.money import Money, Rounding
from domain.kernel.payload import Payload

_UNION = frozenset(code.upper() for code in vat.MEMBER_STATES) - {"XI"} | {"GR"}


class Tax(Payload):
    """What is charged on top of, or is part of, every line of an invoice.

    percent: of the net amount. reverse_charge: the customer owes it to its own country (Directive 2006/112/EC, Article
    196), and the invoice says so.
    """

    name: str = ""
    percent: Decimal = Decimal(0)
    inclusive: bool = False
    reverse_charge: bool = False


OUTSIDE_SCOPE = "outside_scope"
"""The category of what is not taxed anywhere, such as money paid ahead."""


class TaxedAmount(Payload):
    """An amount, and the tax on it: gross is their sum."""

    net: Money
    tax: Money = Field(description="Of each line so that the lines sum to the invoice.")

    @property
    def gross(self) -> Money:
        """What is paid."""
        return self.net + self.tax


class TaxTotal(Payload):
    """What the lines with the same tax come to."""

    tax: Tax
    net: Money
    amount: Money = Field(description="The tax on it.")


def tax_for(seller: LegalEntity, buyer: Customer, category: str = STANDARD) -> Tax:
    """The tax of the buyer's country on this category, as the seller has it; none if it has none there.

    A category without a tax of its own in that country has the standard one. A business in another country of the
    European Union, known by its VAT number, owes the tax itself.
    """
    if category == OUTSIDE_SCOPE:
        return Tax()
    country = buyer.country or seller.country
    within = {country, seller.country} <= _UNION and country != seller.country
    if within and buyer.tax_id is not None:
        return Tax(name="VAT", reverse_charge=True)
    rules: Mapping[str, TaxRule] = {rule.category: rule for rule in seller.taxes if rule.country == country}
    rule = rules.get(category) or rules.get(STANDARD)
    if rule is None:
        return Tax()
    inclusive = seller.prices_include_tax if rule.inclusive is None else rule.inclusive
    return Tax(name=rule.name, percent=rule.percent, inclusive=inclusive)


def taxed_each(amounts: Sequence[tuple[Money, Tax]], currency: str) -> list[TaxedAmount]:
    """Net and tax of amounts that have taxes of their own: those with the same tax are reckoned together."""
    by_tax: dict[Tax, list[int]] = {}
    for place, (_, tax) in enumerate(amounts):
        by_tax.setdefault(tax, []).append(place)
    found: dict[int, TaxedAmount] = {}
    for tax, places in by_tax.items():
        found |= zip(places, taxed([amounts[place][0] for place in places], tax, currency), strict=True)
    return [found[place] for place in range(len(amounts))]


def tax_totals(amounts: Sequence[tuple[TaxedAmount, Tax]], currency: str) -> tuple[TaxTotal, ...]:
    """By tax, in the order in which they come first."""
    by_tax: dict[Tax, list[TaxedAmount]] = {}
    for amount, tax in amounts:
        by_tax.setdefault(tax, []).append(amount)
    return tuple(
        TaxTotal(
            tax=tax,
            net=total((each.net for each in found), currency),
            amount=total((each.tax for each in found), currency),
        )
        for tax, found in by_tax.items()
    )


def taxed(amounts: Sequence[Money], tax: Tax, currency: str) -> list[TaxedAmount]:
    """Net and tax of each amount.

    The tax is rounded once, half up, on what has been added up so far: that of all lines is that of their sum.
    """
    sums = accumulate((amount.minor for amount in amounts), initial=0)
    taxes = [_tax_in(Money(minor=each, currency=currency), tax).minor for each in sums]
    shares = [after - before for before, after in pairwise(taxes)]
    return [
        TaxedAmount(
            net=amount.of(minor=amount.minor - share if tax.inclusive else amount.minor), tax=amount.of(minor=share)
        )
        for amount, share in zip(amounts, shares, strict=True)
    ]


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Their sum."""
    return sum(amounts, Money(minor=0, currency=currency))


def tax_id_is_valid(tax_id: str, country: str) -> bool:
    """Whether its check digits are right; of a country whose numbers are not known, every number is."""
    module = vat if country in _UNION else get_cc_module(country.lower(), "vat")
    if module is None:
        return True
    try:
        module.validate(tax_id)
    except ValidationError:
        return False
    # A number of the Union begins with its country; Greece writes EL.
    return country not in _UNION or tax_id[:2].upper() == ("EL" if country == "GR" else country)


def _tax_in(amount: Money, tax: Tax) -> Money:
    percent = Fraction(tax.percent)
    share = percent / (100 + percent) if tax.inclusive else percent / 100
    sign = -1 if amount.minor < 0 else 1
    return sign * (sign * amount).times(share, Rounding.HALF_UP)
