"""The envelope around every answer (the report's section 4.1), errors included."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, Field

from adapters.kernel.clock import utc_now
from domain.kernel.context import current_context
from domain.kernel.payload import Payload

API_VERSION = "1.0.0"
T = TypeVar("T")
# Null or not, every field is on the wire, and the document may promise so.
_ALL_PRESENT = ConfigDict(json_schema_serialization_defaults_required=True)


class AnswerMetadata(Payload):
    """About the answer itself."""

    timestamp: datetime = Field(description="When the answer was made, in UTC.")
    request_id: str = Field(description="Also in the X-Request-ID header; name it when you ask for help.")
    version: str = Field(description="Version of the API.", examples=[API_VERSION])


class Problem(Payload):
    """Why not, and what to do about it."""

    code: str = Field(description="Stable and machine-readable.", examples=["billing.subscription_not_found"])
    message: str = Field(description="For people; may change.")
    details: dict[str, Any] = Field(description="Facts about the problem; `hint` says what to do next.")


class Answer(Payload, Generic[T]):
    """What was asked for."""

    model_config = _ALL_PRESENT

    success: bool = Field(default=True, json_schema_extra={"const": True})
    data: T
    error: None = None
    metadata: AnswerMetadata


class Refusal(Payload):
    """Why it could not be had."""

    model_config = _ALL_PRESENT

    success: bool = Field(default=False, json_schema_extra={"const": False})
    data: None = None
    error: Problem
    metadata: AnswerMetadata


class StartedWorkflow(Payload):
    """The process that does what was asked for; operators find it in the Temporal UI."""

    workflow_id: str = Field(examples=["platform/security/seal_audit/req_01h455vb4pex5vsknk084sn02q"])


def ok(data: T) -> Answer[T]:
    """Wrap what was asked for."""
    # `Answer` of anything: the data was validated when it was made, and is not again.
    return Answer(data=data, metadata=about())


def about() -> AnswerMetadata:
    """Metadata of the current request's answer."""
    return AnswerMetadata.trusted(
        timestamp=utc_now(), request_id=current_context().request_id or "", version=API_VERSION
    )
