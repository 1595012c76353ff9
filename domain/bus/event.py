"""Events: what a module announces, and the envelope in which it is recorded (the report's `EnterpriseEvent`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, TypeVar

from pydantic import Field
from pydantic.config import JsonDict

from domain.kernel.ids import Id, TenantId, UserId
from domain.kernel.payload import Payload

EventT = TypeVar("EventT", bound="Event")


class EventId(Id, prefix="evt"):
    """One recorded event."""


class Version(NamedTuple):
    """A semantic version of an event type: major breaks readers, minor adds fields, patch changes words."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `1.0.0`. Raises ValueError for anything else."""
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isdecimal() for part in parts):
            raise ValueError(f"{text!r} is not a semantic version like 1.0.0")
        return cls(*map(int, parts))

    def __str__(self) -> str:
        return ".".join(map(str, self))


class EventType(Payload):
    """What the catalogue knows of an event type, besides the shape of its data.

    source: the module that publishes it; consumers: the modules that read it; subject: the field of the
    data that names the thing it is about, within which events keep their order; telemetry: high-volume,
    only ever handled in batches.
    """

    type: str
    version: str
    source: str
    consumers: tuple[str, ...]
    purpose: str
    subject: str
    telemetry: bool = False


PERSONAL: JsonDict = {"x-personal-data": True}
"""Of a field: it says something about a person, and is blanked when that person is erased."""


def personal_fields(kind: type[Event]) -> tuple[str, ...]:
    """The fields of an event type that say something about a person, as they are called on the wire."""
    return tuple(
        field.alias or name for name, field in kind.model_fields.items() if field.json_schema_extra == PERSONAL
    )


class Event(Payload):
    """A fact of the business, in the past tense. Subclasses are declared with `@event(...)`."""

    about: ClassVar[EventType]

    occurred_at: datetime = Field(description="When it happened, in UTC.")

    @property
    def subject(self) -> str:
        """The id of the thing it is about."""
        return str(getattr(self, self.about.subject))


def event(
    type_: str,
    *,
    version: str,
    source: str,
    subject: str,
    consumers: tuple[str, ...] = (),
    telemetry: bool = False,
) -> Callable[[type[EventT]], type[EventT]]:
    """Declare an event type: its address, semantic version, publisher, subject field and readers.

    The first line of the class docstring is its purpose. Raises ValueError for a malformed version or an
    unknown subject field.
    """
    Version.parse(version)

    def declare(cls: type[EventT]) -> type[EventT]:
        if subject not in cls.model_fields:
            raise ValueError(f"{cls.__name__} has no field {subject!r} to be its subject")
        purpose = (cls.__doc__ or "").strip().split("\n")[0]
        cls.about = EventType(
            type=type_,
            version=version,
            source=source,
            consumers=consumers,
            purpose=purpose,
            subject=subject,
            telemetry=telemetry,
        )
        return cls

    return declare


class Position(NamedTuple):
    """A place in the event store: the writing transaction's id, then the sequence number within all.

    Sequence numbers alone do not follow the order of commits; transaction ids below the oldest running
    one are final, so pairs of both can be read without gaps.
    """

    xid: int
    seq: int

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read `xid.seq`. Raises ValueError."""
        xid, _, seq = text.partition(".")
        return cls(int(xid), int(seq))

    def __str__(self) -> str:
        return f"{self.xid}.{self.seq}"


START = Position(0, 0)


class EventMetadata(Payload):
    """Which story an event belongs to, and what caused it (an event id or `<workflow id>#<activity id>`)."""

    correlation_id: str | None = None
    causation_id: str | None = None
    request_id: str | None = None
    traceparent: str | None = None


class RecordedEvent(Payload):
    """An event as it stands in the store; `data` is the event type's payload in its recorded version."""

    id: EventId
    type: str
    version: str
    timestamp: datetime
    source: str
    tenant_id: TenantId | None
    user_id: UserId | None
    subject: str
    data: dict[str, Any]
    metadata: EventMetadata
    position: Position = Field(exclude=True)
