"""`harborgrid import-usage`: files of any size, kept once, and counted as DuckDB counts them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from conftest import Stack, Tenant
from integration.cli.harborgrid_command import Told, harborgrid

from adapters.kernel.clock import utc_now

ROWS = 2_345


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Tenant:
    tenant = await stack.tenant(organisation="The Imported")
    await post(
        tenant, "meters", code="traffic", name="T", eventType="moved", aggregation="sum", property="gb", unit="GB"
    )
    price = {"kind": "usage", "code": "traffic", "name": "Traffic", "meter": "traffic"}
    prices = {"EUR": {"model": "per_unit", "unitPrice": "0.01"}}
    terms = {"name": "Metered", "interval": "month", "charges": [{**price, "prices": prices}]}
    await post(tenant, "plans", code="metered", terms=terms)
    return tenant


async def post(tenant: Tenant, path: str, **body: Any) -> Any:
    answer = await tenant.http.post(f"/v1/billing/{path}", json=body, headers=tenant.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def subscribed(seller: Tenant, name: str) -> tuple[str, str]:
    """A customer by this name, and its subscription."""
    buyer = {"name": name, "externalId": name, "email": "pay@initech.example", "currency": "EUR", "country": "DE"}
    customer = await post(seller, "customers", **buyer)
    bought = await post(seller, "subscriptions", customerId=customer["id"], planCode="metered")
    return customer["id"], bought["id"]


async def counted(seller: Tenant, subscription: str) -> Decimal:
    usage = await seller.get(f"/v1/billing/subscriptions/{subscription}/usage")
    return Decimal(usage[0]["line"]["quantity"])


async def import_usage(stack: Stack, seller: Tenant, path: Path, *words: str) -> Told:
    return await harborgrid(stack, "import-usage", str(path), *words, HARBORGRID_API_KEY=seller.api_key)


def rows(subject: str, number: int) -> pl.DataFrame:
    # After the subscription began, and before the command has started.
    began = utc_now()
    return pl.DataFrame(
        {
            "id": [f"{subject}-{each}" for each in range(number)],
            "subject": subject,
            "time": [began + timedelta(microseconds=each) for each in range(number)],
            "gb": pl.Series([Decimal(each) / 100 for each in range(number)], dtype=pl.Decimal(12, 2)),
            "region": ["eu" if each % 2 else None for each in range(number)],
        }
    )


WORDS = ("--source", "/warehouse", "--type", "moved")


class TestImport:
    async def test_of_parquet_keeps_every_row_once(self, stack: Stack, seller: Tenant, tmp_path: Path) -> None:
        await subscribed(seller, "parquet")
        path = tmp_path / "usage.parquet"
        rows("parquet", ROWS).write_parquet(path)

        first = await import_usage(stack, seller, path, *WORDS)
        second = await import_usage(stack, seller, path, *WORDS)

        assert (0, 0) == (first.code, second.code), first.out + first.err + second.err
        assert "2,345 events kept, 0 were there before" in first.out
        assert "0 events kept, 2,345 were there before" in second.out
        assert f"{ROWS}/{ROWS}" in first.out
        assert "without" not in first.out

    @pytest.mark.parametrize("kind", ["csv", "ndjson"])
    async def test_counts_what_duckdb_counts(self, stack: Stack, seller: Tenant, tmp_path: Path, kind: str) -> None:
        _, subscription = await subscribed(seller, kind)
        path, frame = (
            tmp_path / f"usage.{kind}",
            rows(kind, 250).with_columns(pl.col("time").dt.to_string("iso:strict")),
        )
        if kind == "csv":
            frame.write_csv(path)
        else:
            frame.select(
                "id", "subject", "time", pl.struct(pl.col("gb").cast(pl.String), "region").alias("data")
            ).write_ndjson(path)

        told = await import_usage(stack, seller, path, *WORDS)

        field = "gb" if kind == "csv" else "data.gb"
        [[total]] = duckdb.sql(f"SELECT sum({field}::DECIMAL(12, 2)) FROM '{path}'").fetchall()
        assert 0 == told.code, told.out + told.err
        assert total > 0
        assert total == await counted(seller, subscription)

    async def test_says_what_nobody_is_charged_for(self, stack: Stack, seller: Tenant, tmp_path: Path) -> None:
        path = tmp_path / "usage.csv"
        path.write_text("id,subject,gb\nnobody-1,nobody,1\n")

        told = await import_usage(stack, seller, path, "--source", "/warehouse", "--type", "unheard.of")

        assert 0 == told.code
        assert "without a customer, and so charged to nobody: nobody" in told.out
        assert "without a meter, and so charged to nobody: unheard.of" in told.out

    @pytest.mark.parametrize(
        ("line", "says"),
        [("bad-2,somebody,a lot", "gb"), ("bad-2,,1", "subject"), ("bad-0,somebody,2", "another content")],
        ids=["not a number", "no subject", "its name is taken"],
    )
    async def test_names_the_rows_that_are_refused(
        self, stack: Stack, seller: Tenant, tmp_path: Path, line: str, says: str
    ) -> None:
        kept = tmp_path / "kept.csv"
        kept.write_text("id,subject,gb\nbad-0,somebody,1\n")
        path = tmp_path / "usage.csv"
        path.write_text(f"id,subject,gb\nbad-0,somebody,1\nbad-1,somebody,1\n{line}\n")

        await import_usage(stack, seller, kept, *WORDS)
        told = await import_usage(stack, seller, path, *WORDS)

        assert 1 == told.code, told.out + told.err
        assert "row 3: " in told.out
        assert says in told.out
        assert "0 events are kept. Import the file again" in told.out

    @pytest.mark.parametrize(
        ("name", "text", "says"),
        [
            ("usage.xlsx", "", "ends in .parquet, .csv, .ndjson"),
            ("usage.csv", "key,customer\n1,2\n", "has no column id, source, subject, type among key, customer"),
            ("usage.parquet", "no parquet", "cannot be read"),
        ],
    )
    async def test_says_what_is_wrong_with_a_file(
        self, stack: Stack, seller: Tenant, tmp_path: Path, name: str, text: str, says: str
    ) -> None:
        path = tmp_path / name
        path.write_text(text)

        told = await import_usage(stack, seller, path)

        assert 2 == told.code
        assert says in told.err
