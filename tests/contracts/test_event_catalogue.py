"""The catalogue keeps its promises: the report's events are there, named as addressed, and as released."""

import inspect
import json
import re
from collections import Counter
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cli.map
from cli.documents import event_documents
from domain.bus.compatibility import Release, violations
from domain.bus.documents import json_schema
from domain.bus.event import Event, Version
from domain.catalogue import CATALOGUE
from domain.kernel.ids import Id

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs/events/schemas"
GENERATED = event_documents()

MODULES = set(cli.map.MODULES) - {"bus", "kernel"}

REPORT_SECTION_1 = [
    "analytics.query.executed",
    "analytics.dashboard.created",
    "analytics.report.generated",
    "analytics.threshold.exceeded",
    "billing.subscription.created",
    "billing.subscription.updated",
    "billing.invoice.paid",
    "billing.payment.failed",
    "billing.usage.threshold",
    "cad.shape.added",
    "cad.shape.modified",
    "cad.document.saved",
    "cad.export.completed",
    "collab.participant.joined",
    "collab.operation.applied",
    "collab.conflict.detected",
    "collab.comment.added",
    "compression.completed",
    "compression.cache.hit",
    "compression.cache.miss",
    "gateway.request.received",
    "gateway.request.completed",
    "gateway.rate_limit.exceeded",
    "gateway.circuit_breaker.opened",
    "gateway.upstream.failure",
    "notification.sent",
    "notification.delivered",
    "notification.failed",
    "alert.triggered",
    "alert.escalated",
    "incident.created",
    "security.login.success",
    "security.login.failure",
    "security.permission.denied",
    "security.threat.detected",
    "security.audit.logged",
    "security.policy.violated",
    "spatial.analysis.completed",
    "spatial.tile.generated",
    "spatial.geocode.completed",
    "workflow.triggered",
    "workflow.execution.started",
    "workflow.execution.completed",
    "workflow.step.completed",
    "workflow.approval.requested",
]

REPORT_SECTION_2_3 = {
    "billing.subscription.created": ("billing", {"analytics", "security", "notifications"}),
    "security.threat.detected": ("security", {"notifications", "analytics"}),
    "analytics.threshold.exceeded": ("analytics", {"notifications", "automation"}),
    "workflow.approval.requested": ("automation", {"notifications", "collaboration"}),
    "cad.document.saved": ("cad", {"collaboration", "compression"}),
    "notification.failed": ("notifications", {"analytics", "automation"}),
    "gateway.rate_limit.exceeded": ("gateway", {"notifications", "security"}),
    "collab.conflict.detected": ("collaboration", {"notifications", "analytics"}),
    "spatial.analysis.completed": ("spatial", {"analytics", "automation"}),
    "compression.cache.miss": ("compression", {"analytics", "gateway"}),
}

TELEMETRY = {
    "billing.usage.recorded",
    "analytics.query.executed",
    "collab.operation.applied",
    "compression.cache.hit",
    "compression.cache.miss",
    "gateway.request.completed",
    "gateway.request.received",
}

MODULE_OF_ADDRESS = {
    "workflow": "automation",
    "collab": "collaboration",
    "notification": "notifications",
    "alert": "notifications",
    "incident": "notifications",
}

every_type = pytest.mark.parametrize("cls", list(CATALOGUE), ids=[cls.about.type for cls in CATALOGUE])


def class_name(type_: str) -> str:
    first, *rest = type_.split(".")
    words = rest if len(rest) > 1 else [first, *rest]
    return "".join(word.capitalize() for segment in words for word in segment.split("_"))


def written(schema: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:  # noqa: C901 - one case per kind
    """Any data that a published schema allows."""
    match schema:
        case {"$ref": reference}:
            name = reference.rpartition("/")[2]
            return monies if name == "Money" else written(definitions[name], definitions)
        case {"const": only}:
            return st.just(only)
        case {"enum": choices}:
            return st.sampled_from(choices)
        case {"anyOf": alternatives}:
            return st.one_of(*(written(alternative, definitions) for alternative in alternatives))
        case {"type": "string", "format": "date"}:
            return st.dates().map(str)
        case {"type": "string", "format": "date-time"}:
            return st.datetimes().map(lambda instant: instant.isoformat() + "Z")
        case {"type": "string", "pattern": pattern}:
            return st.from_regex(pattern.removesuffix("$") + r"\Z")
        case {"type": "string"}:
            return st.text(min_size=schema.get("minLength", 0))
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "null"}:
            return st.none()
        case {"type": "integer"}:
            return st.integers(schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1), schema.get("maximum"))
        case {"type": "number"}:
            return st.floats(schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False)
        case {"type": "array", "items": item}:
            at_least = schema.get("minItems", 0)
            return st.lists(written(item, definitions), min_size=at_least, max_size=at_least + 2)
        case {"type": "object", "additionalProperties": value}:
            return st.dictionaries(st.text(), written(value, definitions), max_size=2)
        case {"type": "object", "properties": properties}:
            fields = {name: written(field, definitions) for name, field in properties.items()}
            return st.fixed_dictionaries(
                {name: field for name, field in fields.items() if name in schema["required"]},
                optional={name: field for name, field in fields.items() if name not in schema["required"]},
            )
    raise AssertionError(f"no strategy for {schema}")


monies = st.fixed_dictionaries({"minor": st.integers(), "currency": st.sampled_from(["EUR", "JPY", "BHD", "CLF"])})


def committed(cls: type[Event]) -> list[Release]:
    """Every released schema of this type, oldest first."""
    files = (SCHEMAS / cls.about.type).glob("*.json")
    return sorted(Release(Version.parse(file.stem), json.loads(file.read_text())) for file in files)


class TestCatalogue:
    def test_has_every_event_of_the_report(self) -> None:
        missing = [type_ for type_ in [*REPORT_SECTION_1, *REPORT_SECTION_2_3] if type_ not in CATALOGUE]

        assert missing == []

    @pytest.mark.parametrize("type_", REPORT_SECTION_2_3)
    def test_has_the_producers_and_consumers_of_the_report(self, type_: str) -> None:
        about = CATALOGUE.get(type_).about

        assert REPORT_SECTION_2_3[type_] == (about.source, set(about.consumers))

    def test_marks_exactly_the_high_volume_types_as_telemetry(self) -> None:
        assert {cls.about.type for cls in CATALOGUE if cls.about.telemetry} == TELEMETRY

    def test_lists_every_event_class_there_is(self) -> None:
        declared = [
            found
            for path in (ROOT / "domain").glob("*/*events.py")
            for place in [f"domain.{path.parent.name}.{path.stem}"]
            for _, found in inspect.getmembers(import_module(place), inspect.isclass)
            if issubclass(found, Event) and found.__module__ == place and found is not Event
        ]

        assert set(declared) == set(CATALOGUE)
        assert len(declared) == len(CATALOGUE)


class TestAddress:
    @every_type
    def test_leads_to_the_class(self, cls: type[Event]) -> None:
        module = MODULE_OF_ADDRESS.get(cls.about.type.split(".")[0], cls.about.type.split(".")[0])

        assert re.fullmatch(rf"domain\.{module}\.(\w+_)?events", cls.__module__)
        assert class_name(cls.about.type) == cls.__name__
        assert module == cls.about.source

    @every_type
    def test_is_read_by_modules_that_exist_each_named_once(self, cls: type[Event]) -> None:
        assert cls.about.consumers
        assert set(cls.about.consumers) <= MODULES
        assert len(set(cls.about.consumers)) == len(cls.about.consumers)

    @every_type
    def test_says_its_purpose_in_a_sentence(self, cls: type[Event]) -> None:
        assert cls.about.purpose.endswith(".")

    def test_an_id_prefix_belongs_to_one_kind_of_id(self) -> None:
        kinds = [
            found
            for module in (*(f"{module}.ids" for module in MODULES), "kernel.ids", "bus.event", "bus.model")
            for _, found in inspect.getmembers(import_module(f"domain.{module}"), inspect.isclass)
            if issubclass(found, Id) and found is not Id and found.__module__ == f"domain.{module}"
        ]

        shared = [
            prefix for prefix, kinds_with_it in Counter(kind.prefix for kind in kinds).items() if kinds_with_it > 1
        ]

        assert shared == []
        assert all(2 <= len(kind.prefix) <= 5 and kind.prefix.isalpha() and kind.prefix.islower() for kind in kinds)


class TestPayload:
    @every_type
    @settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def test_whatever_the_schema_allows_is_read_and_written_back(self, cls: type[Event], data: st.DataObject) -> None:
        schema = json_schema(cls)
        drawn = data.draw(written(schema, schema.get("$defs", {})))

        happened = cls.model_validate(drawn)

        assert happened == cls.model_validate_json(happened.model_dump_json())
        assert happened.subject
        jsonschema_rs.Draft202012Validator(schema).validate(happened.model_dump(mode="json"))

    @every_type
    def test_holds_no_field_that_may_carry_a_secret(self, cls: type[Event]) -> None:
        forbidden = {"password", "secret", "token", "api_key", "key", "authorization", "cookie", "card_number", "iban"}

        assert not forbidden & cls.model_fields.keys()


class TestDocuments:
    @pytest.mark.parametrize("name", GENERATED)
    def test_are_committed_as_generated(self, name: str) -> None:
        path = ROOT / name

        assert path.exists(), f"{name} is missing: run make docs"
        assert GENERATED[name] == path.read_text(encoding="utf-8"), f"{name} is out of date: run make docs"

    @every_type
    def test_versions_follow_the_size_of_the_change(self, cls: type[Event]) -> None:
        current = Release(Version.parse(cls.about.version), json_schema(cls))
        upcasts = {major for type_, major in CATALOGUE._upcasters if type_ == cls.about.type}

        assert violations(committed(cls)[-1], current, upcasts=upcasts) == []

    @every_type
    def test_every_released_version_follows_from_the_one_before(self, cls: type[Event]) -> None:
        released = committed(cls)
        upcasts = {major for type_, major in CATALOGUE._upcasters if type_ == cls.about.type}

        found = [violations(was, now, upcasts=upcasts) for was, now in pairwise(released)]

        assert not any(found)

    def test_no_type_was_dropped_after_its_release(self) -> None:
        released = {folder.name for folder in SCHEMAS.iterdir() if folder.is_dir()}

        assert released == {cls.about.type for cls in CATALOGUE}
