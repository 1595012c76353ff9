"""Compatibility of schemas: every law is checked against a JSON Schema validator as the referee."""

from __future__ import annotations

import copy

import jsonschema_rs
import pytest
from fakes.schemas import BREAKING, COMPATIBLE, Edit, Schema, edited, hoisted, instances, schemas
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bus.compatibility import Release, breaking_changes, violations
from domain.bus.event import Version

relaxed = settings(deadline=None)


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
