"""Refusals about usage."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class UsageConflict(Conflict):
    """An event with this source and id was reported with another content; nothing of the batch was kept."""

    code = "billing.usage_conflict"
    hint = "Give what is another event another id; to correct one, void it and report the right one under a new id."


class UsageInvalid(Invalid):
    """Events cannot be counted by the meters of their type; nothing of the batch was kept. See details."""

    code = "billing.usage_invalid"
    hint = "Correct the events that details name, and send the whole batch again: what was kept counts once."


class UsageNotFound(NotFound):
    """There is no event with this source and id."""

    code = "billing.usage_not_found"
    hint = "Give source and id as they were reported."
