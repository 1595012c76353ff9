"""Whether the books of a simulated tenant are right, by what its REST API and the payment provider say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Books:
    """Everything there is, as REST tells it, and the provider's charges."""

    subscriptions: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    revisions: dict[str, list[dict[str, Any]]]
    invoices: list[dict[str, Any]]
    payments: list[dict[str, Any]]
    balances: list[dict[str, Any]]
    charges: list[dict[str, Any]]
    grants: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    now: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, how often it was looked at, and what breaks it."""

    rule: str
    looked_at: int
    wrong: list[str]


def findings(books: Books) -> list[Finding]:
    """Every rule."""
    return [
        _numbers(books),
        _lines_once(books),
        _sums(books),
        _no_gap_no_overlap(books),
        _nothing_late(books),
        _balanced(books),
        _receivable(books),
        _credit(books),
        _notes(books),
        _charges_once(books),
        _provider_agrees(books),
    ]


def _numbers(books: Books) -> Finding:
    """By year: 1, 2, 3, ..."""
    by_year: dict[str, list[int]] = defaultdict(list)
    for invoice in books.invoices:
        if invoice["number"]:
            series, _, number = invoice["number"].rpartition("-")
            by_year[series].append(int(number))
    wrong = [
        f"{series} has {len(found)} numbers up to {max(found)}"
        for series, found in by_year.items()
        if sorted(found) != list(range(1, len(found) + 1))
    ]
    return Finding("invoice numbers have no gap, and none comes twice", sum(map(len, by_year.values())), wrong)


def _lines_once(books: Books) -> Finding:
    """What was charged is on one invoice, or waits for one."""
    on = Counter(
        line["key"] + invoice["subscriptionId"] for invoice in _owed(books) for line in invoice["content"]["lines"]
    )
    wrong = [f"{key} is on {count} invoices" for key, count in on.items() if count != 1]
    ids = {invoice["id"] for invoice in _owed(books)}
    wrong += [
        f"{line['id']} is on an invoice that is void"
        for line in books.lines
        if line["invoiceId"] and line["invoiceId"] not in ids
    ]
    expected = sum(line["invoiceId"] is not None for line in books.lines)
    if expected != sum(on.values()):
        wrong.append(f"{expected} lines are invoiced, and invoices have {sum(on.values())}")
    waiting: Counter[str] = Counter()
    for line in books.lines:
        waiting[line["subscriptionId"]] += 0 if line["invoiceId"] or line["creditNoteId"] else line["amount"]["minor"]
    wrong += [
        f"{subscription} owes {minor} that no invoice asks for" for subscription, minor in waiting.items() if minor > 0
    ]
    return Finding("every line is on one invoice, or is a credit that waits for one", len(books.lines), wrong)


def _sums(books: Books) -> Finding:
    wrong = []
    for invoice in books.invoices:
        content = invoice["content"]
        net = sum(line["taxed"]["net"]["minor"] for line in content["lines"])
        tax = sum(line["taxed"]["tax"]["minor"] for line in content["lines"])
        if (net, tax, net + tax) != tuple(content[name]["minor"] for name in ("net", "taxAmount", "total")):
            wrong.append(invoice["number"] or invoice["id"])
    return Finding("every invoice is the sum of its lines", len(books.invoices), wrong)


def _no_gap_no_overlap(books: Books) -> Finding:
    """While a subscription is active, each instant is charged once: charges count up, credits count down."""
    wrong, looked_at = [], 0
    advance: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for line in books.lines:
        if line["kind"] == "recurring" and line["chargeCode"] in {"seats", "base"} and line["planCode"] != "metered":
            advance[line["subscriptionId"], line["planCode"], line["chargeCode"]].append(line)
    for (subscription, plan, _), lines in advance.items():
        looked_at += len(lines)
        held = list(_held(books.revisions[subscription], plan, books.now))
        for start, end, depth in _depths(lines):
            inside = any(begin <= start and end <= until for begin, until in held)
            outside = all(end <= begin or until <= start for begin, until in held)
            if (inside and depth != 1) or (outside and depth not in (0, 1) and start < books.now):
                wrong.append(f"{subscription} {plan}: {depth} times from {start} to {end}")
    return Finding("no time is charged twice, and none is left out", looked_at, wrong)


def _held(revisions: list[dict[str, Any]], plan: str, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When the subscription was active on this plan, by its history. `revisions` are oldest first."""
    ends = [*(datetime.fromisoformat(each["at"]) for each in revisions[1:]), now]
    for revision, end in zip(revisions, ends, strict=True):
        begin = datetime.fromisoformat(revision["at"])
        scheduled = revision["change"] in {"change_scheduled", "downgraded_later"}
        if (
            revision["status"] == "active"
            and not scheduled
            and revision["items"][0]["planCode"] == plan
            and begin < end
        ):
            yield begin, end


def _depths(lines: Iterable[dict[str, Any]]) -> Iterator[tuple[datetime, datetime, int]]:
    """How often each stretch of time is charged."""
    turns: Counter[datetime] = Counter()
    for line in lines:
        # What is given back of a moment may round to nothing.
        sign = -1 if line["amount"]["minor"] < 0 or line["key"].endswith("/rest") else 1
        turns[datetime.fromisoformat(line["periodStart"])] += sign
        turns[datetime.fromisoformat(line["periodEnd"])] -= sign
    depth, instants = 0, sorted(turns)
    for start, end in pairwise(instants):
        depth += turns[start]
        yield start, end, depth


def _nothing_late(books: Books) -> Finding:
    late = [
        f"{each['id']} should {each['next']['name']} at {each['next']['at']}"
        for each in books.subscriptions
        if each["next"] and datetime.fromisoformat(each["next"]["at"]) < books.now
    ]
    late += [
        f"{each['id']} is a draft since {each['createdAt']}"
        for each in books.invoices
        if each["status"] == "draft" and datetime.fromisoformat(each["finalizeAt"]) < books.now
    ]
    return Finding("nothing that is due was left undone", len(books.subscriptions) + len(books.invoices), late)


def _balanced(books: Books) -> Finding:
    sums: Counter[str] = Counter()
    for account in books.balances:
        sums[account["balance"]["currency"]] += account["balance"]["minor"]
    return Finding(
        "the ledger balances", len(books.balances), [f"{name}: {minor}" for name, minor in sums.items() if minor]
    )


def _receivable(books: Books) -> Finding:
    owed = sum(each["due"]["minor"] for each in books.invoices if each["status"] == "open")
    booked = _account(books, "receivable")
    return Finding(
        "what is owed in the ledger is what is open",
        1,
        [f"{booked} is booked, {owed} is open"] if owed != booked else [],
    )


def _credit(books: Books) -> Finding:
    left = sum(each["remaining"]["minor"] for each in books.grants)
    booked = -_account(books, "customer_credit")
    wrong = [f"{booked} is booked, {left} is left"] if left != booked else []
    return Finding("what customers have to spend is what the ledger owes them", len(books.grants), wrong)


def _notes(books: Books) -> Finding:
    """Of what was not invoiced: a subscription that has ended gives it back."""
    on: Counter[str] = Counter()
    for line in books.lines:
        if line["creditNoteId"]:
            on[line["creditNoteId"]] += 1
    wrong = []
    for note in books.notes:
        ways = sum(note[name]["minor"] for name in ("lessenedDue", "credited", "refunded"))
        lines = sum(line["taxed"][name]["minor"] for line in note["content"]["lines"] for name in ("net", "tax"))
        if not ways == lines == note["content"]["total"]["minor"]:
            wrong.append(f"{note['number']} is over {note['content']['total']['minor']}, and not {lines} or {ways}")
        if note["invoiceId"] is None and on[note["id"]] != len(note["content"]["lines"]):
            wrong.append(f"{note['number']} is for {on[note['id']]} lines")
    return Finding("every credit note is the sum of its lines, and settled once", len(books.notes), wrong)


def _charges_once(books: Books) -> Finding:
    """Each payment that succeeded is one charge at the provider, and no charge is anything else."""
    charged = Counter(charge["metadata"].get("harborgrid_payment") for charge in books.charges)
    succeeded = {each["id"]: each for each in books.payments if each["status"] == "succeeded"}
    wrong = [f"{payment} was charged {charged[payment]} times" for payment in succeeded if charged[payment] != 1]
    wrong += [f"a charge for {payment}, which did not succeed" for payment in charged if payment not in succeeded]
    paid = Counter(each["invoiceId"] for each in succeeded.values())
    wrong += [f"{invoice} was collected {count} times" for invoice, count in paid.items() if count != 1]
    return Finding("every charge at the provider is one payment, of one invoice", len(books.charges), wrong)


def _provider_agrees(books: Books) -> Finding:
    gone = ("amount_refunded", "amount_withdrawn")
    there = sum(charge["amount_captured"] - sum(charge[name] for name in gone) for charge in books.charges)
    booked = _account(books, "stripe")
    return Finding(
        "the provider has what the ledger says", 1, [f"{there} there, {booked} here"] if there != booked else []
    )


def _account(books: Books, name: str) -> int:
    return sum(each["balance"]["minor"] for each in books.balances if each["account"] == name)


def _owed(books: Books) -> list[dict[str, Any]]:
    return [each for each in books.invoices if each["status"] != "void"]
