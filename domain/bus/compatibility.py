"""What a change to an event type's schema demands of its version (the report's section 3.3).

Events outlive the code that wrote them, and while a release rolls out, old readers meet new events. So a
change is compatible only if it is both ways: what was recorded stays readable, and what is written now
does not surprise a reader of yesterday. That leaves words, and new optional fields.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from domain.bus.event import Version

Schema = Mapping[str, Any]

_WORDS = frozenset({"$comment", "$id", "$schema", "deprecated", "description", "examples", "title"})
_DEFINITIONS = frozenset({"$defs", "definitions"})
_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_PARTS = frozenset({"additionalProperties", "contains", "items", "propertyNames"})
_ALTERNATIVES = ("allOf", "anyOf", "oneOf")
_LOOKED_AT = frozenset(
    {"enum", "prefixItems", "properties", "required"}.union(_LOWER_BOUNDS, _UPPER_BOUNDS, _PARTS, _ALTERNATIVES)
)


class Release(NamedTuple):
    """An event type's data schema, as it stands in one version."""

    version: Version
    schema: Schema


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Every difference that is neither words nor a new optional field, as `path: what changed`.

    `$ref`s within each document are followed, so renaming or moving a definition is no change.
    """
    return list(_differences(_flat(old, old), _flat(new, new), "$"))


def violations(released: Release, current: Release, *, upcasts: Container[int] = ()) -> list[str]:
    """What semantic versioning (semver.org 2.0.0) has against following `released` with `current`.

    A patch changes words only; a minor version adds optional fields; a major version may do anything if
    old data stays readable. `upcasts`: the major versions from which an upcaster leads to the next.
    """
    was, now = released.version, current.version
    if now < was:
        return [f"{now} goes back behind {was}"]
    missing = [major for major in range(was.major, now.major) if major not in upcasts]
    return [*_too_small_a_step(released, current), *(f"no upcaster reads {major}.x" for major in missing)]


def _too_small_a_step(released: Release, current: Release) -> list[str]:
    (was, old), (now, new) = released, current
    if now.major > was.major:
        return []
    breaks = breaking_changes(old, new)
    if breaks:
        return [f"{now} after {was} must be {was.major + 1}.0.0: {change}" for change in breaks]
    if breaking_changes(new, old) and now.minor == was.minor:
        return [f"{now} after {was} must be {was.major}.{was.minor + 1}.0: optional fields were added"]
    if now == was and _without_id(old) != _without_id(new):
        return [f"{now} after {was} must be {was.major}.{was.minor}.{was.patch + 1}: its words changed"]
    return []


def _without_id(schema: Schema) -> Schema:
    return {keyword: value for keyword, value in schema.items() if keyword != "$id"}


def _flat(schema: Any, document: Schema, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """The schema without words and with definitions in place; a recursive `$ref` becomes its distance upwards."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    if "$ref" in schema:
        return _followed(schema, document, above)
    flat = {
        keyword: _flat_value(keyword, value, document, above)
        for keyword, value in schema.items()
        if keyword not in _WORDS | _DEFINITIONS
    }
    if "const" in flat:
        flat["enum"] = [flat.pop("const")]
    return {keyword: value for keyword, value in flat.items() if (keyword, value) not in _SAYS_NOTHING}


_SAYS_NOTHING: tuple[tuple[str, Any], ...] = (
    ("additionalProperties", {}),
    ("items", {}),
    ("properties", {}),
    ("required", []),
)


def _followed(schema: Schema, document: Schema, above: tuple[str, ...]) -> dict[str, Any]:
    target, beside = schema["$ref"], {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
    if target in above:
        return {"$ref": len(above) - above.index(target), **_flat(beside, document, above)}
    found: Any = document
    for step in target.removeprefix("#").split("/")[1:]:
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return {**_flat(found, document, (*above, target)), **_flat(beside, document, above)}


def _flat_value(keyword: str, value: Any, document: Schema, above: tuple[str, ...]) -> Any:
    if keyword in {"properties", "patternProperties", "dependentSchemas"}:
        return {name: _flat(part, document, above) for name, part in value.items()}
    if keyword in {*_PARTS, "not", "if", "then", "else"}:
        return _flat(value, document, above)
    if keyword in {*_ALTERNATIVES, "prefixItems"}:
        return [_flat(part, document, above) for part in value]
    if keyword == "required" or (keyword == "type" and not isinstance(value, str)):
        return sorted(value)
    return value


def _differences(old: Schema, new: Schema, path: str) -> Iterator[str]:
    yield from _keywords(old, new, path)
    yield from _choices(old, new, path)
    yield from _bounds(old, new, path)
    yield from _properties(old, new, path)
    for keyword in sorted((old.keys() | new.keys()) & _PARTS):
        yield from _differences(old.get(keyword, {}), new.get(keyword, {}), f"{path}.<{keyword}>")
    for keyword in _ALTERNATIVES:
        yield from _alternatives(old.get(keyword, ()), new.get(keyword, ()), f"{path}.<{keyword}>")
    places: Iterator[tuple[Schema, Schema]] = zip_longest(
        old.get("prefixItems", ()), new.get("prefixItems", ()), fillvalue={}
    )
    for place, (was, now) in enumerate(places):
        yield from _differences(was, now, f"{path}[{place}]")


def _keywords(old: Schema, new: Schema, path: str) -> Iterator[str]:
    for keyword in sorted((old.keys() | new.keys()) - _LOOKED_AT):
        was, now = old.get(keyword), new.get(keyword)
        if _written(was) != _written(now) or (keyword in old) != (keyword in new):
            yield f"{path}: {keyword} changed from {_shown(old, keyword)} to {_shown(new, keyword)}"


def _choices(old: Schema, new: Schema, path: str) -> Iterator[str]:
    if ("enum" in old) != ("enum" in new):
        yield f"{path}: {'restricted to' if 'enum' in new else 'no longer restricted to'} listed values"
        return
    was, now = [{_written(value) for value in schema.get("enum", ())} for schema in (old, new)]
    yield from (f"{path}: enum narrowed, {value} removed" for value in sorted(was - now))
    yield from (f"{path}: enum widened, {value} added" for value in sorted(now - was))


def _bounds(old: Schema, new: Schema, path: str) -> Iterator[str]:
    for keywords, tighter in ((_LOWER_BOUNDS, 1), (_UPPER_BOUNDS, -1)):
        for keyword in keywords:
            was, now = old.get(keyword), new.get(keyword)
            if was != now:
                is_tighter = was is None or (now is not None and (now - was) * tighter > 0)
                change = "tightened" if is_tighter else "loosened"
                yield f"{path}: {keyword} {change} from {_shown(old, keyword)} to {_shown(new, keyword)}"


def _properties(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(before.keys() - after.keys()):
        yield f"{path}.{name}: field removed"
    for name in sorted(after.keys() - before.keys()):
        if name in is_required:
            yield f"{path}.{name}: new field is required"
        elif "additionalProperties" in old:
            yield f"{path}.{name}: new field where unknown fields were constrained"
    for name in sorted(is_required - was_required - (after.keys() - before.keys())):
        yield f"{path}.{name}: required now"
    for name in sorted(was_required - is_required - (before.keys() - after.keys())):
        yield f"{path}.{name}: may be missing now"
    for name in sorted(before.keys() & after.keys()):
        yield from _differences(before[name], after[name], f"{path}.{name}")


def _alternatives(old: Sequence[Schema], new: Sequence[Schema], path: str) -> Iterator[str]:
    """Pair the alternatives that are compatible, in any order; what is left, in its order."""
    removed, added = list(old), list(new)
    for was in old:
        match = next((now for now in added if not any(_differences(was, now, path))), None)
        if match is not None:
            removed.remove(was)
            added.remove(match)
    for was, now in zip(removed, added, strict=False):
        yield from _differences(was, now, path)
    yield from (f"{path}: alternative removed, {_written(was)}" for was in removed[len(added) :])
    yield from (f"{path}: alternative added, {_written(now)}" for now in added[len(removed) :])


def _shown(schema: Schema, keyword: str) -> str:
    return _written(schema[keyword]) if keyword in schema else "nothing"


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
