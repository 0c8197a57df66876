"""Renders the bus: JSON Schema (2020-12) for each message's content and for the envelope, one whole example of each
kind, and AsyncAPI 3.0.

Who hears a kind stands in `written/traffic.yaml`, for AsyncAPI's operations and Kafka's rights: written down, since
a document is rendered without starting a service. tests/contract/test_schemas.py holds it against what each service
subscribes to when it is put together.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import yaml
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from services.platform.bus.administration import read_declaration
from services.platform.messages.envelope import compose
from services.platform.messages.signature import SAYS, every, read_kinds
from services.protocol.handlers import HEARD
from services.safeguarding.contracts import contracts
from services.safeguarding.identifiers import NAMESPACE
from services.safeguarding.message import Message, Topic

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDERS = {
    Topic.CHILD_EVENTS: "events",
    Topic.DUTIES: "duties",
    Topic.OUTCOMES: "outcomes",
    Topic.EVIDENCE: "evidence",
    Topic.DECISIONS: "decisions",
    Topic.DEAD_LETTERS: "dead-letters",
}


def read_part(name: str) -> dict[str, Any]:
    """What no code decides, from `written`. The caller may fill it in."""
    part: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("written").joinpath(f"{name}.yaml").read_text())
    return part


ENVELOPE = read_part("envelope")


class Plain(GenerateJsonSchema):
    """Plain JSON Schema: for a choice of shapes OpenAPI and AsyncAPI each have a word of their own."""

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        rendered = super().tagged_union_schema(schema)
        rendered.pop("discriminator", None)
        return rendered


def path_of(contract: type[Message]) -> str:
    return f"{FOLDERS[contract.topic]}/{contract.kind}.json"


def content_schema(contract: type[Message]) -> dict[str, Any]:
    """Of `data` alone. Fields may be left out where they have a default; unknown ones are refused."""
    rendered = contract.model_json_schema(schema_generator=Plain)
    return {"$schema": DIALECT, "title": contract.kind, "description": description_of(contract)} | {
        name: value for name, value in rendered.items() if name not in ("title", "description")
    }


def description_of(contract: type[Message]) -> str:
    """The class's own docstring as one paragraph. Empty if it has none: an inherited one would mislead."""
    return " ".join((contract.__doc__ or "").split())


GROUPS = {"everything": every(Message), "heard-by-protocol": HEARD}
HEARS = {service: read_kinds(names, GROUPS) for service, names in read_part("traffic").items()}


def first_to_say(contract: type[Message]) -> str:
    """A service that says it, for an example's source. Where none does yet: the protocol, which will."""
    return next((service for service, kinds in SAYS.items() if contract in kinds), "protocol")


AT = datetime(2026, 11, 24, 22, 10, tzinfo=UTC)
FORMATS = {"date-time": AT.isoformat(), "date": AT.date().isoformat(), "duration": "PT1H", "time": "10:00:00"}
WRITTEN: dict[str, str] = read_part("examples")
"""What a free string of this name would hold; a name that is not here gives an id."""


def example(contract: type[Message]) -> dict[str, Any]:
    """A whole envelope, with every field of the content that is not at its default."""
    schema = contract.model_json_schema()
    content = contract.model_validate(_value(schema, schema.get("$defs", {}), contract.kind, ""))
    envelope = compose(
        content,
        said_by=first_to_say(contract),
        subject=f"child-{_uuid('child')}",
        at=AT,
        message_id=str(_uuid(f"{contract.kind} message")),
    )
    written: dict[str, Any] = json.loads(envelope)
    return written


def _value(schema: dict[str, Any], kinds: dict[str, Any], kind: str, name: str) -> Any:
    if "$ref" in schema:
        return _value(kinds[schema["$ref"].rpartition("/")[2]], kinds, kind, name)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _value(schema[choice][0], kinds, kind, name)
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {field: _value(about, kinds, kind, field) for field, about in fields.items()}
        case "array":
            return [_value(schema["items"], kinds, kind, name)]
        case _:
            return _scalar(schema, kind, name)


def _scalar(schema: dict[str, Any], kind: str, name: str) -> Any:
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema["type"] == "boolean":
        return True
    return schema.get("minimum", 1) if schema["type"] == "integer" else _string(schema, kind, name)


def _string(schema: dict[str, Any], kind: str, name: str) -> str:
    if schema.get("format") == "uuid":
        return str(_uuid(name))
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    if name in WRITTEN:
        return WRITTEN[name]
    of = schema.get("pattern", "").removeprefix("^").partition("-")[0].strip("()").partition("|")[0]
    identifier = _uuid(name if of else f"{kind} {name}")
    return f"{of}-{identifier}" if of.isalpha() else str(identifier)


def _uuid(of: str) -> UUID:
    return uuid5(NAMESPACE, f"example {of}")


MEDIA_TYPE = "application/cloudevents+json"


def document() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Safe Return: the bus",
            "version": "1.0.0",
            "description": "Every message is a CloudEvent in structured JSON, keyed by its subject, the child. No name, number, "
            "address or free text travels: a message carries ids, kinds, times and flags.",
        },
        "defaultContentType": MEDIA_TYPE,
        "channels": {str(topic.name): _channel(topic.name, topic.partitions) for topic in read_declaration()},
        "operations": dict(_operations()),
        "components": {
            "messages": {contract.kind: _message(contract) for contract in _sorted(contracts().values())},
            "schemas": {"envelope": {name: value for name, value in ENVELOPE.items() if name != "$schema"}},
        },
    }


def _sorted(kinds: Iterable[type[Message]]) -> list[type[Message]]:
    return sorted(set(kinds), key=lambda each: each.kind)


def _channel(topic: Topic, partitions: int) -> dict[str, Any]:
    kinds = [each for each in _sorted(contracts().values()) if each.topic == topic]
    return {
        "address": str(topic),
        "messages": {each.kind: {"$ref": f"#/components/messages/{each.kind}"} for each in kinds},
        "bindings": {"kafka": {"topic": str(topic), "partitions": partitions, "bindingVersion": "0.5.0"}},
    }


def _message(contract: type[Message]) -> dict[str, Any]:
    content = {"type": {"const": contract.kind}, "data": {"$ref": f"./{path_of(contract)}"}}
    return {
        "name": contract.kind,
        "title": contract.__name__,
        "summary": description_of(contract),
        "contentType": MEDIA_TYPE,
        "payload": {"allOf": [{"$ref": "#/components/schemas/envelope"}, {"type": "object", "properties": content}]},
        "bindings": {"kafka": {"key": {"type": "string", "description": "The subject."}, "bindingVersion": "0.5.0"}},
        "examples": [{"name": contract.kind, "payload": example(contract)}],
    }


def _operations() -> Iterable[tuple[str, dict[str, Any]]]:
    for service, heard in HEARS.items():
        for action, verb, kinds in (("receive", "hears", heard), ("send", "says", SAYS[service])):
            for topic in Topic:
                of_topic = [each for each in _sorted(kinds) if each.topic == topic]
                if of_topic:
                    yield f"{service}-{verb}-{topic}", _operation(service, action, verb, topic, of_topic)


def _operation(service: str, action: str, verb: str, topic: Topic, kinds: list[type[Message]]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "summary": f"{service} {verb} {len(kinds)} of the kinds on {topic}.",
        "messages": [{"$ref": f"#/channels/{topic}/messages/{each.kind}"} for each in kinds],
    }
