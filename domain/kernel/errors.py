"""One tree of named refusals; each knows its code, its HTTP status and whether trying again can help.

HarborGridError
├── Refused            the answer is no, and asking again will not change it
│   ├── Invalid        422  the input breaks a rule
│   ├── Unauthenticated 401 nobody we know is asking
│   ├── Forbidden      403  we know who asks, and they may not
│   ├── NotFound       404  there is no such thing (or it is not yours)
│   ├── Conflict       409  it contradicts what already happened
│   ├── PreconditionFailed 412 / PreconditionRequired 428  the resource changed, or If-Match is missing
│   └── Malformed      400 / NotAllowed 405 / TooLarge 413 / UnsupportedMediaType 415
└── Unavailable        503  the answer is "not now": trying again can help
    ├── TooManyRequests 429  it was asked too often
    ├── DatabaseUnavailable, TransactionConflict, CommitUnknown
    └── WorkflowsUnavailable
"""

from typing import Any, ClassVar


class HarborGridError(Exception):
    """The root. `code` is the address, `hint` tells the reader what to do next, `details` are facts."""

    code: ClassVar[str] = "kernel.internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    hint: ClassVar[str] = "Retry later; if it persists, contact support with the request id."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message or (type(self).__doc__ or "").split("\n")[0])
        self.details = details

    @property
    def message(self) -> str:
        """The sentence for a human."""
        return str(self.args[0])


class Refused(HarborGridError):
    """The answer is no."""

    code = "kernel.refused"
    status = 400
    hint = "Change the request; the same request will be refused again."


class Malformed(Refused):
    """The request could not be read."""

    code = "kernel.malformed"
    status = 400
    hint = "Send a well-formed request; the OpenAPI page shows an example."


class Invalid(Refused):
    """The request breaks a rule."""

    code = "kernel.invalid"
    status = 422
    hint = "Correct the fields named in details."


class Unauthenticated(Refused):
    """No valid credentials came with the request."""

    code = "kernel.unauthenticated"
    status = 401
    hint = "Send an API key in X-API-Key, or the token of a session as Authorization: Bearer."


class Forbidden(Refused):
    """These credentials do not allow this."""

    code = "kernel.forbidden"
    status = 403
    hint = "Ask an administrator for a key with the scope named in details."


class NotFound(Refused):
    """There is no such resource for this caller."""

    code = "kernel.not_found"
    status = 404
    hint = "Check the id and that the API key belongs to the right tenant."


class NotAllowed(Refused):
    """The resource exists, but not with this method."""

    code = "kernel.not_allowed"
    status = 405
    hint = "Use one of the methods in the Allow header."


class Conflict(Refused):
    """The request contradicts the current state."""

    code = "kernel.conflict"
    status = 409
    hint = "Read the resource again and decide anew."


class IdempotencyKeyReused(Conflict):
    """This Idempotency-Key was used for a different request."""

    code = "kernel.idempotency_key_reused"
    hint = "Use a new Idempotency-Key for a new request, or repeat the first request unchanged."


class PreconditionFailed(Refused):
    """The resource changed since it was read."""

    code = "kernel.precondition_failed"
    status = 412
    hint = "GET the resource, apply the change to the new version and send its ETag in If-Match."


class TooLarge(Refused):
    """The request body is larger than this endpoint accepts."""

    code = "kernel.too_large"
    status = 413
    hint = "Send less at once; the limit is in details."


class UnsupportedMediaType(Refused):
    """The body is not in a media type this endpoint reads."""

    code = "kernel.unsupported_media_type"
    status = 415
    hint = "Send application/json."


class PreconditionRequired(Refused):
    """Updates must say which version they change."""

    code = "kernel.precondition_required"
    status = 428
    hint = "GET the resource and send its ETag in If-Match."


class Unavailable(HarborGridError):
    """The answer is "not now"."""

    code = "kernel.unavailable"
    status = 503
    retryable = True
    hint = "Retry after a pause; the request had no effect."


class TooManyRequests(Unavailable):
    """This was asked too often."""

    code = "kernel.too_many_requests"
    status = 429
    hint = "Wait for as many seconds as Retry-After says."


class DatabaseUnavailable(Unavailable):
    """The database did not answer, and nothing was changed."""

    code = "kernel.database_unavailable"


class TransactionConflict(Unavailable):
    """Concurrent transactions kept getting in each other's way, and nothing was changed."""

    code = "kernel.transaction_conflict"


class CommitUnknown(Unavailable):
    """The connection broke while committing: the change may or may not have happened."""

    code = "kernel.commit_unknown"
    hint = "Retry with the same Idempotency-Key; the change will not happen twice."


class TimedOut(Unavailable):
    """It did not end in the time that is given to it."""

    code = "kernel.timed_out"
    hint = "Look at what it waits for; then ask for it again."


class WorkflowsUnavailable(Unavailable):
    """The workflow service did not answer."""

    code = "kernel.workflows_unavailable"
