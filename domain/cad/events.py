"""What the CAD editor announces: edits, saved drawings and exports."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, FiniteFloat, NonNegativeInt, PositiveInt

from domain.bus.event import Event, event
from domain.cad.ids import DocumentId, ExportId, LayerId, ShapeId
from domain.kernel.digests import Sha256
from domain.kernel.payload import Payload


class ShapeKind(StrEnum):
    """The primitives of a drawing."""

    LINE = "line"
    POLYLINE = "polyline"
    POLYGON = "polygon"
    RECTANGLE = "rectangle"
    ARC = "arc"
    CIRCLE = "circle"
    ELLIPSE = "ellipse"
    BEZIER_PATH = "bezier_path"
    SPLINE = "spline"
    TEXT = "text"
    HATCH = "hatch"
    DIMENSION = "dimension"
    IMAGE = "image"
    BLOCK_INSTANCE = "block_instance"


class ShapeAspect(StrEnum):
    """Which side of a shape an edit touched."""

    GEOMETRY = "geometry"
    TRANSFORM = "transform"
    STYLE = "style"
    LAYER = "layer"
    TEXT = "text"
    CONSTRAINTS = "constraints"


class Bounds(Payload):
    """The axis-aligned box around a shape, in drawing units, y upwards."""

    min_x: FiniteFloat = Field(examples=[0.0])
    min_y: FiniteFloat = Field(examples=[0.0])
    max_x: FiniteFloat = Field(examples=[420.0])
    max_y: FiniteFloat = Field(examples=[297.0])


@event("cad.shape.added", version="1.0.0", source="cad", subject="document_id", consumers=("collaboration",))
class ShapeAdded(Event):
    """A shape was added to a drawing."""

    document_id: DocumentId
    revision: PositiveInt = Field(description="The drawing's revision with this edit in it.", examples=[17])
    shape_id: ShapeId
    layer_id: LayerId
    kind: ShapeKind
    bounds: Bounds


@event("cad.shape.modified", version="1.0.0", source="cad", subject="document_id", consumers=("collaboration",))
class ShapeModified(Event):
    """A shape of a drawing changed."""

    document_id: DocumentId
    revision: PositiveInt = Field(description="The drawing's revision with this edit in it.", examples=[18])
    shape_id: ShapeId
    layer_id: LayerId = Field(description="The layer it is on now.")
    changed: tuple[ShapeAspect, ...] = Field(min_length=1, description="What changed about it.")
    previous_bounds: Bounds = Field(description="Where it was: redraw this, too.")
    bounds: Bounds


@event(
    "cad.document.saved",
    version="1.0.0",
    source="cad",
    subject="document_id",
    consumers=("collaboration", "compression"),
)
class DocumentSaved(Event):
    """A revision of a drawing is stored."""

    document_id: DocumentId
    revision: PositiveInt = Field(examples=[18])
    object_key: str = Field(
        description="Where the revision is in the tenant's object storage.",
        examples=["drawings/doc_01h455vb4pex5vsknk084sn02q/18"],
    )
    size_bytes: NonNegativeInt = Field(examples=[48_230])
    sha256: Sha256
    shape_count: NonNegativeInt = Field(examples=[312])
    layer_count: PositiveInt = Field(examples=[6])
    unit: Literal["mm", "cm", "m", "in", "ft"] = Field(description="The length of one drawing unit.")
    srid: PositiveInt | None = Field(
        default=None,
        description="EPSG code of the coordinate system that the drawing is geo-referenced in; null if it is not.",
        examples=[25832],
    )
    is_autosave: bool


@event(
    "cad.export.completed",
    version="1.0.0",
    source="cad",
    subject="document_id",
    consumers=("automation", "compression"),
)
class ExportCompleted(Event):
    """A drawing was exported to a file, and the file is stored."""

    export_id: ExportId
    document_id: DocumentId
    revision: PositiveInt = Field(description="The revision that was exported.", examples=[18])
    format: Literal["svg", "dxf", "pdf"]
    object_key: str = Field(
        description="Where the file is in the tenant's object storage.",
        examples=["exports/exp_01h455vb4pex5vsknk084sn02q.dxf"],
    )
    size_bytes: NonNegativeInt = Field(examples=[96_512])
    sha256: Sha256
    page_count: PositiveInt = Field(description="Sheets; 1 for formats without pages.", examples=[1])
    omitted_shape_count: NonNegativeInt = Field(description="Shapes that the format cannot express.", examples=[0])
    duration_ms: NonNegativeInt = Field(examples=[640])
