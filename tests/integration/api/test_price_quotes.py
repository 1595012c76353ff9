"""What a price comes to, before it is put into a plan."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant

QUOTES = "/v1/billing/price-quotes"
GRADUATED = {
    "model": "graduated",
    "tiers": [{"upTo": "1000", "unitPrice": "0.10"}, {"unitPrice": "0.05", "flatFee": "5.00"}],
}


async def asked(caller: Tenant, **body: Any) -> httpx.Response:
    return await caller.http.post(QUOTES, json={"price": GRADUATED, "currency": "EUR", **body}, headers=caller.headers)


class TestQuote:
    async def test_explains_every_step(self, neighbour: Tenant) -> None:
        answer = await asked(neighbour, quantity="1500", commitmentMinor=20_000)

        quote = answer.json()["data"]
        assert [
            ("units", "1000", 1, 10_000),
            ("units", "500", 2, 2_500),
            ("tier_fee", "1", 2, 500),
        ] == [
            (step["kind"], step["quantity"], step["tier"], step["amount"]["minor"]) for step in quote["line"]["steps"]
        ]
        assert [13_000, 7_000, 20_000] == [
            amount["minor"] for amount in (quote["line"]["amount"], quote["trueUp"], quote["total"])
        ]

    async def test_knows_the_minor_units_of_the_currency(self, neighbour: Tenant) -> None:
        price = {"model": "per_unit", "unitPrice": "0.0015"}

        minor = [
            (await asked(neighbour, price=price, quantity="1000", currency=currency)).json()["data"]["total"]["minor"]
            for currency in ("JPY", "EUR", "BHD")
        ]

        assert [2, 150, 1_500] == minor

    async def test_of_a_percentage_wants_the_transactions(self, neighbour: Tenant) -> None:
        price = {"model": "percentage", "rate": "2.9", "fixedFee": "0.30"}

        refused = await asked(neighbour, price=price, quantity="100")
        quoted = await asked(neighbour, price=price, transactions=["10.00", "90.00"])

        assert (422, "billing.usage_missing") == (refused.status_code, refused.json()["error"]["code"])
        assert {"model": "percentage", "missing": "transactions"}.items() <= refused.json()["error"]["details"].items()
        assert 350 == quoted.json()["data"]["total"]["minor"]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"quantity": "1", "currency": "XAU"},
            {"quantity": "-1"},
            {"quantity": "NaN"},
            {"quantity": "1", "price": {"model": "matrix"}},
            {"quantity": "1", "price": {**GRADUATED, "tiers": GRADUATED["tiers"][:1]}},
            {"quantity": "1", "price": {**GRADUATED, "discount": "1"}},
            {"quantity": "1", "commitmentMinor": -1},
        ],
        ids=["gold", "negative", "not a number", "no such model", "no end", "unknown field", "negative commitment"],
    )
    async def test_refuses_what_has_no_price(self, neighbour: Tenant, wrong: dict[str, Any]) -> None:
        answer = await asked(neighbour, **wrong)

        assert (422, "kernel.invalid") == (answer.status_code, answer.json()["error"]["code"])

    async def test_is_for_callers_who_are_known(self, stack: Stack) -> None:
        answer = await stack.http.post(QUOTES, json={"price": GRADUATED, "currency": "EUR", "quantity": "1"})

        assert 401 == answer.status_code
