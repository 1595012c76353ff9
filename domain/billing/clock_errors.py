"""Refusals about test clocks."""

from domain.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class ClockNotFound(NotFound):
    """There is no such test clock."""

    code = "billing.clock_not_found"
    hint = "GET /v1/billing/test-clocks lists them."


class ClockUnknown(Invalid):
    """The customer's test clock is not there."""

    code = "billing.clock_unknown"
    hint = "Add it first with POST /v1/billing/test-clocks."


class ClockAdvancing(Conflict):
    """The clock is being advanced already."""

    code = "billing.clock_advancing"
    hint = "GET /v1/billing/test-clocks/{id} says how far it is."


class ClockInstantInvalid(Invalid):
    """Time goes forward, by two years at most at once; it begins now, or within five years."""

    code = "billing.clock_instant_invalid"
    hint = "Name an instant between `earliest` and `latest`, which details name."


class ClockStuck(Unavailable):
    """A process does not do what is due: no worker runs, Temporal cannot move clocks, or it waits for somebody."""

    code = "billing.clock_stuck"
    hint = "Look at the workflow that details name in the Temporal UI; the clock goes on once it does."
