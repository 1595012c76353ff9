"""What can be allowed on the event bus."""

from domain.kernel.permissions import Permission, Scope

READ_EVENTS = Permission("bus.read_events", Scope.READ, "Event")
READ_EVENT_TYPES = Permission("bus.read_event_types", Scope.READ, "EventType")
READ_TRACES = Permission("bus.read_traces", Scope.READ, "Trace")
READ_PARKED_EVENTS = Permission("bus.read_parked_events", Scope.READ, "ParkedEvent")
REDELIVER_EVENT = Permission("bus.redeliver_event", Scope.ADMIN, "ParkedEvent")
READ_SUBSCRIPTIONS = Permission("bus.read_subscriptions", Scope.READ, "BusSubscription")
REBUILD_PROJECTION = Permission("bus.rebuild_projection", Scope.ADMIN, "BusSubscription")
READ_REBUILDS = Permission("bus.read_rebuilds", Scope.READ, "BusSubscription")
DECODE_PAYLOADS = Permission("bus.decode_payloads", Scope.OPERATOR, "WorkflowPayload")
