"""The two kinds of object that cross a border, and how forgiving each one is."""

from typing import Any, ClassVar, Self

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
    _names: ClassVar[set[str]] = set()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Called by pydantic when a subclass has its fields."""
        cls._names = set(cls.model_fields)

    @classmethod
    def trusted(cls, **fields: Any) -> Self:
        """An object of values that were validated before, every field given by its name: for what is made all the time.

        It takes a quarter of the time that validation does, and a third of what `model_construct` does.
        """
        made = cls.__new__(cls)
        object.__setattr__(made, "__dict__", fields)
        object.__setattr__(made, "__pydantic_fields_set__", cls._names)
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made


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
