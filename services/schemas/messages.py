"""Renders JSON Schema (2020-12) for each message's content and for the envelope."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

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
ENVELOPE: dict[str, Any] = {
    "$schema": DIALECT,
    "title": "Envelope",
    "description": "CloudEvents 1.0 in structured JSON. `source` and `id` identify a message for ever.",
    "type": "object",
    "required": ["specversion", "id", "source", "type", "subject", "time"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "minLength": 1,
            "description": "With `source`: the message. The same again is a repeat.",
        },
        "source": {
            "type": "string",
            "minLength": 1,
            "description": "`/safe-return/<service>`, or the source under which an agency sent its event.",
        },
        "type": {"type": "string", "description": "The kind, such as `child.reported-missing.v1`."},
        "subject": {
            "type": "string",
            "pattern": "^(child|provisional)-[0-9a-f-]{36}$",
            "description": "The child, or the provisional id of one not yet identified. The key of the topic, so that one child's story stays in order.",
        },
        "time": {
            "type": "string",
            "format": "date-time",
            "description": "When it happened, with its zone; not when it was told.",
        },
        "datacontenttype": {"const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C trace context, passed through."},
        "exercise": {"type": "boolean", "description": "True for what is practised: it never reaches a real force."},
        "signature": {
            "type": "string",
            "description": "The last attribute: `<service>:<key>:<value>`. An Ed25519 signature, base64url, of all bytes before it.",
        },
        "lateseconds": {"type": "integer", "minimum": 0, "description": "How late the clock published a due event."},
        "data": {"type": "object", "description": "The content; its schema is that of the kind."},
    },
}


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
