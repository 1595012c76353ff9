"""Ids of the CAD editor."""

from domain.kernel.ids import Id


class DocumentId(Id, prefix="doc"):
    """A drawing, in all its revisions."""


class LayerId(Id, prefix="lay"):
    """A layer of a drawing."""


class ShapeId(Id, prefix="shp"):
    """A shape of a drawing; it keeps its id through every edit."""


class ExportId(Id, prefix="exp"):
    """One export of a drawing to a file format."""
