"""What PayPal's objects say, by our names (https://developer.paypal.com/docs/api/orders/v2/)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from domain.billing.events import Decline, PaymentMethod
from domain.billing.payment_model import AttachedMethod, PaymentStatus, ProviderAnswer, Webhook
from domain.billing.refund_model import RefundAnswer, RefundStatus
from domain.kernel.money import Money

_TELLS = {"PAYMENT.CAPTURE.COMPLETED": PaymentStatus.SUCCEEDED}
# https://developer.paypal.com/api/rest/reference/orders/v2/errors/: where another payment method is needed.
_HARD = frozenset(
    {
        "CARD_EXPIRED",
        "TOKEN_ID_NOT_FOUND",
        "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
        "PAYER_ACCOUNT_RESTRICTED",
        "PAYER_CANNOT_PAY",
        "PAYMENT_SOURCE_CANNOT_BE_USED",
        "CURRENCY_NOT_SUPPORTED_FOR_CARD_TYPE",
        "RESOURCE_NOT_FOUND",
    }
)
_CAPTURED = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
_REFUNDED = {"COMPLETED": RefundStatus.SUCCEEDED, "FAILED": RefundStatus.FAILED, "CANCELLED": RefundStatus.FAILED}


def answer_of(found: Mapping[str, Any]) -> ProviderAnswer:
    """What an order says of the payment."""
    if found["status"] == "PAYER_ACTION_REQUIRED":
        links = {each["rel"]: each["href"] for each in found.get("links", [])}
        page = links.get("payer-action") or links.get("approve")
        return ProviderAnswer(status=PaymentStatus.ACTION_REQUIRED, reference=found["id"], action_url=page)
    if found["status"] != "COMPLETED":
        over = found["status"] == "VOIDED"
        status = PaymentStatus.CANCELED if over else PaymentStatus.PROCESSING
        return ProviderAnswer(status=status, reference=found["id"])
    capture = capture_of(found)
    if capture["status"] in _CAPTURED:
        refunds = found["purchase_units"][0]["payments"].get("refunds", [])
        done = [minor(each["amount"]) for each in refunds if each["status"] == "COMPLETED"]
        return ProviderAnswer(
            status=PaymentStatus.SUCCEEDED,
            reference=found["id"],
            refunded_minor=sum(done),
            disputed=bool(capture.get("disputes")),
        )
    if capture["status"] == "PENDING":
        return ProviderAnswer(status=PaymentStatus.PROCESSING, reference=found["id"])
    code = capture.get("processor_response", {}).get("response_code", capture["status"])
    return declined(code, "PayPal could not capture it").model_copy(update={"reference": found["id"]})


def capture_of(found: Mapping[str, Any]) -> Any:
    """The order's only capture."""
    return found["purchase_units"][0]["payments"]["captures"][0]


def declined(issue: str, message: str) -> ProviderAnswer:
    """It was not collected, for this reason."""
    return ProviderAnswer(
        status=PaymentStatus.FAILED,
        decline=Decline.HARD if issue in _HARD else Decline.SOFT,
        decline_code=issue,
        message=message,
    )


def refund_of(made: Mapping[str, Any]) -> RefundAnswer:
    """How a refund stands."""
    status = _REFUNDED.get(made["status"], RefundStatus.PROCESSING)
    reason = made.get("status_details", {}).get("reason")
    return RefundAnswer(status=status, reference=made["id"], message=reason)


def webhook_of(event: Mapping[str, Any]) -> Webhook:
    """What a webhook is about."""
    about = event["resource"]
    units, disputed = about.get("purchase_units") or [{}], about.get("disputed_transactions") or [{}]
    payment = about.get("custom_id") or units[0].get("custom_id") or disputed[0].get("custom")
    order = about.get("supplementary_data", {}).get("related_ids", {}).get("order_id")
    return Webhook(
        id=event["id"],
        type=event["event_type"],
        payment_id=payment,
        reference=None if payment else order,
        status=_TELLS.get(event["event_type"]),
    )


def attached(made: Mapping[str, Any]) -> AttachedMethod:
    """What is kept in the vault."""
    source = made["payment_source"]
    if "paypal" in source:
        email = source["paypal"].get("email_address", "")
        name, _, host = email.partition("@")
        return AttachedMethod(
            customer=made["customer"]["id"],
            token=made["id"],
            method=PaymentMethod.PAYPAL,
            label=f"PayPal {name[:2]}•••@{host}",
        )
    card = source["card"]
    return AttachedMethod(
        customer=made["customer"]["id"],
        token=made["id"],
        method=PaymentMethod.CARD,
        label=f"{card['brand'].title()} •••• {card['last_digits']}",
        expires=card.get("expiry"),
    )


def amount_of(money: Money) -> dict[str, str]:
    """As PayPal writes money."""
    return {"currency_code": money.currency, "value": f"{money.amount:f}"}


def minor(amount: Mapping[str, str]) -> int:
    """Minor units of money that PayPal has written."""
    return Money.parse(str(Decimal(amount["value"])), amount["currency_code"]).minor


def message_of(answer: httpx.Response) -> str:
    """The sentence in an answer that is an error."""
    try:
        told = answer.json()
    except ValueError:
        return f"PayPal answers {answer.status_code}"
    details = told.get("details") or [{}]
    return str(details[0].get("description") or told.get("message") or told.get("error_description") or told)[:300]
