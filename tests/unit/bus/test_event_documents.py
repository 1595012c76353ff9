"""What outsiders read of the catalogue: schemas, CloudEvents and AsyncAPI, checked by their own rules."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bus.catalogue import Catalogue
from domain.bus.documents import asyncapi, cloud_event, envelope_schema, example, json_schema
from domain.bus.event import Event, EventId, EventMetadata, Position, RecordedEvent
from domain.catalogue import CATALOGUE
from domain.kernel.ids import TenantId, UserId

relaxed = settings(deadline=None)

TYPES = list(CATALOGUE)
NAMES = [cls.about.type for cls in TYPES]
TENANT = TenantId("ten_01h455vb4pex5vsknk084sn02q")
USER = UserId("usr_01h455vb4pex5vsknk084sn02q")


def recorded(**changes: Any) -> RecordedEvent:
    fields: dict[str, Any] = {
        "id": EventId("evt_01h455vb4pex5vsknk084sn02q"),
        "type": "billing.invoice.paid",
        "version": "2.1.0",
        "timestamp": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        "source": "billing",
        "tenant_id": TENANT,
        "user_id": USER,
        "subject": "inv_01h455vb4pex5vsknk084sn02q",
        "data": {"number": "2026-000417"},
        "metadata": EventMetadata(
            correlation_id="story",
            causation_id="evt_1",
            request_id="req_1",
            traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        "position": Position(7, 42),
    }
    return RecordedEvent(**{**fields, **changes})


class TestJsonSchema:
    @pytest.mark.parametrize("cls", TYPES, ids=NAMES)
    def test_is_valid_and_accepts_what_is_written(self, cls: type[Event]) -> None:
        schema = json_schema(cls)

        jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(
            cls.model_validate(example(cls)).model_dump(mode="json")
        )
        assert f"urn:harborgrid:event:{cls.about.type}:{cls.about.version}" == schema["$id"]

    @pytest.mark.parametrize("cls", TYPES, ids=NAMES)
    def test_requires_what_has_no_default(self, cls: type[Event]) -> None:
        mandatory = [field.serialization_alias for field in cls.model_fields.values() if field.is_required()]

        assert mandatory == json_schema(cls)["required"]

    @pytest.mark.parametrize("cls", TYPES, ids=NAMES)
    def test_speaks_camel_case(self, cls: type[Event]) -> None:
        assert all(re.fullmatch("[a-z][a-zA-Z0-9]*", name) for name in json_schema(cls)["properties"])

    @pytest.mark.parametrize("cls", TYPES, ids=NAMES)
    def test_shows_a_valid_example(self, cls: type[Event]) -> None:
        schema = json_schema(cls)

        assert [example(cls)] == schema["examples"]
        jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(example(cls))


class TestEnvelopeSchema:
    def test_describes_what_is_recorded(self) -> None:
        envelope = recorded().model_dump(mode="json")

        jsonschema_rs.Draft202012Validator(envelope_schema(), validate_formats=True).validate(envelope)
        assert set(envelope) == set(envelope_schema()["properties"])

    def test_has_every_field_of_the_report(self) -> None:
        report = {"id", "type", "version", "timestamp", "source", "tenantId", "userId", "data", "metadata"}

        assert report <= set(envelope_schema()["properties"])
        assert set(envelope_schema()["$defs"]["EventMetadata"]["properties"]) >= {
            "correlationId",
            "causationId",
            "requestId",
        }


class TestCloudEvent:
    def test_maps_every_attribute(self) -> None:
        expected = {
            "specversion": "1.0",
            "id": "evt_01h455vb4pex5vsknk084sn02q",
            "type": "com.harborgrid.billing.invoice.paid.v2",
            "source": f"/tenants/{TENANT}/billing",
            "subject": "inv_01h455vb4pex5vsknk084sn02q",
            "time": "2026-03-01T09:30:00Z",
            "datacontenttype": "application/json",
            "dataschema": "urn:harborgrid:event:billing.invoice.paid:2.1.0",
            "tenantid": TENANT,
            "authtype": "user",
            "authid": USER,
            "correlationid": "story",
            "causationid": "evt_1",
            "requestid": "req_1",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "partitionkey": f"{TENANT}/inv_01h455vb4pex5vsknk084sn02q",
            "sequence": "00000000000000000007.00000000000000000042",
            "data": {"number": "2026-000417"},
        }

        assert expected == cloud_event(recorded())

    def test_leaves_out_what_is_unknown(self) -> None:
        attributes = cloud_event(recorded(tenant_id=None, user_id=None, metadata=EventMetadata()))

        assert attributes["source"] == "/platform/billing"
        assert attributes["partitionkey"] == "platform/inv_01h455vb4pex5vsknk084sn02q"
        assert not {"tenantid", "authid", "authtype", "correlationid", "traceparent"} & attributes.keys()
        assert None not in attributes.values()

    def test_names_attributes_as_the_specification_allows(self) -> None:
        assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in cloud_event(recorded()))

    @relaxed
    @given(*[st.builds(Position, *[st.integers(0, 2**63 - 1)] * 2)] * 2)
    def test_sequences_compare_as_positions_do(self, one: Position, other: Position) -> None:
        sequences = [cloud_event(recorded(position=position))["sequence"] for position in (one, other)]

        assert (one < other) == (sequences[0] < sequences[1])


DOCUMENT = asyncapi(CATALOGUE, version="0.1.0", server_url="nats://broker.example:4222")
IDENTIFIER = re.compile(r"[A-Za-z0-9._-]+")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from references(part)
    if isinstance(node, list):
        for part in node:
            yield from references(part)


def resolve(reference: str) -> Any:
    assert reference.startswith("#/"), reference
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def payload_validator(name: str) -> jsonschema_rs.Draft7Validator:
    payload = DOCUMENT["components"]["messages"][name]["payload"]
    return jsonschema_rs.Draft7Validator({**payload, "components": DOCUMENT["components"]}, validate_formats=True)


class TestAsyncapi:
    def test_has_the_fields_that_the_specification_requires_and_no_others(self) -> None:
        allowed = {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"}

        assert set(DOCUMENT) <= allowed
        assert DOCUMENT["asyncapi"] == "3.0.0"
        assert {"title", "version"} <= DOCUMENT["info"].keys()

    def test_tells_host_and_protocol_of_the_broker(self) -> None:
        assert DOCUMENT["servers"]["broker"]["host"] == "broker.example:4222"
        assert DOCUMENT["servers"]["broker"]["protocol"] == "nats"

    def test_every_reference_resolves(self) -> None:
        assert all(resolve(reference) is not None for reference in references(DOCUMENT))

    def test_every_name_is_one_that_the_specification_allows(self) -> None:
        maps = [DOCUMENT["channels"], DOCUMENT["operations"], *DOCUMENT["components"].values()]

        assert all(IDENTIFIER.fullmatch(name) for named in maps for name in named)
        assert not [name for name in DOCUMENT["components"]["schemas"] if "__" in name]

    def test_has_a_channel_for_every_type(self) -> None:
        assert {cls.about.type for cls in CATALOGUE} == DOCUMENT["channels"].keys()
        for address, channel in DOCUMENT["channels"].items():
            assert address == channel["address"]
            assert channel["servers"] == [{"$ref": "#/servers/broker"}]
            assert channel["messages"]

    def test_every_operation_moves_messages_of_its_own_channel(self) -> None:
        for operation in DOCUMENT["operations"].values():
            channel = operation["channel"]["$ref"]
            assert operation["action"] in {"send", "receive"}
            assert resolve(channel) in DOCUMENT["channels"].values()
            assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])

    def test_has_one_publisher_and_every_reader_of_a_type(self) -> None:
        for cls in CATALOGUE:
            operations = {name for name in DOCUMENT["operations"] if name.endswith(f".{cls.about.type}")}
            readers = {f"{consumer}.receive.{cls.about.type}" for consumer in cls.about.consumers}
            assert operations == {f"{cls.about.source}.send.{cls.about.type}"} | readers

    @pytest.mark.parametrize("cls", TYPES, ids=NAMES)
    def test_examples_are_valid_payloads_and_readable_events(self, cls: type[Event]) -> None:
        message = DOCUMENT["components"]["messages"][cls.__name__]
        payload = message["examples"][0]["payload"]

        payload_validator(cls.__name__).validate(payload)
        envelope = RecordedEvent(**payload, position=Position(1, 1))
        assert envelope.subject == CATALOGUE.read(envelope.type, envelope.version, envelope.data).subject

    def test_a_payload_of_another_type_is_invalid(self) -> None:
        messages = DOCUMENT["components"]["messages"]
        paid = messages["InvoicePaid"]["examples"][0]["payload"]

        assert not payload_validator("PaymentFailed").is_valid(paid)
        assert not payload_validator("InvoicePaid").is_valid({**paid, "version": "2.0.0"})
        assert not payload_validator("InvoicePaid").is_valid({**paid, "data": {}})

    def test_uses_no_keyword_newer_than_draft_7(self) -> None:
        newer = {
            "$defs",
            "prefixItems",
            "dependentSchemas",
            "dependentRequired",
            "unevaluatedProperties",
            "$dynamicRef",
        }

        def keywords(node: Any) -> Iterator[str]:
            if isinstance(node, dict):
                yield from node
                for part in node.values():
                    yield from keywords(part)
            if isinstance(node, list):
                for part in node:
                    yield from keywords(part)

        assert not newer & set(keywords(DOCUMENT["components"]["schemas"]))

    def test_is_the_same_every_time(self) -> None:
        assert asyncapi(CATALOGUE, version="0.1.0", server_url="nats://broker.example:4222") == DOCUMENT

    def test_refuses_two_events_of_one_name(self) -> None:
        [other] = (
            type(cls.__name__, (cls,), {"__module__": "pottery", "about": about("pottery.pot.paid")})
            for cls in [TYPES[8]]
        )

        with pytest.raises(ValueError, match="must not share their name"):
            asyncapi(Catalogue([TYPES[8], other]), version="1", server_url="nats://x")


def about(type_: str) -> Any:
    return TYPES[8].about.model_copy(update={"type": type_})
