"""What simulated customers are like, and what they do each month: the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251 - seeded: a story that can be told again
from typing import Any

ZONES = (
    *("Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Tokyo", "Australia/Lord_Howe"),
    *("Pacific/Auckland", "Africa/Cairo", "America/St_Johns", "Europe/Lisbon", "UTC", "Pacific/Chatham"),
)
CARDS = (
    *(["pm_card_visa"] * 6),
    *(["pm_card_mastercard"] * 2),
    "pm_card_chargeCustomerFail",
    "pm_card_authenticationRequired",
)
METER = {
    "code": "calls",
    "name": "API calls",
    "eventType": "called",
    "aggregation": "sum",
    "property": "calls",
    "unit": "call",
}
ENTITY = {
    "code": "de",
    "name": "Initrode GmbH",
    "country": "DE",
    "numberPrefix": "SIM",
    "timezone": "Europe/Berlin",
    "graceHours": 24,
    "taxes": [{"country": "DE", "name": "USt.", "percent": "19"}, {"country": "FR", "name": "TVA", "percent": "20"}],
}


COUPON = {
    "code": "welcome",
    "name": "Welcome",
    "discount": {"kind": "percent", "percent": "15"},
    "duration": "repeating",
    "invoices": 3,
}


def _recurring(code: str, price: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "recurring", "code": code, "name": code.title(), "prices": {"EUR": price}, **more}


_USAGE = {
    "kind": "usage",
    "code": "calls",
    "name": "API calls",
    "meter": "calls",
    "prices": {
        "EUR": {
            "model": "graduated",
            "tiers": [{"upTo": "1000", "unitPrice": "0"}, {"unitPrice": "0.0137"}],
        }
    },
}
PLANS: dict[str, dict[str, Any]] = {
    "starter": {
        "name": "Starter",
        "interval": "month",
        "charges": [_recurring("base", {"model": "flat", "amount": "29.00"})],
    },
    "team": {
        "name": "Team",
        "interval": "month",
        "charges": [_recurring("seats", {"model": "per_unit", "unitPrice": "12.99"}, perSeat=True), _USAGE],
    },
    "metered": {
        "name": "Metered",
        "interval": "month",
        "minimum": {"EUR": "5.00"},
        "charges": [_recurring("base", {"model": "flat", "amount": "4.90"}, timing="arrears"), _USAGE],
    },
}


@dataclass(slots=True)
class Deed:
    """Something a customer does: a request, or what its bank does."""

    method: str
    path: str
    body: Any


@dataclass(slots=True)
class Character:
    """A customer, and what it has by now."""

    number: int
    fate: Random
    customer: dict[str, Any]
    card: str
    plan: str
    seats: int
    billing_time: str
    has_coupon: bool
    customer_id: str = ""
    subscription_id: str = ""
    token: str = ""
    paused: bool = False
    gone: bool = False
    used: int = field(default=0)

    def deeds(self, now: datetime) -> list[Deed]:
        """What it does at the beginning of a month."""
        done = [*self._uses(now)]
        roll = self.fate.random()
        path = f"/v1/billing/subscriptions/{self.subscription_id}"
        if self.gone:
            return done
        if self.paused:
            self.paused = False
            done.append(Deed("POST", f"{path}/resume", {}))
        elif roll < 0.08:
            self.plan = self.fate.choice([code for code in PLANS if code != self.plan])
            done.append(Deed("POST", f"{path}/change", {"planCode": self.plan}))
        elif roll < 0.2:
            self.seats = self.fate.randint(1, 40)
            done.append(Deed("POST", f"{path}/change", {"quantity": self.seats}))
        elif roll < 0.24:
            self.paused = True
            done.append(Deed("POST", f"{path}/pause", {}))
        elif roll < 0.27:
            self.gone = True
            done.append(
                Deed("POST", f"{path}/cancel", {"reason": "too dear", "when": self.fate.choice(["now", "period_end"])})
            )
        elif roll < 0.4:
            code = self.fate.choice(["insufficient_funds", "do_not_honor", "expired_card"])
            wrong = {"paymentMethod": self.token, "code": code, "times": self.fate.randint(1, 3)}
            done.append(Deed("BANK", "/simulator/declines", wrong))
        elif roll < 0.46:
            card = {"customerId": self.customer_id, "token": "pm_card_visa"}
            done.append(Deed("POST", "/v1/billing/payment-methods", card))
        elif roll < 0.52:
            until = (now + timedelta(days=self.fate.randint(20, 200))).isoformat()
            gift = {"customerId": self.customer_id, "amount": str(self.fate.randint(1, 90)), "expiresAt": until}
            done.append(Deed("POST", "/v1/billing/credit-grants", gift))
        return done

    def _uses(self, now: datetime) -> list[Deed]:
        """Usage of the days to come, some of it told again, some of it of the days before."""
        events = []
        for _ in range(self.fate.randint(0, 12)):
            self.used += 1
            at = now + timedelta(minutes=self.fate.randint(-3 * 1440, 1200))
            events.append(
                {
                    "source": "/simulation",
                    "id": f"{self.number}-{self.used}",
                    "type": "called",
                    "subject": self.customer_id,
                    "time": at.isoformat(),
                    "data": {"calls": self.fate.randint(1, 900)},
                }
            )
        if not events:
            return []
        batch = Deed("POST", "/v1/billing/usage-events", events)
        return [batch, batch] if self.fate.random() < 0.2 else [batch]


def characters(count: int, seed: int) -> list[Character]:
    """So many customers."""
    cast = []
    for number in range(1, count + 1):
        fate = Random(f"{seed}/{number}")  # noqa: S311 - a story, not a secret
        country = fate.choice(["DE", "DE", "FR", "US"])
        customer = {
            "name": f"Customer {number}",
            "email": f"customer{number}@simulation.example",
            "currency": "EUR",
            "timezone": fate.choice(ZONES),
            "country": country,
            "locale": fate.choice(["en", "de", "fr"]),
        }
        cast.append(
            Character(
                number=number,
                fate=fate,
                customer=customer,
                card=fate.choice(CARDS),
                plan=fate.choice(list(PLANS)),
                seats=fate.randint(1, 20),
                billing_time=fate.choice(["anniversary", "anniversary", "calendar"]),
                has_coupon=fate.random() < 0.3,
            )
        )
    return cast


def beginning(now: datetime) -> datetime:
    """The last day of a March that a leap day follows within a year: so a year has it, and both clock changes."""
    year = now.year
    while not (_leaps(year + 1) and datetime(year, 3, 31, 8, tzinfo=UTC) > now):
        year += 1
    return datetime(year, 3, 31, 8, tzinfo=UTC)


def _leaps(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
