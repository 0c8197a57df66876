"""Renders the bus as AsyncAPI 3.0: channels are topics, messages are kinds, operations are who hears and says what."""

from collections.abc import Iterable
from typing import Any

from services.platform.bus.topics import read_declaration
from services.platform.messages.speakers import SAYS
from services.safeguarding.contracts import contracts
from services.safeguarding.message import Message, Topic
from services.schemas.examples import example
from services.schemas.messages import ENVELOPE, description_of, path_of
from services.schemas.traffic import HEARS

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
