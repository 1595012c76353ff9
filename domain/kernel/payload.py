"""The two kinds of object that cross a border, and how forgiving each one is."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Payload(BaseModel):
    """What our own processes send each other: camelCase on the wire, unknown fields ignored.

    An old worker must be able to read what a newer one wrote, so new fields need defaults.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Body(BaseModel):
    """What an outside caller sends us: camelCase, and an unknown field is a mistake worth naming."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )
