"""Compatibility of schemas: every law is checked against a JSON Schema validator as the referee."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bus.compatibility import Release, breaking_changes, violations
from domain.bus.event import Version

relaxed = settings(deadline=None)

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


def pot(**fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": sorted(fields)}


class TestBreakingChanges:
    @relaxed
    @given(schemas)
    def test_a_schema_is_compatible_with_itself(self, schema: Schema) -> None:
        assert breaking_changes(schema, copy.deepcopy(schema)) == []

    @relaxed
    @given(schemas)
    def test_moving_and_renaming_definitions_is_no_change(self, schema: Schema) -> None:
        assert breaking_changes(schema, hoisted(schema, "a")) == []
        assert breaking_changes(hoisted(schema, "a"), hoisted(schema, "b")) == []

    @relaxed
    @given(edited([*COMPATIBLE, *BREAKING]))
    def test_only_words_and_new_optional_fields_pass(self, change: tuple[Schema, Schema, Edit]) -> None:
        old, new, edit = change

        assert (edit in COMPATIBLE) == (breaking_changes(old, new) == [])

    @relaxed
    @given(edited(COMPATIBLE), st.data())
    def test_what_passes_leaves_old_readers_and_old_data_valid(
        self, change: tuple[Schema, Schema, Edit], data: st.DataObject
    ) -> None:
        old, new, _ = change

        assert jsonschema_rs.is_valid(new, data.draw(instances(old)))
        assert jsonschema_rs.is_valid(old, data.draw(instances(new)))

    @relaxed
    @given(edited([*COMPATIBLE, *BREAKING]))
    def test_is_seen_through_references_too(self, change: tuple[Schema, Schema, Edit]) -> None:
        old, new, _ = change

        assert (breaking_changes(old, new) == []) == (breaking_changes(hoisted(old, "a"), hoisted(new, "b")) == [])

    @pytest.mark.parametrize(
        ("old", "new", "change"),
        [
            (pot(a={}, b={}), pot(a={}), "$.b: field removed"),
            (pot(a={}), pot(a={}, b={}), "$.b: new field is required"),
            (pot(), {"type": "object", "properties": {}, "required": ["a"]}, "$.a: required now"),
            (pot(a={}), {**pot(a={}), "required": []}, "$.a: may be missing now"),
            (pot(a={"type": "integer"}), pot(a={"type": "string"}), '$.a: type changed from "integer" to "string"'),
            (pot(a={"format": "uuid"}), pot(a={"format": "uri"}), '$.a: format changed from "uuid" to "uri"'),
            (pot(a={}), pot(a={"pattern": "^x"}), '$.a: pattern changed from nothing to "^x"'),
            (pot(a={"default": 1}), pot(a={"default": 2}), "$.a: default changed from 1 to 2"),
            (pot(a={"default": None}), pot(a={}), "$.a: default changed from null to nothing"),
            (pot(a={"enum": ["x", "y"]}), pot(a={"enum": ["y"]}), '$.a: enum narrowed, "x" removed'),
            (pot(a={"enum": ["x"]}), pot(a={"enum": ["y", "x"]}), '$.a: enum widened, "y" added'),
            (pot(a={"const": 1}), pot(a={"const": True}), "$.a: enum narrowed, 1 removed"),
            (pot(a={}), pot(a={"const": "x"}), "$.a: restricted to listed values"),
            (pot(a={"enum": ["x"]}), pot(a={}), "$.a: no longer restricted to listed values"),
            (pot(a={"maximum": 9}), pot(a={"maximum": 8}), "$.a: maximum tightened from 9 to 8"),
            (pot(a={}), pot(a={"minItems": 1}), "$.a: minItems tightened from nothing to 1"),
            (pot(a={"minimum": 0}), pot(a={}), "$.a: minimum loosened from 0 to nothing"),
            (pot(a={"multipleOf": 5}), pot(a={"multipleOf": 2}), "$.a: multipleOf changed from 5 to 2"),
            (
                pot(a={"type": "array", "items": {"type": "integer"}}),
                pot(a={"type": "array", "items": {"type": "number"}}),
                '$.a.<items>: type changed from "integer" to "number"',
            ),
            (
                pot(a={"prefixItems": [{}, {"type": "null"}]}),
                pot(a={"prefixItems": [{}]}),
                '$.a[1]: type changed from "null" to nothing',
            ),
            (
                pot(a={"anyOf": [{"type": "string"}, {"type": "null"}]}),
                pot(a={"anyOf": [{"type": "string"}]}),
                '$.a.<anyOf>: alternative removed, {"type": "null"}',
            ),
            (
                pot(a={"anyOf": [{"type": "string"}]}),
                pot(a={"anyOf": [{"type": "null"}, {"type": "string"}]}),
                '$.a.<anyOf>: alternative added, {"type": "null"}',
            ),
            (
                pot(a={"anyOf": [{"type": "null"}, pot(b={"type": "string"})]}),
                pot(a={"anyOf": [pot(b={"type": "integer"}), {"type": "null"}]}),
                '$.a.<anyOf>.b: type changed from "string" to "integer"',
            ),
            (
                pot(),
                {**pot(), "additionalProperties": False},
                "$.<additionalProperties>: not changed from nothing to {}",
            ),
            (
                {**pot(), "additionalProperties": False},
                {**pot(), "additionalProperties": False, "properties": {"a": {}}},
                "$.a: new field where unknown fields were constrained",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_are_named_where_they_happen(self, old: Schema, new: Schema, change: str) -> None:
        assert change in breaking_changes(old, new)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (pot(a={"enum": ["x", "y"]}), pot(a={"enum": ["y", "x"]})),
            (pot(a={"const": "x"}), pot(a={"enum": ["x"]})),
            (pot(a={"type": ["string", "null"]}), pot(a={"type": ["null", "string"]})),
            (pot(a={"anyOf": [{"type": "null"}, {}]}), pot(a={"anyOf": [{}, {"type": "null"}]})),
            (pot(), {**pot(), "additionalProperties": True}),
            ({**pot(), "$id": "urn:a"}, {**pot(), "$id": "urn:b", "$schema": "x", "$comment": "y"}),
            (pot(a={}), {**pot(a={}), "$defs": {"Unused": {"type": "null"}}}),
        ],
        ids=[
            "enum order",
            "const as enum",
            "type order",
            "alternatives' order",
            "open either way",
            "identity",
            "unused definition",
        ],
    )
    def test_another_way_to_write_the_same_is_none(self, old: Schema, new: Schema) -> None:
        assert breaking_changes(old, new) == []
        assert breaking_changes(new, old) == []

    def test_a_field_called_like_a_keyword_is_a_field(self) -> None:
        assert breaking_changes(pot(title={"type": "string"}), pot()) == ["$.title: field removed"]

    def test_recursive_types_are_followed_once(self) -> None:
        def tree(leaf: str) -> Schema:
            node = {"type": "object", "properties": {"leaf": {"type": leaf}, "next": {"$ref": "#/$defs/Node"}}}
            return {"$ref": "#/$defs/Node", "$defs": {"Node": node}}

        assert breaking_changes(tree("string"), tree("string")) == []
        assert breaking_changes(tree("string"), tree("null")) == ['$.leaf: type changed from "string" to "null"']

    def test_words_beside_a_reference_are_words(self) -> None:
        bare = {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}

        assert breaking_changes(bare, {**bare, "description": "An A."}) == []


def release(version: str, schema: Schema) -> Release:
    return Release(Version.parse(version), {"$id": f"urn:pot:{version}", **schema})


PLAIN = pot(a={"type": "string"})
WORDIER = pot(a={"type": "string", "description": "The a."})
LARGER = {**pot(a={"type": "string"}), "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
BROKEN = pot(a={"type": "integer"})


class TestViolations:
    @pytest.mark.parametrize(
        ("version", "schema"),
        [
            ("1.2.3", PLAIN),
            ("1.2.4", PLAIN),
            ("1.2.4", WORDIER),
            ("1.3.0", WORDIER),
            ("1.3.0", LARGER),
            ("1.7.2", LARGER),
            ("2.0.0", LARGER),
            ("2.0.0", BROKEN),
            ("2.1.0", BROKEN),
        ],
    )
    def test_a_step_as_large_as_the_change_is_none(self, version: str, schema: Schema) -> None:
        assert violations(release("1.2.3", PLAIN), release(version, schema), upcasts={1}) == []

    @pytest.mark.parametrize(
        ("version", "schema", "demanded"),
        [
            ("1.2.3", WORDIER, "1.2.3 after 1.2.3 must be 1.2.4: its words changed"),
            ("1.2.3", LARGER, "1.2.3 after 1.2.3 must be 1.3.0: optional fields were added"),
            ("1.2.4", LARGER, "1.2.4 after 1.2.3 must be 1.3.0: optional fields were added"),
            ("1.2.3", BROKEN, '1.2.3 after 1.2.3 must be 2.0.0: $.a: type changed from "string" to "integer"'),
            ("1.9.9", BROKEN, '1.9.9 after 1.2.3 must be 2.0.0: $.a: type changed from "string" to "integer"'),
            ("1.2.2", PLAIN, "1.2.2 goes back behind 1.2.3"),
            ("0.9.0", BROKEN, "0.9.0 goes back behind 1.2.3"),
        ],
    )
    def test_a_step_too_small_says_which_one_it_must_be(self, version: str, schema: Schema, demanded: str) -> None:
        assert [demanded] == violations(release("1.2.3", PLAIN), release(version, schema))

    def test_a_major_step_needs_an_upcaster_for_every_major_version(self) -> None:
        steps = release("1.0.0", PLAIN), release("4.0.0", BROKEN)

        assert violations(*steps, upcasts={2}) == ["no upcaster reads 1.x", "no upcaster reads 3.x"]

    @relaxed
    @given(edited([*COMPATIBLE, *BREAKING]), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
    def test_nothing_changes_under_the_same_version(
        self, change: tuple[Schema, Schema, Edit], major: int, minor: int, patch: int
    ) -> None:
        old, new, _ = change
        version = Version(major, minor, patch)

        assert violations(Release(version, old), Release(version, new))
        assert violations(Release(version, old), Release(version, copy.deepcopy(old))) == []

    @relaxed
    @given(edited([*COMPATIBLE, *BREAKING]))
    def test_the_step_it_demands_is_accepted(self, change: tuple[Schema, Schema, Edit]) -> None:
        old, new, _ = change
        was = Version(1, 2, 3)
        demand = violations(Release(was, old), Release(was, new))[0]

        demanded = Version.parse(demand.split(" must be ")[1].split(":")[0])

        assert demanded > was
        assert violations(Release(was, old), Release(demanded, new), upcasts={1}) == []
