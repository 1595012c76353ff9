"""What Stripe's objects do: customers, payment methods, payment intents, refunds, disputes, webhook endpoints."""

from __future__ import annotations

import secrets
from typing import Any

from adapters.billing.simulator.cards import CARDS, error_code
from adapters.billing.simulator.store import Document, Store
from domain.kernel.money import exponent

_EVIDENCE = {"winning_evidence": "won", "losing_evidence": "lost"}
_CONFIRMABLE = ("requires_confirmation", "requires_payment_method", "requires_action")


class StripeRefusal(Exception):
    """An answer that is an error: HTTP status, and the fields of `error`."""

    def __init__(self, status: int, type_: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.status, self.error = status, {"type": type_, "message": message, **fields}


class StripeAccount:
    """One merchant's objects; its secret key is its name."""

    def __init__(self, store: Store, account: str, url: str) -> None:
        self.store, self.account, self._url = store, account, url

    def customer(self, fields: Document) -> Document:
        """POST /v1/customers."""
        kept = {name: fields.get(name) for name in ("name", "email", "description")}
        return self.store.make(self.account, "cus", "customer", **kept, metadata=fields.get("metadata", {}))

    def attach(self, method: str, fields: Document) -> Document:
        """POST /v1/payment_methods/{id}/attach: a test card becomes a payment method of the customer's."""
        customer = self.get(fields.get("customer", ""), "customer")
        card = CARDS.get(method)
        if card is None:
            known = self.get(method, "payment_method")
            if known["customer"] not in (None, customer["id"]):
                raise _invalid("The payment method you provided has already been attached to a customer.", "customer")
            known["customer"] = customer["id"]
            self.store.keep(self.account, known)
            return known
        if card.refused is not None:
            raise _declined(card.refused)
        return self.store.make(
            self.account,
            "pm",
            "payment_method",
            type="card",
            customer=customer["id"],
            card={"brand": card.brand, "last4": card.last4, "exp_month": 12, "exp_year": 2034, "funding": "credit"},
            metadata={"test_card": method},
        )

    def detach(self, method: str) -> Document:
        """POST /v1/payment_methods/{id}/detach."""
        found = self.get(method, "payment_method")
        if found["customer"] is None:
            raise _invalid("The payment method you provided is not attached to a customer.", "payment_method")
        found["customer"] = None
        self.store.keep(self.account, found)
        return found

    def intent(self, fields: Document) -> Document:
        """POST /v1/payment_intents."""
        amount, currency = _whole(fields.get("amount"), "amount"), str(fields.get("currency", "")).upper()
        try:
            exponent(currency)
        except ValueError:
            raise _invalid(f"Invalid currency: {currency.lower()}.", "currency") from None
        if amount < 1:
            raise _invalid("This value must be greater than or equal to 1.", "amount")
        customer = self.get(fields["customer"], "customer")["id"] if fields.get("customer") else None
        made = self.store.make(
            self.account,
            "pi",
            "payment_intent",
            amount=amount,
            amount_received=0,
            currency=currency.lower(),
            customer=customer,
            payment_method=fields.get("payment_method"),
            description=fields.get("description"),
            metadata=fields.get("metadata", {}),
            status="requires_payment_method",
            last_payment_error=None,
            latest_charge=None,
            next_action=None,
            canceled_at=None,
            cancellation_reason=None,
            client_secret=f"secret_{secrets.token_hex(12)}",
        )
        return self._confirmed(made, fields) if fields.get("confirm") == "true" else made

    def confirm(self, intent: str, fields: Document) -> Document:
        """POST /v1/payment_intents/{id}/confirm."""
        found = self.get(intent, "payment_intent")
        if found["status"] not in _CONFIRMABLE:
            raise _unexpected(found, "confirm")
        found["payment_method"] = fields.get("payment_method") or found["payment_method"]
        return self._confirmed(found, fields)

    def cancel(self, intent: str, fields: Document) -> Document:
        """POST /v1/payment_intents/{id}/cancel."""
        found = self.get(intent, "payment_intent")
        if found["status"] not in _CONFIRMABLE:
            raise _unexpected(found, "cancel")
        found |= {"status": "canceled", "canceled_at": self.store.now(), "next_action": None}
        found["cancellation_reason"] = fields.get("cancellation_reason")
        self.store.keep(self.account, found)
        self.tell("payment_intent.canceled", found)
        return found

    def authenticate(self, intent: str, *, succeeds: bool) -> Document:
        """What the customer's bank does on the page that `next_action` leads to."""
        found = self.get(intent, "payment_intent")
        if found["status"] != "requires_action":
            raise _unexpected(found, "authenticate")
        found["next_action"] = None
        if succeeds:
            return self._charged(found)
        message = "The provided PaymentMethod has failed authentication."
        code = "payment_intent_authentication_failure"
        self._failed(found, StripeRefusal(402, "invalid_request_error", message, code=code))
        return found

    def refund(self, fields: Document) -> Document:
        """POST /v1/refunds, of a payment intent."""
        found = self.get(fields.get("payment_intent", ""), "payment_intent")
        charge = self.get(found["latest_charge"] or "", "charge")
        if charge["disputed"]:
            raise StripeRefusal(
                400, "invalid_request_error", f"Charge {charge['id']} has been charged back.", code="charge_disputed"
            )
        left = charge["amount_captured"] - charge["amount_refunded"]
        amount = _whole(fields["amount"], "amount") if "amount" in fields else left
        if not charge["paid"] or not 0 < amount <= left:
            raise _invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", "amount")
        method = self.get(charge["payment_method"], "payment_method")
        lost = CARDS[method["metadata"]["test_card"]].keeps_refunds
        if not lost:
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
            self.store.keep(self.account, charge)
        made = self.store.make(
            self.account,
            "re",
            "refund",
            amount=amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=found["id"],
            status="failed" if lost else "succeeded",
            failure_reason="expired_or_canceled_card" if lost else None,
            metadata=fields.get("metadata", {}),
            reason=fields.get("reason"),
        )
        if not lost:
            self.tell("charge.refunded", charge)
        return made

    def answer_dispute(self, dispute: str, fields: Document) -> Document:
        """POST /v1/disputes/{id}. As in Stripe's test mode, its evidence says how it ends."""
        return self._closed(dispute, _EVIDENCE.get(fields.get("evidence", {}).get("uncategorized_text", "")))

    def accept_dispute(self, dispute: str) -> Document:
        """POST /v1/disputes/{id}/close: the seller gives in."""
        return self._closed(dispute, "lost")

    def _closed(self, dispute: str, ended: str | None) -> Document:
        found = self.get(dispute, "dispute")
        if found["status"] in _EVIDENCE.values():
            raise _invalid("This dispute is already closed.", "dispute")
        found["status"] = ended or "under_review"
        if ended == "won":
            found["balance_transactions"].append(_movement(found, found["amount"]))
        self.store.keep(self.account, found)
        if ended == "won":
            self.tell("charge.dispute.funds_reinstated", found)
        if ended is not None:
            self.tell("charge.dispute.closed", found)
        return found

    def endpoint(self, fields: Document) -> Document:
        """POST /v1/webhook_endpoints. The secret is told this once."""
        return self.store.make(
            self.account,
            "we",
            "webhook_endpoint",
            url=fields.get("url"),
            enabled_events=fields.get("enabled_events", ["*"]),
            status="enabled",
            secret=f"whsec_{secrets.token_hex(16)}",
        )

    def get(self, id_: str, kind: str) -> Document:
        """The object. Raises StripeRefusal as Stripe does."""
        found = self.store.find(self.account, id_)
        if found is None or found["object"] != kind:
            raise StripeRefusal(
                404,
                "invalid_request_error",
                f"No such {kind}: '{id_}'",
                code="resource_missing",
                param="id" if kind == "payment_intent" else kind,
            )
        return found

    def tell(self, type_: str, about: Document) -> None:
        """An event to every endpoint of the account."""
        event = self.store.make(
            self.account, "evt", "event", type=type_, api_version="2026-10-28.endive", data={"object": about}
        )
        for endpoint in self.store.all(self.account, "webhook_endpoint"):
            wanted = endpoint["enabled_events"]
            if endpoint["status"] == "enabled" and ("*" in wanted or type_ in wanted):
                self.store.post(self.account, endpoint["id"], event, self.store.clock())

    def _confirmed(self, intent: Document, fields: Document) -> Document:
        method = self.get(intent["payment_method"] or "", "payment_method")
        if intent["customer"] is None or method["customer"] != intent["customer"]:
            raise _invalid("The payment method does not belong to the customer.", "payment_method")
        card = CARDS[method["metadata"]["test_card"]]
        declined = self.store.next_decline(self.account, method["id"]) or card.declined
        if declined is not None:
            refusal = _declined(declined)
            self._failed(intent, refusal)
            raise refusal
        if card.authenticates and fields.get("off_session") == "true":
            refusal = _declined("authentication_required")
            self._failed(intent, refusal)
            raise refusal
        if card.authenticates:
            page = f"{self._url}/simulator/3ds/{self.account}/{intent['id']}"
            intent["next_action"] = {
                "type": "redirect_to_url",
                "redirect_to_url": {"url": page, "return_url": fields.get("return_url")},
            }
            intent["status"] = "requires_action"
            self.store.keep(self.account, intent)
            self.tell("payment_intent.requires_action", intent)
            return intent
        return self._charged(intent, disputed=card.disputes)

    def _charged(self, intent: Document, *, disputed: bool = False) -> Document:
        charge = self.store.make(
            self.account,
            "ch",
            "charge",
            amount=intent["amount"],
            amount_captured=intent["amount"],
            amount_refunded=0,
            currency=intent["currency"],
            customer=intent["customer"],
            payment_intent=intent["id"],
            payment_method=intent["payment_method"],
            metadata=intent["metadata"],
            status="succeeded",
            paid=True,
            captured=True,
            refunded=False,
            disputed=disputed,
        )
        intent |= {
            "status": "succeeded",
            "amount_received": intent["amount"],
            "latest_charge": charge["id"],
            "last_payment_error": None,
        }
        self.store.keep(self.account, intent)
        self.tell("payment_intent.succeeded", intent)
        if disputed:
            dispute = self.store.make(
                self.account,
                "dp",
                "dispute",
                amount=intent["amount"],
                currency=intent["currency"],
                charge=charge["id"],
                payment_intent=intent["id"],
                reason="fraudulent",
                status="needs_response",
                balance_transactions=[],
            )
            self.tell("charge.dispute.created", dispute)
            dispute["balance_transactions"].append(_movement(dispute, -dispute["amount"]))
            self.store.keep(self.account, dispute)
            self.tell("charge.dispute.funds_withdrawn", dispute)
        return intent

    def _failed(self, intent: Document, refusal: StripeRefusal) -> None:
        intent |= {"status": "requires_payment_method", "last_payment_error": dict(refusal.error)}
        self.store.keep(self.account, intent)
        refusal.error["payment_intent"] = intent
        self.tell("payment_intent.payment_failed", intent)


def _movement(dispute: Document, amount: int) -> Document:
    """What a dispute takes from the account, or gives it again."""
    id_ = f"txn_{secrets.token_hex(12)}"
    return {"id": id_, "object": "balance_transaction", "amount": amount, "currency": dispute["currency"]}


def _declined(decline: str) -> StripeRefusal:
    code = error_code(decline)
    return StripeRefusal(402, "card_error", "Your card was declined.", code=code, decline_code=decline)


def _invalid(message: str, param: str) -> StripeRefusal:
    return StripeRefusal(400, "invalid_request_error", message, param=param)


def _unexpected(intent: Document, verb: str) -> StripeRefusal:
    return StripeRefusal(
        400,
        "invalid_request_error",
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        payment_intent=intent,
    )


def _whole(value: Any, param: str) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise _invalid(f"Invalid integer: {value}", param) from None
