"""Renders JSON Schema (2020-12) for each message's content and for the envelope."""

from pathlib import Path
from typing import Any

import yaml
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
