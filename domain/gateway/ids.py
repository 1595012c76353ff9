"""Ids of the gateway."""

from domain.kernel.ids import Id


class UpstreamId(Id, prefix="ups"):
    """A service that the gateway forwards to, whatever the number of its instances."""
