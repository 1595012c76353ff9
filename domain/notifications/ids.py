"""Ids of notifications."""

from domain.kernel.ids import Id


class NotificationId(Id, prefix="ntf"):
    """One message to one recipient over one channel."""


class AlertId(Id, prefix="alr"):
    """Something that may need a person, until it is resolved."""


class EscalationPolicyId(Id, prefix="esc"):
    """Who is asked next, and after how long."""


class IncidentId(Id, prefix="inc"):
    """A disturbance being handled by people."""
