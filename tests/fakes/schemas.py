"""Schemas made up by Hypothesis, ways to change them, and what is valid under them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

names = st.sampled_from(["amount", "currency", "title", "type", "required", "properties", "note"])


def objects(parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.dictionaries(names, parts, max_size=4).flatmap(
        lambda properties: st.builds(
            lambda required: {"type": "object", "properties": properties, "required": required},
            st.lists(st.sampled_from(sorted(properties)), unique=True) if properties else st.just([]),
        )
    )


leaves: st.SearchStrategy[Schema] = st.one_of(
    st.just({"type": "boolean"}),
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-5, 5),
        st.integers(0, 5),
    ),
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    st.builds(
        lambda words: {"type": "string", "enum": words}, st.lists(st.sampled_from("abcd"), min_size=1, unique=True)
    ),
)
parts = st.recursive(
    leaves,
    lambda inner: st.one_of(
        objects(inner),
        st.builds(lambda item: {"type": "array", "items": item, "minItems": 1}, inner),
        st.builds(lambda item: {"type": "object", "additionalProperties": item}, inner),
        st.builds(lambda some: {"anyOf": [some, {"type": "null"}]}, inner),
    ),
    max_leaves=8,
)
schemas = objects(parts)


def subschemas(schema: Schema) -> Iterator[Schema]:
    yield schema
    for part in [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]:
        yield from subschemas(part)
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from subschemas(schema[keyword])


def instances(schema: Schema) -> st.SearchStrategy[Any]:  # noqa: C901 - one case per kind of schema
    match schema:
        case {"anyOf": alternatives}:
            return st.one_of(*map(instances, alternatives))
        case {"enum": words}:
            return st.sampled_from(words)
        case {"type": "integer", "minimum": low, "maximum": high}:
            return st.integers(low, high)
        case {"type": "integer"}:
            return st.integers(-5, 5)
        case {"type": "string"}:
            return st.text("abcd", min_size=schema.get("minLength", 0), max_size=schema.get("maxLength", 5))
        case {"type": "array", "items": item}:
            return st.lists(instances(item), min_size=schema.get("minItems", 0), max_size=3)
        case {"type": "object", "additionalProperties": item}:
            return st.dictionaries(st.text("xyz", max_size=2), instances(item), max_size=2)
        case {"type": "object"}:
            required = set(schema.get("required", ()))
            fields = {name: instances(part) for name, part in schema.get("properties", {}).items()}
            return st.fixed_dictionaries(
                {name: field for name, field in fields.items() if name in required},
                optional={name: field for name, field in fields.items() if name not in required},
            )
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "null"}:
            return st.none()
    raise AssertionError(schema)


def remove_field(schema: Schema) -> None:
    name = schema["properties"].popitem()[0]
    schema["required"] = [other for other in schema["required"] if other != name]


def require_another(schema: Schema) -> None:
    optional = [name for name in schema["properties"] if name not in schema["required"]]
    schema["required"] = [*schema["required"], optional[0]]


def add_required_field(schema: Schema) -> None:
    schema["properties"]["brand_new"] = {"type": "boolean"}
    schema["required"] = [*schema["required"], "brand_new"]


def add_optional_field(schema: Schema) -> None:
    schema["properties"]["brand_new"] = {"type": "boolean"}


def narrow_enum(schema: Schema) -> None:
    del schema["enum"][1:]


def widen_enum(schema: Schema) -> None:
    schema["enum"] = [*schema["enum"], "z"]


def raise_minimum(schema: Schema) -> None:
    schema["minimum"] += 1
    schema["maximum"] += 1


def drop_maximum(schema: Schema) -> None:
    del schema["maxLength"]


def demand_more_items(schema: Schema) -> None:
    schema["minItems"] += 1


def forbid_null(schema: Schema) -> None:
    schema["anyOf"].pop()


def write_words(schema: Schema) -> None:
    schema.update(title="Pot", description="A pot.", examples=[1], deprecated=True)


Edit = Callable[[Schema], None]

COMPATIBLE: list[Edit] = [add_optional_field, write_words]
BREAKING: list[Edit] = [
    remove_field,
    require_another,
    add_required_field,
    narrow_enum,
    widen_enum,
    raise_minimum,
    drop_maximum,
    demand_more_items,
    forbid_null,
]


def edited_copies(schema: Schema, edits: list[Edit]) -> Iterator[tuple[Edit, Schema]]:
    """Every way to apply one of the edits to one part of the schema."""
    for edit in edits:
        for place in range(len(list(subschemas(schema)))):
            changed = copy.deepcopy(schema)
            with suppress(KeyError, IndexError):
                edit(list(subschemas(changed))[place])
            if changed != schema:
                yield edit, changed


@st.composite
def edited(draw: st.DrawFn, edits: list[Edit]) -> tuple[Schema, Schema, Edit]:
    old = draw(schemas)
    edit, new = draw(st.sampled_from(list(edited_copies(old, [*edits, write_words]))))
    return old, new, edit


def hoisted(schema: Schema, prefix: str) -> Schema:
    """The same schema with every part moved to `$defs` and referred to."""
    definitions: dict[str, Schema] = {}

    def moved(part: Schema) -> Schema:
        name = f"{prefix}/{len(definitions)}~"
        definitions[name] = {}
        definitions[name] = within(part)
        return {"$ref": "#/$defs/" + name.replace("~", "~0").replace("/", "~1")}

    def within(part: Schema) -> Schema:
        inner = dict(part)
        if "properties" in inner:
            inner["properties"] = {name: moved(field) for name, field in inner["properties"].items()}
        for keyword in ("items", "additionalProperties"):
            if keyword in inner:
                inner[keyword] = moved(inner[keyword])
        if "anyOf" in inner:
            inner["anyOf"] = [moved(alternative) for alternative in inner["anyOf"]]
        return inner

    return {**within(schema), "$defs": definitions}
