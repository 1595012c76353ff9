"""Our errors as Temporal failures, and back: the one place that knows both."""

from __future__ import annotations

from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from domain.kernel.errors import HarborGridError, TimedOut


def as_failure(error: HarborGridError) -> ApplicationError:
    """The failure that a workflow sees: its type is our code, and refusals are not retried."""
    return ApplicationError(error.message, error.details, type=error.code, non_retryable=not error.retryable)


def failed_with(error: ActivityError, kind: type[HarborGridError]) -> bool:
    """Whether the activity ended with this error."""
    return isinstance(error.cause, ApplicationError) and error.cause.type == kind.code


def told(error: FailureError) -> tuple[str, str]:
    """Code and sentence of why an activity ended, for people. A local activity's reason comes without a wrapping."""
    cause = error.cause if isinstance(error, ActivityError) else error
    if isinstance(cause, ApplicationError):
        return cause.type or "kernel.internal", cause.message
    return TimedOut.code, str(cause or error)
