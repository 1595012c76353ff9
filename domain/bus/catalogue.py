"""The catalogue: every event type there is, and how data recorded in an older version is read today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from domain.bus.errors import UnknownEventType
from domain.bus.event import Event, Version

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class Catalogue:
    """Event types by address.

    `upcasters` maps (type, major version) to a function that turns data of that major version into data of
    the next one; they are chained at read time, so the store never changes.
    """

    def __init__(
        self, types: Iterable[type[Event]], upcasters: Mapping[tuple[str, int], Upcaster] | None = None
    ) -> None:
        self._by_type = {cls.about.type: cls for cls in types}
        self._upcasters = dict(upcasters or {})

    @classmethod
    def of(cls, *modules: ModuleType, upcasters: Mapping[tuple[str, int], Upcaster] | None = None) -> Catalogue:
        """The catalogue of the events declared in these modules."""
        return cls((found for module in modules for found in _declared(module)), upcasters)

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(sorted(self._by_type.values(), key=lambda cls: cls.about.type))

    def __len__(self) -> int:
        return len(self._by_type)

    def __contains__(self, type_: str) -> bool:
        return type_ in self._by_type

    def get(self, type_: str) -> type[Event]:
        """The class of this event type. Raises UnknownEventType."""
        try:
            return self._by_type[type_]
        except KeyError:
            raise UnknownEventType(f"{type_} is not an event type", type=type_) from None

    def check(self, happened: Event) -> None:
        """Refuse to publish what the catalogue does not list. Raises UnknownEventType."""
        if self._by_type.get(happened.about.type) is not type(happened):
            raise UnknownEventType(f"{happened.about.type} is not an event type", type=happened.about.type)

    def read(self, type_: str, version: str, data: dict[str, Any]) -> Event:
        """The event that this recorded data means today, upcast through every major version in between.

        Raises UnknownEventType if it was written by a newer major version than this release knows, or if
        an upcaster is missing.
        """
        cls = self.get(type_)
        known, major = Version.parse(cls.about.version).major, Version.parse(version).major
        if major > known:
            raise UnknownEventType(f"{type_} {version} is newer than {cls.about.version}", type=type_, version=version)
        while major < known:
            upcast = self._upcasters.get((type_, major))
            if upcast is None:
                raise UnknownEventType(f"no upcaster reads {type_} {major}.x", type=type_, version=version)
            data, major = upcast(data), major + 1
        return cls.model_validate(data)


def _declared(module: ModuleType) -> Iterator[type[Event]]:
    for found in vars(module).values():
        if isinstance(found, type) and issubclass(found, Event) and "about" in vars(found):
            yield found
