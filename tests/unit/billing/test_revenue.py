"""Recurring revenue: nothing is lost between months, and another engine reckons the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.billing.revenue import _months, month_end
from analytics.billing.charts import cohorts_chart, movements_chart, mrr_chart
from analytics.billing.revenue import LINES, MONTHS, cohorts, movements, rates, recurring

FIRST = date(2026, 1, 1)
LATEST = datetime(2026, 12, 31, tzinfo=UTC)
lines = st.lists(
    st.tuples(
        st.sampled_from(["cus_a", "cus_b", "cus_c"]),
        st.sampled_from(["EUR", "USD"]),
        st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        st.integers(1, 200),
        st.sampled_from([-700.0, 0.0, 333.25, 1000.0, 4999.5]),
    ).map(lambda line: (line[0], line[1], line[2], line[2] + timedelta(days=line[3]), line[4])),
    max_size=30,
)


def months(count: int = 11) -> pl.LazyFrame:
    days = _months(FIRST, date(2026, count, 1))
    return pl.DataFrame({"month": days, "at": [month_end(day, LATEST) for day in days]}, schema=MONTHS).lazy()


def frame(rows: list[Any]) -> pl.LazyFrame:
    return pl.DataFrame(rows, schema=LINES, orient="row").lazy()


class TestRecurring:
    @given(lines)
    @settings(max_examples=60)
    def test_is_what_duckdb_reckons_in_plain_sql(self, rows: list[Any]) -> None:
        found = recurring(frame(rows), months()).sort("month", "customer_id", "currency").collect()

        told = frame(rows).collect()
        spans = months().collect()
        with duckdb.connect() as engine:
            engine.register("told", told.to_arrow())
            engine.register("spans", spans.to_arrow())
            referee = engine.execute(
                "SELECT month, customer_id, currency, floor(sum(monthly) + 0.5)::BIGINT AS mrr FROM told JOIN spans "
                'ON "start" <= spans."at" AND spans."at" < "end" GROUP BY ALL HAVING mrr > 0 ORDER BY ALL'
            ).fetchall()
        assert referee == found.rows()


class TestMovements:
    @given(lines)
    @settings(max_examples=60)
    def test_lead_from_what_a_month_begins_with_to_what_it_ends_with(self, rows: list[Any]) -> None:
        mrr = recurring(frame(rows), months())
        moved = movements(mrr, months()).collect().to_dicts()

        closing: dict[str, tuple[int, int]] = {}
        for row in moved:
            gains = row["new"] + row["reactivation"] + row["expansion"]
            assert row["opening"] + gains - row["contraction"] - row["churn"] == row["closing"]
            came = row["customers_new"] + row["customers_reactivated"]
            assert row["customers_opening"] + came - row["customers_churned"] == row["customers_closing"]
            before = closing.get(row["currency"], (0, 0))
            assert before == (row["opening"], row["customers_opening"])
            closing[row["currency"]] = (row["closing"], row["customers_closing"])
        whole = mrr.group_by("month", "currency").agg(pl.col("mrr").sum()).collect()
        sums = {(row["month"], row["currency"]): row["mrr"] for row in whole.to_dicts()}
        assert all(sums.get((row["month"], row["currency"]), 0) == row["closing"] for row in moved)

    def test_tell_who_is_new_from_who_comes_back(self) -> None:
        january, march, june = (datetime(2026, month, 10, tzinfo=UTC) for month in (1, 3, 6))
        rows = [
            ("cus_a", "EUR", january, march, 1000.0),
            ("cus_a", "EUR", june, june + timedelta(days=90), 800.0),
            ("cus_b", "EUR", january, june, 500.0),
            ("cus_b", "EUR", march, june, 250.0),
        ]

        by_month = {
            row["month"].month: row
            for row in movements(recurring(frame(rows), months()), months()).collect().to_dicts()
        }

        assert (1500, 2) == (by_month[1]["new"], by_month[1]["customers_new"])
        assert (1000, 250) == (by_month[3]["churn"], by_month[3]["expansion"])
        assert (800, 750) == (by_month[6]["reactivation"], by_month[6]["churn"])


class TestRates:
    def test_are_shares_of_what_was_there(self) -> None:
        january, april = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 4, 10, tzinfo=UTC)
        end = datetime(2027, 1, 1, tzinfo=UTC)
        rows = [("cus_a", "EUR", january, april, 1000.0), ("cus_b", "EUR", january, end, 3000.0)]
        moved = movements(recurring(frame(rows), months(4)), months(4))

        [_, march, april_] = rates(moved).sort("month").collect().to_dicts()[1:]

        assert (48_000, 0.0, 1.0, 2000.0, None) == tuple(
            march[name] for name in ("arr", "logo_churn", "nrr", "arpa", "ltv")
        )
        assert (36_000, 0.5, 0.25, 0.75) == tuple(
            april_[name] for name in ("arr", "logo_churn", "revenue_churn", "grr")
        )
        # Seven customer-months at risk since January, of which one was lost: a customer stays for six of them.
        assert 3000.0 * 6 == april_["ltv"]


class TestCohorts:
    def test_are_customers_by_the_month_they_began_in(self) -> None:
        january, march = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)
        end = datetime(2027, 1, 1, tzinfo=UTC)
        rows = [
            ("cus_a", "EUR", january, march, 1000.0),
            ("cus_b", "EUR", january, end, 500.0),
            ("cus_c", "EUR", march, end, 200.0),
        ]

        found = cohorts(recurring(frame(rows), months(4))).collect().to_dicts()

        told = [(row["cohort"].month, row["age"], row["customers"], row["mrr"]) for row in found]
        assert [
            (1, 0, 2, 1500),
            (1, 1, 2, 1500),
            (1, 2, 1, 500),
            (1, 3, 1, 500),
            (3, 0, 1, 200),
            (3, 1, 1, 200),
        ] == told


class TestCharts:
    def test_are_drawn_with_a_title_and_every_month(self) -> None:
        january, end = datetime(2026, 1, 10, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
        mrr = recurring(frame([("cus_a", "EUR", january, end, 1000.0)]), months(4))
        moved = movements(mrr, months(4)).collect().to_dicts()

        drawn = [mrr_chart(moved, 2), movements_chart(moved, 2), cohorts_chart(cohorts(mrr).collect().to_dicts())]

        assert all(svg.startswith("<svg") for svg in drawn)
        assert "Monthly recurring revenue, EUR" in drawn[0]
        assert "Customers retained, EUR" in drawn[2]
