"""The audit of a simulation finds what is wrong with books, and nothing in those that are right."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from cli.simulation.audit import Books, findings

NOW = datetime(2027, 3, 2, tzinfo=UTC)
FIRST, SECOND, THIRD = "2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z"


def money(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "EUR"}


def line(number: int, start: str, end: str) -> dict[str, Any]:
    return {
        "id": f"lin_{number}",
        "key": f"{number}/pro/base/begin",
        "kind": "recurring",
        "planCode": "pro",
        "chargeCode": "base",
        "subscriptionId": "sub_1",
        "periodStart": start,
        "periodEnd": end,
        "amount": money(1000),
        "invoiceId": f"inv_{number}",
        "creditNoteId": None,
        "taxed": {"net": money(1000), "tax": money(190)},
    }


def invoice(number: int, of: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"inv_{number}",
        "number": f"DE-2027-{number:06}",
        "status": "paid",
        "subscriptionId": "sub_1",
        "createdAt": of["periodStart"],
        "due": money(1190),
        "finalizeAt": of["periodStart"],
        "content": {"lines": [of], "net": money(1000), "taxAmount": money(190), "total": money(1190)},
    }


def payment(number: int) -> dict[str, Any]:
    return {"id": f"pay_{number}", "status": "succeeded", "invoiceId": f"inv_{number}"}


def charge(number: int) -> dict[str, Any]:
    moved = {"amount_captured": 1190, "amount_refunded": 0, "amount_withdrawn": 0}
    return {**moved, "metadata": {"harborgrid_payment": f"pay_{number}"}}


def right() -> Books:
    """Two months of one customer."""
    lines = [line(1, FIRST, SECOND), line(2, SECOND, THIRD)]
    begun = {"revision": 1, "change": "activated", "at": FIRST, "status": "active", "items": [{"planCode": "pro"}]}
    ended = {"revision": 2, "change": "canceled", "at": THIRD, "status": "canceled", "items": [{"planCode": "pro"}]}
    return Books(
        subscriptions=[{"id": "sub_1", "next": None}],
        lines=lines,
        revisions={"sub_1": [begun, ended]},
        invoices=[invoice(number, each) for number, each in enumerate(lines, 1)],
        payments=[payment(1), payment(2)],
        balances=[
            {"account": "stripe", "balance": money(2380)},
            {"account": "receivable", "balance": money(0)},
            {"account": "revenue", "balance": money(-2000)},
            {"account": "tax_payable", "balance": money(-380)},
        ],
        charges=[charge(1), charge(2)],
        grants=[],
        notes=[],
        now=NOW,
    )


def broken(books: Books) -> list[str]:
    return [each.rule for each in findings(books) if each.wrong]


def number_missing(books: Books) -> None:
    books.invoices[1]["number"] = "DE-2027-000003"


def line_twice(books: Books) -> None:
    books.invoices[1]["content"]["lines"] = books.invoices[0]["content"]["lines"]


def line_forgotten(books: Books) -> None:
    books.lines[1]["invoiceId"] = None
    del books.invoices[1], books.payments[1], books.charges[1]
    books.invoices[0]["number"] = "DE-2027-000001"
    books.balances[0]["balance"], books.balances[2]["balance"] = money(1190), money(-1000)
    books.balances[3]["balance"] = money(-190)


def sum_wrong(books: Books) -> None:
    books.invoices[0]["content"]["total"] = money(1191)


def month_left_out(books: Books) -> None:
    books.lines[1]["periodStart"] = "2027-02-02T00:00:00Z"


def month_twice(books: Books) -> None:
    books.lines[1]["periodStart"] = "2027-01-31T00:00:00Z"


def left_undone(books: Books) -> None:
    books.subscriptions[0]["next"] = {"name": "renew", "at": THIRD}


def off_balance(books: Books) -> None:
    books.balances[2]["balance"] = money(-1999)


def owed_otherwise(books: Books) -> None:
    books.balances[1]["balance"], books.balances[2]["balance"] = money(5), money(-2005)


def credit_lost(books: Books) -> None:
    books.balances.append({"account": "customer_credit", "balance": money(-500)})


def note_half_settled(books: Books) -> None:
    content = {"total": money(1190), "lines": [{"taxed": {"net": money(1000), "tax": money(190)}}]}
    ways = {"lessenedDue": money(0), "credited": money(1000), "refunded": money(0)}
    books.notes.append({"id": "crn_1", "number": "DE-CN-2027-000001", "invoiceId": "inv_1", "content": content, **ways})


def charged_twice(books: Books) -> None:
    books.charges.append(charge(2))


def charged_for_nothing(books: Books) -> None:
    books.payments[1]["status"] = "failed"


class TestFindings:
    def test_are_none_in_books_that_are_right(self) -> None:
        assert [] == broken(right())

    @pytest.mark.parametrize(
        ("harm", "rule"),
        [
            (number_missing, "invoice numbers have no gap, and none comes twice"),
            (line_twice, "every line is on one invoice, or is a credit that waits for one"),
            (line_forgotten, "every line is on one invoice, or is a credit that waits for one"),
            (sum_wrong, "every invoice is the sum of its lines"),
            (month_left_out, "no time is charged twice, and none is left out"),
            (month_twice, "no time is charged twice, and none is left out"),
            (left_undone, "nothing that is due was left undone"),
            (off_balance, "the ledger balances"),
            (owed_otherwise, "what is owed in the ledger is what is open"),
            (credit_lost, "what customers have to spend is what the ledger owes them"),
            (note_half_settled, "every credit note is the sum of its lines, and settled once"),
            (charged_twice, "every charge at the provider is one payment, of one invoice"),
            (charged_for_nothing, "every charge at the provider is one payment, of one invoice"),
        ],
        ids=lambda each: each.__name__ if callable(each) else "",
    )
    def test_name_the_rule_that_is_broken(self, harm: Any, rule: str) -> None:
        books = deepcopy(right())
        harm(books)

        assert rule in broken(books)
