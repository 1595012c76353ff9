"""Refusals of the event bus."""

from domain.kernel.errors import Conflict, Invalid, NotFound, Refused


class UnknownEventType(Invalid):
    """The catalogue has no such event type in this major version."""

    code = "bus.unknown_event_type"
    hint = "GET /v1/bus/catalogue lists every event type; deploy a release that knows this one."


class SubscriptionNotFound(NotFound):
    """There is no subscription of this name."""

    code = "bus.subscription_not_found"
    hint = "GET /v1/bus/subscriptions lists them."


class EventNotFound(NotFound):
    """There is no such event for this caller."""

    code = "bus.event_not_found"


class ParkedEventNotFound(NotFound):
    """There is no such parked event for this caller."""

    code = "bus.parked_event_not_found"
    hint = "GET /v1/bus/parked lists the parked events; it may have been re-delivered already."


class TraceNotFound(NotFound):
    """No event carries this correlation id."""

    code = "bus.trace_not_found"
    hint = "Take the correlationId from an event's metadata or an X-Correlation-ID header."


class NotAProjection(Conflict):
    """Only a projection can be rebuilt and compared; this subscription has other effects."""

    code = "bus.not_a_projection"
    hint = "Re-deliver a range of events to it instead."


class EventRejected(Refused):
    """A handler refuses this event, whatever else happens; it will be parked."""

    code = "bus.event_rejected"
    hint = "Read the reason on the parked event, mend its cause, then re-deliver it."


class BlockedBySubject(Refused):
    """An earlier event of the same subject is parked, and order within a subject is kept."""

    code = "bus.blocked_by_subject"
    hint = "Re-deliver the earlier parked event first; this one follows by itself."


class RebuildNotFound(NotFound):
    """There is no such rebuild for this caller."""

    code = "bus.rebuild_not_found"
    hint = "POST to the subscription's rebuilds starts one."
