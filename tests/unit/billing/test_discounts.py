"""Discounts: nothing is lost between lines, never more is taken than there is, and no credit exceeds what was paid."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from subscribed import BEGIN

from domain.billing.coupon_model import AmountOff, PercentOff, Redemption
from domain.billing.discounts import discounts
from domain.billing.ids import CustomerId, RedemptionId
from domain.billing.subscription_model import Accrual, LineKind
from domain.kernel.money import Money, Rounding

minors = st.lists(st.integers(1, 10**7), min_size=1, max_size=12)
percents = st.decimals(Decimal("0.01"), 100, places=2, allow_nan=False)


def accrual(number: int, minor: int, **more: Any) -> Accrual:
    fields: dict[str, Any] = {
        "key": f"{number}/pro/base/begin",
        "kind": LineKind.RECURRING,
        "plan_code": "pro",
        "plan_version": 1,
        "charge_code": f"base{number}",
        "name": "Base",
        "period_start": BEGIN,
        "period_end": BEGIN + timedelta(days=30),
        "quantity": Decimal(1),
        "price": Money(minor=minor, currency="EUR"),
        "share": "1",
        "amount": Money(minor=minor, currency="EUR"),
        "occurred_at": BEGIN,
    }
    return Accrual(**{**fields, **more})


def redemption(discount: PercentOff | AmountOff, number: int = 1, **more: Any) -> Redemption:
    fields: dict[str, Any] = {
        "id": RedemptionId.numbered(number),
        "coupon": "welcome",
        "customer_id": CustomerId("cus_01h455vb4pex5vsknk084sn02q"),
        "subscription_id": None,
        "name": "Welcome",
        "discount": discount,
        "invoices_left": None,
        "redeemed_at": BEGIN,
    }
    return Redemption(**{**fields, **more})


def off(found: dict[str, Any], line: Accrual) -> int:
    return sum(each.amount.minor for each in found.get(line.key, ()))


coupons = st.lists(
    st.one_of(
        percents.map(lambda percent: PercentOff(percent=percent)),
        st.integers(1, 10**7).map(lambda minor: AmountOff(amounts={"EUR": Decimal(minor) / 100})),
    ),
    max_size=4,
).map(lambda found: [redemption(each, number) for number, each in enumerate(found, 1)])


class TestDiscounts:
    @given(minors, percents)
    def test_of_a_percentage_sum_to_that_of_the_sum(self, given: list[int], percent: Decimal) -> None:
        lines = [accrual(number, minor) for number, minor in enumerate(given)]

        found = discounts(lines, [redemption(PercentOff(percent=percent))], {}, {})

        whole = Money(minor=sum(given), currency="EUR").times(percent / 100, Rounding.HALF_UP)
        assert whole.minor == sum(off(found, line) for line in lines)

    @given(minors, st.integers(1, 10**8))
    def test_of_an_amount_take_it_all_or_all_there_is(self, given: list[int], minor: int) -> None:
        lines = [accrual(number, each) for number, each in enumerate(given)]

        found = discounts(lines, [redemption(AmountOff(amounts={"EUR": Decimal(minor) / 100}))], {}, {})

        assert min(minor, sum(given)) == sum(off(found, line) for line in lines)

    @given(minors, coupons)
    def test_leave_no_line_below_nothing(self, given: list[int], redeemed: list[Redemption]) -> None:
        lines = [accrual(number, each) for number, each in enumerate(given)]

        found = discounts(lines, redeemed, {}, {})

        assert all(0 <= off(found, line) <= line.amount.minor for line in lines)

    @given(st.integers(1, 10**7), st.fractions(0, 1), coupons)
    def test_give_back_no_more_than_was_paid(self, minor: int, share: Fraction, redeemed: list[Redemption]) -> None:
        charge = accrual(1, minor)
        back = charge.amount.times(share, Rounding.HALF_UP)
        credit = accrual(1, -back.minor, key="2/pro/base1/rest", period_start=BEGIN + timedelta(days=3))

        found = discounts([charge, credit], redeemed, {}, {})
        paid = minor - off(found, charge)
        later = discounts([credit], redeemed, {}, {credit.key: Fraction(off(found, charge), minor)})

        assert 0 <= back.minor + off(found, credit) <= paid
        assert off(found, credit) == off(later, credit), "on the same invoice or on the next one"

    def test_are_for_the_plans_and_products_that_they_name(self) -> None:
        lines = [
            accrual(1, 1000),
            accrual(2, 1000, plan_code="extra"),
            accrual(3, 1000, plan_code=None, plan_version=None, charge_code="training"),
        ]
        products = {("pro", 1, ""): "map", ("extra", 1, ""): None, (None, None, "training"): "map"}
        half = PercentOff(percent=Decimal(50))

        by_plan = discounts(lines, [redemption(half, plans=("extra",))], products, {})
        by_product = discounts(lines, [redemption(half, products=("map",))], products, {})

        assert [0, 500, 0] == [off(by_plan, line) for line in lines]
        assert [500, 0, 500] == [off(by_product, line) for line in lines]

    def test_apply_one_after_the_other(self) -> None:
        [line] = lines = [accrual(1, 10_000)]
        first, second = (redemption(PercentOff(percent=Decimal(each)), number) for number, each in ((1, 50), (2, 10)))

        assert 5_500 == off(discounts(lines, [first, second], {}, {}), line)

    def test_in_another_currency_are_none(self) -> None:
        [line] = lines = [accrual(1, 10_000)]

        assert 0 == off(discounts(lines, [redemption(AmountOff(amounts={"USD": Decimal(1)}))], {}, {}), line)
