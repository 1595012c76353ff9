"""Recurring revenue and what became of it, month by month, from the lines that customers were charged.

A line counts at every instant of its period, with the price of a whole month: what is charged when a period begins,
less what is given back when it ends early. So plan changes, pauses and cancellations need no rules of their own.
Amounts are in minor units of their currency, and never added up across currencies.
"""

from __future__ import annotations

import polars as pl

_INSTANT = pl.Datetime("us", "UTC")
LINES: dict[str, pl.DataType] = {
    "customer_id": pl.String(),
    "currency": pl.String(),
    "start": _INSTANT,
    "end": _INSTANT,
    "monthly": pl.Float64(),
}
"""One row per recurring line: what it comes to for a month, in minor units; negative if it gives back."""

MONTHS: dict[str, pl.DataType] = {"month": pl.Date(), "at": _INSTANT}
"""Months by their first day, without a gap, and the last instant of each that counts."""


def recurring(lines: pl.LazyFrame, months: pl.LazyFrame) -> pl.LazyFrame:
    """What each customer's subscriptions came to for a month, at the end of each.

    returns: month date, customer_id str, currency str, mrr i64   (one row per customer that has any)
    """
    running = lines.join_where(months, pl.col("start") <= pl.col("at"), pl.col("at") < pl.col("end"))
    by_customer = running.group_by("month", "customer_id", "currency").agg(pl.col("monthly").sum())
    # Half a minor unit is up, and what is less than half a unit off nothing is nothing.
    whole = (pl.col("monthly") + 0.5).floor().cast(pl.Int64).alias("mrr")
    return by_customer.select("month", "customer_id", "currency", whole).filter(pl.col("mrr") > 0)


def movements(mrr: pl.LazyFrame, months: pl.LazyFrame) -> pl.LazyFrame:
    """What became of it from the end of one month to that of the next, and how many customers that were.

    opening + new + reactivation + expansion - contraction - churn = closing, in amounts, and without expansion and
    contraction in customers.
    returns: month, currency, opening, new, reactivation, expansion, contraction, churn, closing (i64), and customers_
    opening, _new, _reactivated, _churned, _closing (i64)   (one row per month and currency; months: in their order)
    """
    seen = mrr.group_by("customer_id", "currency").agg(pl.col("month").min().alias("first"))
    grid = seen.join(months.select("month"), how="cross").filter(pl.col("month") >= pl.col("first"))
    known = grid.join(mrr, on=["month", "customer_id", "currency"], how="left").with_columns(pl.col("mrr").fill_null(0))
    moved = known.sort("month").with_columns(
        pl.col("mrr").shift(1, fill_value=0).over("customer_id", "currency", order_by="month").alias("before")
    )
    now, before = pl.col("mrr"), pl.col("before")
    came, went = (before == 0) & (now > 0), (before > 0) & (now == 0)
    new = came & (pl.col("month") == pl.col("first"))
    back = came & (pl.col("month") > pl.col("first"))
    more, less = (before > 0) & (now > before), (now > 0) & (now < before)
    nothing = pl.lit(0, pl.Int64)

    def summed(amount: pl.Expr, of: pl.Expr, name: str) -> pl.Expr:
        return pl.when(of).then(amount).otherwise(nothing).sum().alias(name)

    return (
        moved.group_by("month", "currency")
        .agg(
            before.sum().alias("opening"),
            summed(now, new, "new"),
            summed(now, back, "reactivation"),
            summed(now - before, more, "expansion"),
            summed(before - now, less, "contraction"),
            summed(before, went, "churn"),
            now.sum().alias("closing"),
            (before > 0).sum().cast(pl.Int64).alias("customers_opening"),
            new.sum().cast(pl.Int64).alias("customers_new"),
            back.sum().cast(pl.Int64).alias("customers_reactivated"),
            went.sum().cast(pl.Int64).alias("customers_churned"),
            (now > 0).sum().cast(pl.Int64).alias("customers_closing"),
        )
        .sort("currency", "month")
    )


def rates(moved: pl.LazyFrame) -> pl.LazyFrame:
    """Shares of what a month began with, and what a customer is worth; null where nothing was there to begin with.

    arr: twelve times the closing MRR. logo_churn, revenue_churn: of the month. nrr, grr: net and gross revenue
    retention of the month. ltv: revenue per customer over the logo churn of the last twelve months, in minor units.
    returns: month, currency, arr i64, logo_churn, revenue_churn, nrr, grr, arpa, ltv (f64 or null)
    """
    opening, closing = pl.col("opening"), pl.col("customers_closing")

    def share(of: pl.Expr, whole: pl.Expr) -> pl.Expr:
        return pl.when(whole > 0).then(of / whole)

    lost = pl.col("customers_churned").rolling_sum(12, min_samples=1).over("currency", order_by="month")
    had = pl.col("customers_opening").rolling_sum(12, min_samples=1).over("currency", order_by="month")
    arpa = share(pl.col("closing"), closing)
    return moved.select(
        "month",
        "currency",
        (pl.col("closing") * 12).alias("arr"),
        share(pl.col("customers_churned"), pl.col("customers_opening")).alias("logo_churn"),
        share(pl.col("churn"), opening).alias("revenue_churn"),
        share(opening + pl.col("expansion") - pl.col("contraction") - pl.col("churn"), opening).alias("nrr"),
        share(opening - pl.col("contraction") - pl.col("churn"), opening).alias("grr"),
        arpa.alias("arpa"),
        pl.when(lost > 0).then(arpa * had / lost).alias("ltv"),
    )


def cohorts(mrr: pl.LazyFrame) -> pl.LazyFrame:
    """Of the customers that began in the same month, how many there are so many months later, and what they come to.

    returns: cohort date, age i64 (months), currency, customers i64, mrr i64   (one row per cohort, age and currency)
    """
    first = pl.col("month").min().over("customer_id", "currency").alias("cohort")
    aged = mrr.with_columns(first).with_columns(
        (
            (pl.col("month").dt.year() - pl.col("cohort").dt.year()) * 12
            + (pl.col("month").dt.month().cast(pl.Int32) - pl.col("cohort").dt.month().cast(pl.Int32))
        )
        .cast(pl.Int64)
        .alias("age")
    )
    return (
        aged.group_by("cohort", "age", "currency")
        .agg(pl.len().cast(pl.Int64).alias("customers"), pl.col("mrr").sum())
        .sort("currency", "cohort", "age")
    )
