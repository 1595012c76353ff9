"""Whole invoices by two engines: from prices and quantities to what is owed, in the domain and in DuckDB's SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st
from subscribed import BEGIN, customer

from domain.billing.coupon_model import AmountOff, PercentOff, Redemption
from domain.billing.discounts import discounts
from domain.billing.ids import CustomerId, RedemptionId
from domain.billing.invoice_model import InvoiceContent
from domain.billing.invoicing import invoiced, ordered
from domain.billing.legal_entity_model import LegalEntity
from domain.billing.prices import Graduated, Tier, Volume
from domain.billing.rating import Usage, rate
from domain.billing.subscription_model import Accrual, LineKind
from domain.kernel.money import Money, Rounding

ENGINE = duckdb.connect()
CATEGORIES = ("standard", "reduced", "print", "none")
PLANS = ("basic", "pro", "extra")


@dataclass(frozen=True)
class Sold:
    """A charge of a plan for a quantity; `back`: so many thousandths of it are given back on the same invoice."""

    plan: str
    category: str
    price: Graduated | Volume
    quantity: Decimal
    back: int


@dataclass(frozen=True)
class Off:
    """A coupon, in basis points or in cents, for some plans or for all."""

    percent: int | None
    amount: int
    plans: tuple[str, ...]


prices = st.integers(0, 10**8).map(lambda millionths: Decimal(millionths).scaleb(-6))


@st.composite
def tiered(draw: st.DrawFn) -> Graduated | Volume:
    ends = draw(st.lists(st.integers(1, 500), max_size=3, unique=True).map(sorted))
    tiers = tuple(
        Tier(up_to=None if end is None else Decimal(end), unit_price=draw(prices), flat_fee=draw(prices))
        for end in [*ends, None]
    )
    return Volume(tiers=tiers) if draw(st.booleans()) else Graduated(tiers=tiers)


sales = st.lists(
    st.builds(
        Sold,
        plan=st.sampled_from(PLANS),
        category=st.sampled_from(CATEGORIES),
        price=tiered(),
        quantity=st.integers(0, 10**6).map(lambda thousandths: Decimal(thousandths).scaleb(-3)),
        back=st.sampled_from((0, 0, 1, 333, 1000)),
    ),
    min_size=1,
    max_size=6,
)
coupons = st.lists(
    st.builds(
        Off,
        percent=st.none() | st.integers(1, 10_000),
        amount=st.integers(1, 10**6),
        plans=st.lists(st.sampled_from(PLANS), max_size=2, unique=True).map(tuple),
    ),
    max_size=3,
)
rates = st.integers(0, 3_000)

LINES = """
CREATE OR REPLACE TABLE line AS
WITH tier AS (
    SELECT number, category, plan, quantity, volume, back,
           unnest(list_prepend(0::BIGINT, ends)) AS below, unnest(list_append(ends, 9000000000000000)) AS up_to,
           unnest(prices) AS price, unnest(fees) AS fee
    FROM (SELECT unnest($sold, recursive := true))
), rated AS (
    SELECT number, category, plan, back, coalesce(sum(
        CASE WHEN volume THEN if(quantity > below AND quantity <= up_to, quantity, 0)
             ELSE greatest(least(quantity, up_to) - below, 0) END::HUGEINT * price
        + if(quantity > below AND (NOT volume OR quantity <= up_to), fee::HUGEINT * 1000, 0)), 0) AS billionths
    FROM tier GROUP BY ALL
), priced AS (
    SELECT * EXCLUDE billionths, (billionths + 5000000) // 10000000 AS amount FROM rated
)
SELECT number, false AS is_credit, category, plan, amount, amount AS rest FROM priced
UNION ALL
SELECT number, true, category, plan, -((2 * amount * back + 1000) // 2000), 0 FROM priced WHERE back > 0
"""
"""Quantities in thousandths, prices in millionths, amounts in cents; `rest` is what coupons have left of a charge."""

PERCENT_OFF = """
CREATE OR REPLACE TABLE line AS
WITH borne AS (
    SELECT number, rest, sum(rest) OVER (ORDER BY number) AS up_to FROM line
    WHERE NOT is_credit AND rest > 0 AND (len($plans::VARCHAR[]) = 0 OR list_contains($plans::VARCHAR[], plan))
), taken AS (
    SELECT number, (2 * up_to * $off + 10000) // 20000 - (2 * (up_to - rest) * $off + 10000) // 20000 AS minor
    FROM borne
)
SELECT line.* REPLACE (rest - if(is_credit, 0, coalesce(minor, 0)) AS rest) FROM line LEFT JOIN taken USING (number)
"""
AMOUNT_OFF = """
CREATE OR REPLACE TABLE line AS
WITH borne AS (
    SELECT number, rest, sum(rest) OVER () AS whole FROM line
    WHERE NOT is_credit AND rest > 0 AND (len($plans::VARCHAR[]) = 0 OR list_contains($plans::VARCHAR[], plan))
), shared AS (
    SELECT number, least($off, whole) * rest // whole AS share, least($off, whole) * rest % whole AS remainder,
           least($off, whole) AS off FROM borne
), taken AS (
    SELECT number, share + if(row_number() OVER (ORDER BY remainder DESC, number) <= off - sum(share) OVER (), 1, 0)
           AS minor FROM shared
)
SELECT line.* REPLACE (rest - if(is_credit, 0, coalesce(minor, 0)) AS rest) FROM line LEFT JOIN taken USING (number)
"""
INVOICE = """
WITH charged AS (
    SELECT number, category, is_credit, CASE
        WHEN NOT is_credit THEN line.rest
        WHEN charged = 0 THEN amount
        ELSE amount + (2 * -amount * (charged - borne) + charged) // (2 * charged)
    END AS owed
    FROM line LEFT JOIN (SELECT number, amount AS charged, rest AS borne FROM line WHERE NOT is_credit) USING (number)
), taxed AS (
    SELECT *, sum(owed) OVER (PARTITION BY category ORDER BY number, is_credit) AS up_to
    FROM charged JOIN (SELECT unnest($taxes, recursive := true)) USING (category)
), borne AS (
    SELECT *, if(inclusive, 10000 + percent, 10000) AS base FROM taxed
), rounded AS (
    SELECT *, sign(up_to) * ((2 * abs(up_to) * percent + base) // (2 * base)) AS tax_up_to,
           sign(up_to - owed) * ((2 * abs(up_to - owed) * percent + base) // (2 * base)) AS tax_before FROM borne
)
SELECT number, is_credit, (owed - if(inclusive, tax_up_to - tax_before, 0))::BIGINT AS net,
       (tax_up_to - tax_before)::BIGINT AS tax
FROM rounded ORDER BY number, is_credit
"""
"""Tax is rounded on what has been added up so far, so that it is that of the sum."""


def euros(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


def accrual(number: int, sold: Sold, amount: Money, *, is_credit: bool) -> Accrual:
    return Accrual(
        key=f"{number:02}/{'back' if is_credit else 'begin'}",
        kind=LineKind.RECURRING,
        plan_code=sold.plan,
        plan_version=1,
        charge_code=f"c{number:02}",
        name="A charge",
        tax_category=sold.category,
        # An invoice lists lines by their periods: this keeps them in the order in which they were sold.
        period_start=BEGIN + timedelta(hours=2 * number + is_credit),
        period_end=BEGIN + timedelta(days=30),
        quantity=sold.quantity,
        price=amount,
        share="1",
        amount=amount,
        occurred_at=BEGIN,
    )


def by_the_domain(sold: list[Sold], off: list[Off], seller: LegalEntity) -> InvoiceContent:
    lines = []
    for number, each in enumerate(sold):
        amount = rate(each.price, Usage(each.quantity), "EUR").amount
        lines.append(accrual(number, each, amount, is_credit=False))
        if each.back:
            back = amount.times(Decimal(each.back) / 1000, Rounding.HALF_UP)
            lines.append(accrual(number, each, -back, is_credit=True))
    redeemed = [
        Redemption(
            id=RedemptionId.numbered(number),
            coupon="welcome",
            customer_id=CustomerId("cus_01h455vb4pex5vsknk084sn02q"),
            subscription_id=None,
            name="Welcome",
            discount=AmountOff(amounts={"EUR": Decimal(each.amount) / 100})
            if each.percent is None
            else PercentOff(percent=Decimal(each.percent) / 100),
            plans=each.plans,
            invoices_left=None,
            redeemed_at=BEGIN,
        )
        for number, each in enumerate(off, 1)
    ]
    return invoiced(lines, seller, customer("DE"), discounts(ordered(lines), redeemed, {}, {}))


def by_duckdb(sold: list[Sold], off: list[Off], taxes: list[dict[str, Any]]) -> list[tuple[int, bool, int, int]]:
    """Number, whether it is a credit, net and tax of each line, in cents."""
    listed = [
        {
            "number": number,
            "category": each.category,
            "plan": each.plan,
            "quantity": int(each.quantity.scaleb(3)),
            "volume": isinstance(each.price, Volume),
            "back": each.back,
            "ends": [int(tier.up_to.scaleb(3)) for tier in each.price.tiers if tier.up_to is not None],
            "prices": [int(tier.unit_price.scaleb(6)) for tier in each.price.tiers],
            "fees": [int(tier.flat_fee.scaleb(6)) for tier in each.price.tiers],
        }
        for number, each in enumerate(sold)
    ]
    ENGINE.execute(LINES, {"sold": listed})
    for coupon in off:
        statement, value = (AMOUNT_OFF, coupon.amount) if coupon.percent is None else (PERCENT_OFF, coupon.percent)
        ENGINE.execute(statement, {"off": value, "plans": list(coupon.plans)})
    return ENGINE.execute(INVOICE, {"taxes": taxes}).fetchall()


class TestInvoice:
    @settings(max_examples=60)
    @given(sales, coupons, st.lists(rates, min_size=3, max_size=3), st.lists(st.booleans(), min_size=3, max_size=3))
    def test_is_the_same_by_duckdb(
        self, sold: list[Sold], off: list[Off], percents: list[int], inclusive: list[bool]
    ) -> None:
        taxes: list[dict[str, Any]] = [
            {"category": category, "percent": percent, "inclusive": included}
            for category, percent, included in zip(CATEGORIES, [*percents, 0], [*inclusive, False], strict=True)
        ]
        seller = LegalEntity.model_validate(
            {
                "code": "de",
                "name": "Initrode",
                "country": "DE",
                "numberPrefix": "X",
                "taxes": [
                    {**each, "country": "DE", "name": each["category"], "percent": str(Decimal(each["percent"]) / 100)}
                    for each in taxes
                ],
                "revision": 1,
                "createdAt": BEGIN,
                "updatedAt": BEGIN,
            }
        )

        content = by_the_domain(sold, off, seller)
        found = by_duckdb(sold, off, taxes)

        assert found == [
            (int(line.charge_code[1:]), line.key.endswith("back"), line.taxed.net.minor, line.taxed.tax.minor)
            for line in content.lines
        ]
        assert content.net == euros(sum(net for _, _, net, _ in found))
        assert content.tax_amount == euros(sum(tax for _, _, _, tax in found))
        assert content.total == content.net + content.tax_amount
        assert content.tax_amount == euros(sum(each.amount.minor for each in content.taxes))

    def test_would_notice_a_cent(self) -> None:
        price = Volume(tiers=(Tier(up_to=None, unit_price=Decimal("0.333333")),))
        sold = [Sold("pro", "standard", price, Decimal(each), 0) for each in (100, 200)]
        taxes = [{"category": "standard", "percent": 1_900, "inclusive": False}]

        found = by_duckdb(sold, [Off(None, 1_000, ())], taxes)

        assert [(0, False, 3_000, 570), (1, False, 6_000, 1_140)] == found
