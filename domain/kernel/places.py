"""Countries and languages by their codes."""

from __future__ import annotations

from typing import Annotated

from babel import Locale, UnknownLocaleError
from pydantic import AfterValidator, Field

# The Unicode CLDR has a few of two letters that are no countries.
_NO_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
_COUNTRIES = frozenset(map(str, Locale("en").territories)) - _NO_COUNTRIES


def _country(code: str) -> str:
    if code not in _COUNTRIES:
        raise ValueError("not a country of ISO 3166-1, such as DE")
    return code


def _language(tag: str) -> str:
    try:
        Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        raise ValueError("not a language that dates and amounts can be written in, such as de-AT") from None
    return tag


CountryCode = Annotated[
    str,
    Field(min_length=2, max_length=2, description="ISO 3166-1 alpha-2.", examples=["DE"]),
    AfterValidator(_country),
]
LanguageTag = Annotated[
    str,
    Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, description="BCP 47.", examples=["de-AT"]),
    AfterValidator(_language),
]
