"""What compression announces: content that became smaller, and how the caches do."""

from enum import StrEnum

from pydantic import Field, NonNegativeInt, PositiveInt

from domain.bus.event import Event, event
from domain.compression.ids import CompressionId, DictionaryId
from domain.kernel.digests import Sha256


class Algorithm(StrEnum):
    """A compression format."""

    ZSTD = "zstd"
    BROTLI = "brotli"
    LZ4 = "lz4"
    GZIP = "gzip"
    WEBP = "webp"
    AVIF = "avif"


class CacheTier(StrEnum):
    """Where a cached response was found, nearest first."""

    MEMORY = "memory"
    DISK = "disk"
    OBJECT_STORE = "object_store"
    CDN = "cdn"


class MissReason(StrEnum):
    """Why the cache could not answer (the forward reasons of RFC 9211 section 2.2, as far as we distinguish them)."""

    URI_MISS = "uri-miss"
    VARY_MISS = "vary-miss"
    STALE = "stale"
    BYPASS = "bypass"


@event(
    "compression.completed",
    version="1.0.0",
    source="compression",
    subject="object_key",
    consumers=("analytics", "cad", "gateway"),
)
class CompressionCompleted(Event):
    """Content was compressed, verified by decompressing it, and stored."""

    compression_id: CompressionId
    object_key: str = Field(
        min_length=1,
        description="Where the original is in the tenant's object storage.",
        examples=["drawings/doc_01h455vb4pex5vsknk084sn02q/18"],
    )
    content_type: str = Field(description="Media type of the original.", examples=["image/svg+xml"])
    algorithm: Algorithm
    level: int = Field(description="In the algorithm's own scale; quality 0 to 100 for images.", examples=[9])
    dictionary_id: DictionaryId | None = Field(default=None, description="The trained dictionary that was used.")
    is_lossless: bool
    original_bytes: NonNegativeInt = Field(examples=[48_230])
    compressed_bytes: NonNegativeInt = Field(
        description="If it exceeds the original, the original was kept.", examples=[9_114]
    )
    original_sha256: Sha256
    duration_ms: NonNegativeInt = Field(examples=[14])


@event(
    "compression.cache.hit",
    version="1.0.0",
    source="compression",
    subject="cache_key_sha256",
    consumers=("analytics", "gateway"),
    telemetry=True,
)
class CacheHit(Event):
    """A response was served from the cache."""

    cache_key_sha256: Sha256 = Field(description="Fingerprint of method, URL and negotiated headers.")
    route: str = Field(description="The route's template, never the URL.", examples=["/v1/spatial/tiles/{z}/{x}/{y}"])
    tier: CacheTier
    is_stale: bool = Field(description="Served past its freshness while being revalidated (RFC 5861).")
    age_seconds: NonNegativeInt = Field(description="As in the Age header.", examples=[42])
    encoding: Algorithm | None = Field(default=None, description="Content coding served; null: identity.")
    served_bytes: NonNegativeInt = Field(examples=[9_114])


@event(
    "compression.cache.miss",
    version="1.0.0",
    source="compression",
    subject="cache_key_sha256",
    consumers=("analytics", "gateway"),
    telemetry=True,
)
class CacheMiss(Event):
    """A response had to be fetched from its origin."""

    cache_key_sha256: Sha256 = Field(description="Fingerprint of method, URL and negotiated headers.")
    route: str = Field(description="The route's template, never the URL.", examples=["/v1/spatial/tiles/{z}/{x}/{y}"])
    reason: MissReason
    is_stored: bool = Field(description="Whether the cache keeps the answer for the next request.")
    is_collapsed: bool = Field(description="Whether it waited for another request that was already fetching the same.")
    origin_status: int = Field(ge=100, le=599, description="HTTP status of the origin's answer.", examples=[200])
    origin_duration_ms: NonNegativeInt = Field(examples=[87])
    origin_bytes: NonNegativeInt = Field(description="Body size before compression.", examples=[48_230])
    ttl_seconds: PositiveInt | None = Field(default=None, description="Freshness lifetime; null if it is not stored.")
