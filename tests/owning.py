"""Routes of billing that name a thing, and an owner's things for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from conftest import Stack, Tenant, until
from paying import selling

from adapters.kernel.clock import utc_now

SOON = (utc_now() + timedelta(days=1)).isoformat()


@dataclass(frozen=True)
class Route:
    """How a route is called, and what the wrong tenant and the right caller get."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    wrong: int = 404
    right: int = 200
    by_operator: bool = False
    query: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


TERMS = {
    "name": "Ours",
    "interval": "month",
    "charges": [{"kind": "once", "code": "x", "name": "X", "prices": {"EUR": {"model": "flat", "amount": "1"}}}],
}
SELLER = {"name": "The Owners", "country": "DE", "numberPrefix": "OWN"}
ITEM = {"name": "Training", "prices": {"EUR": {"model": "per_unit", "unitPrice": "1200.00"}}}
COUPON = {"name": "Theirs", "discount": {"kind": "percent", "percent": "5"}}
HOOK = {"url": "https://owners.example/hook"}
LINES = {"lines": [{"name": "Training", "unitPrice": "1200.00"}]}
NOBODY = "cus_01h455vb4pex5vsknk084sn02q"
FIRST = {"If-Match": '"1"'}
BILLING = [
    Route("GET", "/v1/billing/products/{product_code}"),
    Route("PUT", "/v1/billing/products/{product_code}", body={"name": "Map"}, headers=FIRST),
    Route("GET", "/v1/billing/coupons/{coupon_code}"),
    Route("PUT", "/v1/billing/coupons/{coupon_code}", body=COUPON, headers=FIRST),
    Route("POST", "/v1/billing/coupon-redemptions/{redemption_id}/end"),
    Route("GET", "/v1/billing/customers/{customer_id}/credit-balance"),
    Route("GET", "/v1/billing/customers/{customer_id}/entitlements"),
    Route("GET", "/v1/billing/credit-grants/{credit_grant_id}"),
    Route("GET", "/v1/billing/credit-grants/{credit_grant_id}/uses"),
    Route("GET", "/v1/billing/credit-grants/{credit_grant_id}/progress"),
    Route("POST", "/v1/billing/credit-grants/{credit_grant_id}/void", body={"reason": "for the test"}),
    Route("GET", "/v1/billing/credit-notes/{credit_note_id}"),
    Route("GET", "/v1/billing/credit-notes/{credit_note_id}/document"),
    Route("GET", "/v1/billing/credit-notes/{credit_note_id}/e-invoice"),
    Route("GET", "/v1/billing/refunds/{refund_id}"),
    Route("GET", "/v1/billing/refunds/{refund_id}/progress"),
    Route("POST", "/v1/billing/refunds/{refund_id}/retry", right=409),
    Route("POST", "/v1/billing/refunds/{refund_id}/become-credit", right=409),
    Route("GET", "/v1/billing/webhook-endpoints/{endpoint_id}"),
    Route("GET", "/v1/billing/webhook-endpoints/{endpoint_id}/progress"),
    Route("PUT", "/v1/billing/webhook-endpoints/{endpoint_id}", body=HOOK, headers=FIRST),
    Route("POST", "/v1/billing/webhook-endpoints/{endpoint_id}/rotate-secret", body={}),
    Route("POST", "/v1/billing/webhook-endpoints/{endpoint_id}/test", right=202),
    Route("POST", "/v1/billing/webhook-endpoints/{endpoint_id}/replay", body={"since": SOON}, right=202),
    Route("GET", "/v1/billing/webhook-deliveries/{delivery_id}"),
    Route("POST", "/v1/billing/webhook-deliveries/{delivery_id}/retry", right=202),
    Route("DELETE", "/v1/billing/webhook-endpoints/{endpoint_id}", right=204),
    Route("GET", "/v1/billing/revenue-reports/{revenue_report_id}"),
    Route("GET", "/v1/billing/revenue-reports/{revenue_report_id}/progress"),
    Route("GET", "/v1/billing/revenue-reports/{revenue_report_id}/charts/{chart}", query="currency=JPY", right=409),
    Route("GET", "/v1/billing/revenue-reports/{revenue_report_id}/lines", query="month=2026-10-01"),
    Route("GET", "/v1/billing/items/{item_code}"),
    Route("PUT", "/v1/billing/items/{item_code}", body=ITEM, headers=FIRST),
    Route("POST", "/v1/billing/subscriptions/{subscription_id}/lines", body=LINES, right=201),
    Route("GET", "/v1/billing/test-clocks/{clock_id}"),
    Route("GET", "/v1/billing/test-clocks/{clock_id}/progress"),
    Route("POST", "/v1/billing/test-clocks/{clock_id}/advance", body={"to": SOON}, right=202),
    Route("GET", "/v1/billing/dunning-cases/{case_id}"),
    Route("GET", "/v1/billing/dunning-cases/{case_id}/progress"),
    Route("POST", "/v1/billing/dunning-cases/{case_id}/pause", body={"reason": "for the test"}),
    Route("POST", "/v1/billing/dunning-cases/{case_id}/resume"),
    Route("POST", "/v1/billing/dunning-cases/{case_id}/skip", body={"step": 3, "reason": "no"}),
    Route("POST", "/v1/billing/dunning-cases/{case_id}/retime", body={"step": 4, "at": SOON}),
    Route("POST", "/v1/billing/dunning-cases/{case_id}/approve", body={"step": 5}),
    Route("POST", "/v1/billing/dunning-cases/{case_id}/stop", body={"reason": "for the test"}),
    Route("GET", "/v1/billing/customers/{customer_id}"),
    Route("PATCH", "/v1/billing/customers/{customer_id}", body={"name": "Initech"}, headers=FIRST),
    Route("GET", "/v1/billing/meters/{meter_code}"),
    Route("GET", "/v1/billing/subscriptions/{subscription_id}"),
    Route("GET", "/v1/billing/subscriptions/{subscription_id}/lines"),
    Route("GET", "/v1/billing/subscriptions/{subscription_id}/revisions"),
    Route("GET", "/v1/billing/subscriptions/{subscription_id}/usage"),
    Route("GET", "/v1/billing/subscriptions/{subscription_id}/upcoming-invoice"),
    Route("GET", "/v1/billing/legal-entities/{legal_entity}"),
    Route("PUT", "/v1/billing/legal-entities/{legal_entity}", body=SELLER, headers=FIRST),
    Route("GET", "/v1/billing/invoices/{invoice_id}"),
    Route("GET", "/v1/billing/invoices/{invoice_id}/document"),
    Route("GET", "/v1/billing/invoices/{invoice_id}/e-invoice", right=409),
    Route("GET", "/v1/billing/invoices/{invoice_id}/progress"),
    Route("POST", "/v1/billing/invoices/{invoice_id}/finalize"),
    Route("POST", "/v1/billing/invoices/{invoice_id}/collect", body={}, right=409),
    Route("POST", "/v1/billing/payment-methods/{payment_method_id}/make-default"),
    Route("GET", "/v1/billing/payments/{payment_id}"),
    Route("GET", "/v1/billing/payments/{payment_id}/progress"),
    Route("POST", "/v1/billing/payments/{payment_id}/cancel", right=409),
    Route("DELETE", "/v1/billing/payment-methods/{payment_method_id}"),
    Route("POST", "/v1/billing/invoices/{invoice_id}/write-off", body={"reason": "for the test"}),
    Route("POST", "/v1/billing/invoices/{invoice_id}/mark-paid", body={"method": "bank_transfer"}),
    Route("POST", "/v1/billing/invoices/{invoice_id}/void", body={"reason": "for the test"}, right=409),
    Route("GET", "/v1/billing/subscriptions/{subscription_id}/progress"),
    Route("POST", "/v1/billing/subscriptions/{subscription_id}/preview-change", body={"quantity": 2}),
    Route("POST", "/v1/billing/subscriptions/{subscription_id}/change", body={"quantity": 2}),
    Route("POST", "/v1/billing/subscriptions/{subscription_id}/withdraw-change", right=409),
    Route("POST", "/v1/billing/subscriptions/{subscription_id}/extend-trial", body={"until": SOON}, right=409),
    Route("POST", "/v1/billing/subscriptions/{subscription_id}/pause", body={}),
    Route("POST", "/v1/billing/subscriptions/{subscription_id}/transfer", body={"customerId": NOBODY}, right=409),
    Route("POST", "/v1/billing/subscriptions/{subscription_id}/resume"),
    Route("POST", "/v1/billing/subscriptions/{subscription_id}/cancel", body={"reason": "for the test"}),
    Route("POST", "/v1/billing/subscriptions/{subscription_id}/reactivate"),
    Route("GET", "/v1/billing/plans/{plan_code}"),
    Route("GET", "/v1/billing/plans/{plan_code}/versions"),
    Route("POST", "/v1/billing/plans/{plan_code}/versions", body={"terms": TERMS}, right=201),
]


async def billing_ids(stack: Stack, owner: Tenant) -> dict[str, str]:
    """An id of the owner's for every parameter."""
    seller = await selling(stack, owner)
    payer = await seller.customer()
    payment = await seller.payment(await seller.final(payer), "succeeded")
    debtor = await seller.customer()
    await seller.simulate("declines", paymentMethod=debtor["method"]["token"], code="insufficient_funds", times=99)
    owed = await seller.final(debtor)
    await seller.payment(owed, "failed")
    buyer = {"name": "Initech", "email": "pay@initech.example", "currency": "EUR"}
    customer = await owner.http.post("/v1/billing/customers", json=buyer, headers=owner.headers)
    counted = {"code": "owners", "name": "Theirs", "eventType": "x", "aggregation": "count", "unit": "call"}
    await owner.http.post("/v1/billing/meters", json=counted, headers=owner.headers)
    await owner.http.post("/v1/billing/plans", json={"code": "owners", "terms": TERMS}, headers=owner.headers)
    await owner.http.post("/v1/billing/legal-entities", json={"code": "owners", **SELLER}, headers=owner.headers)
    order = {"customerId": customer.json()["data"]["id"], "planCode": "owners"}
    bought = await owner.http.post("/v1/billing/subscriptions", json=order, headers=owner.headers)
    page = await owner.get("/v1/billing/invoices")
    clock = await owner.http.post("/v1/billing/test-clocks", json={"name": "Theirs"}, headers=owner.headers)
    await owner.http.post("/v1/billing/products", json={"code": "owners", "name": "Theirs"}, headers=owner.headers)
    await owner.http.post("/v1/billing/items", json={"code": "owners", **ITEM}, headers=owner.headers)
    await owner.http.post("/v1/billing/coupons", json={"code": "owners", **COUPON}, headers=owner.headers)
    redeemed = await owner.http.post(
        "/v1/billing/coupon-redemptions",
        json={"coupon": "owners", "customerId": customer.json()["data"]["id"]},
        headers=owner.headers,
    )
    granted = await owner.http.post(
        "/v1/billing/credit-grants",
        json={"customerId": customer.json()["data"]["id"], "amount": "5.00"},
        headers=owner.headers,
    )
    noted = await seller.post("/v1/billing/credit-notes", {"invoiceId": payment["invoiceId"], "reason": "other"})
    await seller.refund(noted["refundId"], "succeeded")
    hook = await seller.post("/v1/billing/webhook-endpoints", HOOK)
    await seller.post(f"/v1/billing/webhook-endpoints/{hook['id']}/test")

    async def queued() -> list[Any]:
        found: list[Any] = (await owner.get("/v1/billing/webhook-deliveries"))["items"]
        return found

    [delivery, *_] = await until(queued, what="a message to be queued")
    today = utc_now().date().isoformat()
    reported = await seller.post("/v1/billing/revenue-reports", {"first": today, "last": today})
    return {
        "revenue_report_id": reported["id"],
        "chart": "mrr",
        "endpoint_id": hook["id"],
        "delivery_id": delivery["id"],
        "credit_note_id": noted["id"],
        "refund_id": noted["refundId"],
        "credit_grant_id": granted.json()["data"]["id"],
        "coupon_code": "owners",
        "redemption_id": redeemed.json()["data"]["id"],
        "product_code": "owners",
        "item_code": "owners",
        "clock_id": clock.json()["data"]["id"],
        "customer_id": customer.json()["data"]["id"],
        "case_id": owed["id"],
        "payment_id": payment["id"],
        "payment_method_id": payer["method"]["id"],
        "meter_code": "owners",
        "invoice_id": page["items"][0]["id"],
        "legal_entity": "owners",
        "plan_code": "owners",
        "subscription_id": bought.json()["data"]["id"],
    }
