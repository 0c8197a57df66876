"""Renders JSON Schema (2020-12) for each message's content and for the envelope."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from services.safeguarding.message import Message, Topic
from services.schemas.written import read_part

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDERS = {
    Topic.CHILD_EVENTS: "events",
    Topic.DUTIES: "duties",
    Topic.OUTCOMES: "outcomes",
    Topic.EVIDENCE: "evidence",
    Topic.DECISIONS: "decisions",
    Topic.DEAD_LETTERS: "dead-letters",
}
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
