"""Ids of spatial."""

from domain.kernel.ids import Id


class AnalysisId(Id, prefix="ana"):
    """One run of a spatial process."""


class LayerId(Id, prefix="lyr"):
    """A layer of geographic features."""


class TilesetId(Id, prefix="tls"):
    """A pyramid of tiles built from a layer or raster."""


class GeocodingId(Id, prefix="geo"):
    """One request or batch of addresses to locate."""
