"""Showing enough of a value to recognise it, and too little to use it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from enum import StrEnum

_HIDDEN = "•"
_LEAST_CARD, _MOST_CARD = 12, 19


class Mask(StrEnum):
    """What a value is, which decides what may be seen of it.

    card: the first six and last four digits at most (PCI DSS 4.0, 3.4.1), and not even those of short numbers.
    iban: country, check digits and last four. email: the first character, and the domain. phone: the last two digits.
    name: initials. date: the year. ip: the network, of 24 bits or 48. all: nothing, not even the length.
    """

    CARD = "card"
    IBAN = "iban"
    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    DATE = "date"
    IP = "ip"
    ALL = "all"


def masked(value: str, kind: Mask) -> str:
    """The value as it may be shown. What does not look like one of its kind is hidden altogether."""
    return _MASKS[kind](value.strip()) or _nothing(value)


def _nothing(_: str) -> str:
    return _HIDDEN * 8


def _card(value: str) -> str:
    digits = re.sub(r"[ -]", "", value)
    if not (digits.isascii() and digits.isdigit() and _LEAST_CARD <= len(digits) <= _MOST_CARD):
        return ""
    first = 6 if len(digits) >= 15 else 0
    return digits[:first] + _HIDDEN * (len(digits) - first - 4) + digits[-4:]


def _iban(value: str) -> str:
    plain = value.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", plain):
        return ""
    return plain[:4] + _HIDDEN * (len(plain) - 8) + plain[-4:]


def _email(value: str) -> str:
    local, at, domain = value.rpartition("@")
    return f"{local[0]}{_HIDDEN * 7}@{domain}" if at and local and domain else ""


def _phone(value: str) -> str:
    digits = re.sub(r"[ ()./-]", "", value.removeprefix("+"))
    if not re.fullmatch(r"[0-9]{6,15}", digits):
        return ""
    return _HIDDEN * (len(digits) - 2) + digits[-2:]


def _name(value: str) -> str:
    return " ".join(f"{part[0]}." for part in value.split())


def _date(value: str) -> str:
    found = re.fullmatch(r"([0-9]{4})-[0-9]{2}-[0-9]{2}(?:[Tt ].*)?", value)
    return f"{found[1]}-{_HIDDEN * 2}-{_HIDDEN * 2}" if found else ""


def _ip(value: str) -> str:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return ""
    kept = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{kept}", strict=False))


_MASKS: dict[Mask, Callable[[str], str]] = {
    Mask.CARD: _card,
    Mask.IBAN: _iban,
    Mask.EMAIL: _email,
    Mask.PHONE: _phone,
    Mask.NAME: _name,
    Mask.DATE: _date,
    Mask.IP: _ip,
    Mask.ALL: lambda _: "",
}
