"""Usage: what customers' systems report, and what it comes to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from domain.billing.metering_model import Property
from domain.kernel.instants import Instant
from domain.kernel.payload import Payload

LATEST = timedelta(days=400)
"""So old an event may be when it is reported: so long closed periods are looked at again."""
MOST_AHEAD = timedelta(days=1)
MOST_EVENTS = 1_000
"""In one batch."""
Attribute = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


Datum = (
    StrictBool
    | Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)]
    | Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
    | None
)
"""A property of an event: numbers may be written as text, and then are as exact as they are written."""


class UsageEvent(BaseModel):
    """A CloudEvent (1.0.2) that says what somebody has used. Extension attributes may come along, and are not kept.

    `source` and `id` name it: sent again, it counts once. `subject` is the customer, by its id or its external id.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = Field(default="1.0", examples=["1.0"])
    id: Attribute = Field(examples=["7f1c-000417"])
    source: Attribute = Field(description="Who reports it: a URI reference.", examples=["/storage/eu-1"])
    type: Attribute = Field(description="What meters count.", examples=["storage.transferred"])
    subject: Attribute = Field(examples=["C-2041"])
    time: Instant | None = Field(
        default=None, description="RFC 3339; when it is received if not given.", examples=["2026-11-24T10:15:00Z"]
    )
    data: dict[Property, Datum] = Field(
        default_factory=dict, max_length=50, examples=[{"gigabytes": "2.5", "region": "eu"}]
    )


class Recorded(Payload):
    """What became of a batch. What names no customer, or is counted by no meter, is kept, and worth a look."""

    recorded: int
    duplicates: int
    unknown_subjects: list[str]
    unmetered_types: list[str]


class Span(NamedTuple):
    """A half-open time."""

    start: datetime
    end: datetime
