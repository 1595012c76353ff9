"""Taxes of invoices: nothing is lost between the lines and their sum."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from subscribed import customer, entity

from domain.billing.customer_model import Customer
from domain.billing.legal_entity_model import LegalEntity
from domain.billing.taxes import Tax, tax_for, tax_id_is_valid, tax_totals, taxed, taxed_each, total
from domain.kernel.money import Money, Rounding

percents = st.decimals(0, 100, places=2, allow_nan=False)
amounts = st.lists(st.integers(-(10**9), 10**9), max_size=30)


class TestTaxed:
    @given(amounts, percents, st.booleans())
    def test_lines_sum_to_the_tax_of_their_sum(self, minors: list[int], percent: Decimal, inclusive: bool) -> None:
        tax = Tax(name="VAT", percent=percent, inclusive=inclusive)
        lines = taxed([Money(minor=each, currency="EUR") for each in minors], tax, "EUR")

        [whole] = taxed([Money(minor=sum(minors), currency="EUR")], tax, "EUR")

        assert whole.tax == total((line.tax for line in lines), "EUR")
        assert whole.net == total((line.net for line in lines), "EUR")

    @given(amounts, percents)
    def test_included_is_part_of_what_is_paid(self, minors: list[int], percent: Decimal) -> None:
        lines = taxed(
            [Money(minor=each, currency="EUR") for each in minors], Tax(percent=percent, inclusive=True), "EUR"
        )

        assert minors == [line.gross.minor for line in lines]

    @given(st.integers(0, 10**9), percents)
    def test_of_a_credit_is_that_of_its_charge(self, minor: int, percent: Decimal) -> None:
        tax = Tax(percent=percent)
        charge, credit = (taxed([Money(minor=each, currency="EUR")], tax, "EUR")[0] for each in (minor, -minor))

        assert charge.tax == -credit.tax
        assert charge.tax == Money(minor=minor, currency="EUR").times(percent / 100, Rounding.HALF_UP)


class TestTaxedEach:
    @given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 2)), max_size=30), st.booleans())
    def test_of_each_tax_sums_to_the_tax_of_their_sum(self, given: list[tuple[int, int]], inclusive: bool) -> None:
        taxes = [Tax(name=str(each), percent=Decimal(each), inclusive=inclusive) for each in (7, 19, 0)]
        wanted = [(Money(minor=minor, currency="EUR"), taxes[which]) for minor, which in given]

        lines = taxed_each(wanted, "EUR")

        totals = tax_totals([(line, tax) for line, (_, tax) in zip(lines, wanted, strict=True)], "EUR")
        assert total((line.tax for line in lines), "EUR") == total((each.amount for each in totals), "EUR")
        for each in totals:
            [whole] = taxed([total((money for money, tax in wanted if tax == each.tax), "EUR")], each.tax, "EUR")
            assert (whole.net, whole.tax) == (each.net, each.amount)


class TestTaxFor:
    @pytest.mark.parametrize(
        ("category", "percent", "inclusive"),
        [("standard", "19", False), ("books", "7", True), ("unheard-of", "19", False), ("outside_scope", "0", False)],
    )
    def test_is_that_of_the_category(self, category: str, percent: str, inclusive: bool) -> None:
        rules = [
            {"country": "DE", "name": "USt.", "percent": "19"},
            {"country": "DE", "category": "books", "name": "USt.", "percent": "7", "inclusive": True},
        ]
        seller = LegalEntity.model_validate({**entity().model_dump(by_alias=True), "taxes": rules})

        tax = tax_for(seller, customer("DE"), category)

        assert (Decimal(percent), inclusive) == (tax.percent, tax.inclusive)

    @pytest.mark.parametrize(
        ("seller", "buyer", "percent", "reverse"),
        [
            ("DE", customer("DE"), "19", False),
            ("DE", customer("DE", "DE136695976"), "19", False),
            ("DE", customer(None), "19", False),
            ("DE", customer("FR", "FR40303265045"), "0", True),
            ("DE", customer("FR"), "0", False),
            ("DE", customer("CH", "CHE107787577"), "0", False),
            ("CH", customer("DE", "DE136695976"), "19", False),
            ("DE", customer("GR", "EL094259216"), "0", True),
        ],
        ids=[
            "at home",
            "a business at home",
            "nobody knows where",
            "a business in the Union",
            "a consumer in the Union",
            "outside of the Union",
            "from outside of the Union",
            "Greece",
        ],
    )
    def test_depends_on_where_both_are(self, seller: str, buyer: Customer, percent: str, *, reverse: bool) -> None:
        tax = tax_for(entity(seller), buyer)

        assert (Decimal(percent), reverse) == (tax.percent, tax.reverse_charge)


class TestTaxId:
    @pytest.mark.parametrize(
        ("tax_id", "country", "valid"),
        [
            ("DE136695976", "DE", True),
            ("DE136695970", "DE", False),
            ("ATU13585627", "AT", True),
            ("EL094259216", "GR", True),
            ("DE136695976", "FR", False),
            ("GB980780684", "GB", True),
            ("GB980780685", "GB", False),
            ("whatever", "SA", True),
        ],
    )
    def test_has_the_check_digits_of_its_country(self, tax_id: str, country: str, *, valid: bool) -> None:
        assert tax_id_is_valid(tax_id, country) is valid
