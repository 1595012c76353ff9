"""What spatial announces: analyses, tiles and located addresses."""

from typing import Literal

from pydantic import Field, FiniteFloat, NonNegativeInt, PositiveInt

from domain.bus.event import Event, event
from domain.kernel.payload import Payload
from domain.spatial.ids import AnalysisId, GeocodingId, LayerId, TilesetId


class Extent(Payload):
    """A bounding box in degrees, WGS 84 (EPSG:4326); west exceeds east across the antimeridian (RFC 7946, 5.2)."""

    west: FiniteFloat = Field(ge=-180, le=180, examples=[10.6])
    south: FiniteFloat = Field(ge=-90, le=90, examples=[59.8])
    east: FiniteFloat = Field(ge=-180, le=180, examples=[10.9])
    north: FiniteFloat = Field(ge=-90, le=90, examples=[60.0])


@event(
    "spatial.analysis.completed",
    version="1.0.0",
    source="spatial",
    subject="analysis_id",
    consumers=("analytics", "automation"),
)
class AnalysisCompleted(Event):
    """A spatial analysis ended, and its result is a layer."""

    analysis_id: AnalysisId
    process: str = Field(description="Id of the process, as in OGC API Processes.", examples=["buffer"])
    input_layer_ids: tuple[LayerId, ...]
    result_layer_id: LayerId
    input_feature_count: NonNegativeInt = Field(examples=[1204])
    result_feature_count: NonNegativeInt = Field(examples=[311])
    repaired_feature_count: NonNegativeInt = Field(
        description="Invalid input geometries made valid first.", examples=[2]
    )
    srid: PositiveInt = Field(description="EPSG code of the result's coordinate system.", examples=[25832])
    extent: Extent | None = Field(default=None, description="Of the result; null if it is empty.")
    duration_ms: NonNegativeInt = Field(examples=[2310])


@event("spatial.tile.generated", version="1.0.0", source="spatial", subject="tileset_id", consumers=("compression",))
class TileGenerated(Event):
    """A tile was built or rebuilt; caches of its predecessor are out of date."""

    tileset_id: TilesetId
    z: int = Field(ge=0, le=30, description="Zoom level of the XYZ scheme.", examples=[12])
    x: NonNegativeInt = Field(description="Column, eastwards from the antimeridian.", examples=[2170])
    y: NonNegativeInt = Field(description="Row, southwards.", examples=[1190])
    format: Literal["mvt", "png", "webp"]
    etag: str = Field(description="Strong ETag of the tile's bytes.", examples=['"5d8c72a5edda8d6a"'])
    size_bytes: NonNegativeInt = Field(description="Before content coding.", examples=[18_400])
    feature_count: NonNegativeInt = Field(description="0 for rasters.", examples=[240])
    dropped_feature_count: NonNegativeInt = Field(description="Left out to keep the tile small.", examples=[0])
    duration_ms: NonNegativeInt = Field(examples=[9])


@event(
    "spatial.geocode.completed",
    version="1.0.0",
    source="spatial",
    subject="geocoding_id",
    consumers=("analytics", "automation"),
)
class GeocodeCompleted(Event):
    """Addresses were located, or positions named; the addresses themselves stay with the request."""

    geocoding_id: GeocodingId
    direction: Literal["forward", "reverse"]
    query_count: PositiveInt = Field(examples=[500])
    matched_count: NonNegativeInt = Field(description="Located with one clear best candidate.", examples=[482])
    ambiguous_count: NonNegativeInt = Field(
        description="Left for a person: candidates too close or scores too low.", examples=[11]
    )
    unmatched_count: NonNegativeInt = Field(examples=[7])
    gazetteer: str = Field(description="Name and release of the reference data.", examples=["geonames-2026-02"])
    duration_ms: NonNegativeInt = Field(examples=[730])
