"""Typed ids: a short prefix and a UUIDv7 in Crockford's base32 (`inv_01h455vb4pex5vsknk084sn02q`).

The format is TypeID 0.3 (https://github.com/jetify-com/typeid): 26 lower-case characters, sortable by
the time of creation, safe in URLs, as PostgreSQL identifiers and in Temporal workflow ids.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SUFFIX = "[0-7][0-9a-hjkmnp-tv-z]{25}"
# Two characters, ten bits, at a time: ids are made for every event and every request.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(120, -1, -10)
_VALUE_OF = {character: value for value, character in enumerate(_ALPHABET)}


class Id(str):
    """A string that knows what it names. Subclasses state the prefix: `class InvoiceId(Id, prefix="inv")`."""

    __slots__ = ()
    prefix: ClassVar[str] = ""

    def __init_subclass__(cls, *, prefix: str) -> None:
        super().__init_subclass__()
        cls.prefix = prefix

    @classmethod
    def of(cls, uuid: UUID) -> Self:
        """The id of this UUID (version 7, so that ids sort by the time they were made)."""
        return cls.numbered(uuid.int)

    @classmethod
    def numbered(cls, number: int) -> Self:
        """The id of the UUID with this 128-bit number."""
        return cls(f"{cls.prefix}_" + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS]))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id from outside. Raises ValueError if the prefix or the 26 characters are wrong."""
        prefix, _, suffix = text.rpartition("_")
        well_formed = len(suffix) == 26 and suffix[0] in "01234567" and all(c in _VALUE_OF for c in suffix)
        if prefix != cls.prefix or not well_formed:
            raise ValueError(f"expected an id like {cls.prefix}_01h455vb4pex5vsknk084sn02q")
        return cls(text)

    @property
    def uuid(self) -> UUID:
        """The UUID behind the characters."""
        number = 0
        for character in self.rpartition("_")[2]:
            number = number * 32 + _VALUE_OF[character]
        return UUID(int=number)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        pattern = f"^{cls.prefix}_{_SUFFIX}$"
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(pattern=pattern))


class TenantId(Id, prefix="ten"):
    """An organisation that is our customer; also the name of its PostgreSQL schema."""


class UserId(Id, prefix="usr"):
    """A person in a tenant."""


class RequestId(Id, prefix="req"):
    """One HTTP request, as told to the caller in `X-Request-ID`."""
