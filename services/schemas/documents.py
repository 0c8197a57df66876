"""Lists every document of `schemas/`, compares them with the files of a folder, and writes those that differ.

The JSON Schema of a protocol file is for editors and for authors of an authority's own rules. It is rendered from
the grammar that reads it, save for what the grammar unfolds before it looks: a question, a length of time, an hour,
and a trigger that stands alone.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from services.protocol.law.law import AMOUNT, Source, Value
from services.protocol.loader import LADDERS
from services.protocol.policy.rule_language.grammar import CALENDAR, LENGTH, MassReport, Rule, StandDown
from services.protocol.policy.rule_language.vocabulary import NUMBERED, Condition, Question, Trigger
from services.safeguarding.contracts import contracts
from services.schemas import messages, openapi


def _unnamed(pattern: re.Pattern[str]) -> str:
    return pattern.pattern.replace("?P<count>", "").replace("?P<unit>", "")


REFERENCE = {
    "description": "A number of the law (services/protocol/law/values.yaml), less so much.",
    "type": "object",
    "properties": {"value": {"type": "string"}, "less": {"type": "string", "pattern": _unnamed(AMOUNT)}},
    "required": ["value"],
    "additionalProperties": False,
}
LENGTH_WRITTEN = {"anyOf": [{"type": "string", "pattern": _unnamed(LENGTH)}, REFERENCE]}
CALENDAR_WRITTEN = {"anyOf": [{"type": "string", "pattern": _unnamed(CALENDAR)}, REFERENCE]}
HOUR_WRITTEN = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}


class _AsWritten(messages.Plain):
    def timedelta_schema(self, _schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        return dict(LENGTH_WRITTEN)

    def time_schema(self, _schema: core_schema.TimeSchema) -> JsonSchemaValue:
        return dict(HOUR_WRITTEN)

    def function_plain_schema(self, _schema: core_schema.PlainValidatorFunctionSchema) -> JsonSchemaValue:
        return dict(CALENDAR_WRITTEN)


def schema() -> dict[str, Any]:
    rule = Rule.model_json_schema(schema_generator=_AsWritten)
    kinds: dict[str, Any] = rule.pop("$defs")
    del rule["properties"]["protocol"]
    rule["required"] = [name for name in rule["required"] if name != "protocol"]
    rule["properties"]["workdays"]["anyOf"].append(REFERENCE)
    on = rule["properties"]["on"]
    rule["properties"]["on"] = {"anyOf": [on, *on["items"]["anyOf"]]}
    rule["properties"]["otherwise"] = {"anyOf": [{"enum": sorted(LADDERS)}, rule["properties"]["otherwise"]]}
    kinds |= {"Rule": rule, "Asked": _question()}
    whole = messages.read_part("protocol_file")
    properties = whole["properties"]
    properties["sources"]["items"] = Source.model_json_schema(schema_generator=messages.Plain)
    properties["values"]["items"] = Value.model_json_schema(schema_generator=messages.Plain)
    properties["closing"] = {"type": "array", "items": {"enum": [str(each) for each in Condition]}}
    properties["watch-on"] = {"type": "array", "items": {"enum": [str(each) for each in Trigger]}}
    properties["stand-down"] = StandDown.model_json_schema()
    properties["mass-report"] = MassReport.model_json_schema(schema_generator=messages.Plain)
    return whole | {"$defs": kinds}


def _question() -> dict[str, Any]:
    questions = [str(each) for each in Question if each not in NUMBERED]
    number = {"type": "integer", "minimum": 0}
    return {
        "description": "A question, with its number where it takes one.",
        "anyOf": [
            {"enum": questions},
            *(
                {"type": "object", "properties": {each: number}, "required": [each], "additionalProperties": False}
                for each in sorted(map(str, NUMBERED))
            ),
        ],
    }


MEANINGS: dict[str, str] = messages.read_part("fields")
FOLDER = Path(__file__).parents[2] / "schemas"


def documents() -> dict[str, str]:
    """Each document's text by its path under `schemas/`."""
    rendered: dict[str, Any] = {
        "envelope.json": messages.ENVELOPE,
        "protocol.json": schema(),
        "openapi/police-webhooks.json": openapi.police_webhooks(),
    }
    for contract in contracts().values():
        rendered[messages.path_of(contract)] = messages.content_schema(contract)
        rendered[f"examples/{contract.kind}.json"] = messages.example(contract)
    rendered |= {f"openapi/{service}.json": each for service, each in openapi.documents().items()}
    bus = messages.document()
    for path, each in rendered.items():
        if "$schema" in each:
            rendered[path] = {"$schema": each["$schema"], "$id": f"urn:safe-return:{path}"} | each
        describe_fields(each)
    describe_fields(bus)
    texts = {path: json.dumps(each, indent=2, ensure_ascii=False) + "\n" for path, each in rendered.items()}
    texts["asyncapi.yaml"] = yaml.safe_dump(bus, sort_keys=False, allow_unicode=True, width=120)
    return texts


def describe_fields(schema: Any, whose: str = "") -> None:
    """Says what each field means of which its class says nothing (`written/fields.yaml`). `whose`: the class's name."""
    if isinstance(schema, list):
        for each in schema:
            describe_fields(each, whose)
    if not isinstance(schema, dict):
        return
    fields = schema.get("properties", {})
    if fields:
        whose = schema.get("title") or fields.get("type", {}).get("const") or whose
    for name, field in fields.items():
        meaning = next(
            (MEANINGS[each] for each in (f"{whose}.{name}", f"{whose} {name}", name) if each in MEANINGS), None
        )
        if meaning is not None and "const" not in field:
            field.setdefault("description", meaning)
    for part, within in schema.items():
        by_name = part in {"properties", "$defs", "schemas"}
        for name, each in within.items() if by_name else [(whose, within)]:
            describe_fields(each, whose if part == "properties" else name)


def list_differing(wanted: Mapping[str, str], folder: Path, *, alone: bool = False) -> list[str]:
    """Paths that are missing or hold another text; where the documents are `alone` there, also any other file's."""
    others = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if alone else set()
    return sorted(path for path in wanted.keys() | others if wanted.get(path) != _text_of(folder / path))


def write_differing(wanted: Mapping[str, str], folder: Path, *, alone: bool = False) -> list[str]:
    """Writes what differs, deletes what should not be there, and returns the paths of both."""
    changed = list_differing(wanted, folder, alone=alone)
    for path in changed:
        file = folder / path
        if path not in wanted:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(wanted[path])
    return changed


def _text_of(file: Path) -> str | None:
    return file.read_text() if file.exists() else None
