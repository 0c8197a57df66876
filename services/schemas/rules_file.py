"""Renders the JSON Schema of a protocol file, for editors and for authors of an authority's own rules.

Rendered from the grammar that reads it, save for what the grammar unfolds before it looks: a question,
a length of time, an hour, and a trigger that stands alone.
"""

import re
from typing import Any

from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from services.protocol.law.law import AMOUNT, Source, Value
from services.protocol.loader import LADDERS
from services.protocol.policy.rule_language.grammar import CALENDAR, LENGTH, MassReport, Rule, StandDown
from services.protocol.policy.rule_language.vocabulary import NUMBERED, Condition, Question, Trigger
from services.schemas.messages import Plain, read_part


def _unnamed(pattern: re.Pattern[str]) -> str:
    return pattern.pattern.replace("?P<count>", "").replace("?P<unit>", "")


REFERENCE = {
    "description": "A number of the law (services/protocol/law/values.yaml), less so much.",
    "type": "object",
    "properties": {
        "value": {"type": "string"},
        "less": {"type": "string", "pattern": _unnamed(AMOUNT)},
    },
    "required": ["value"],
    "additionalProperties": False,
}
LENGTH_WRITTEN = {"anyOf": [{"type": "string", "pattern": _unnamed(LENGTH)}, REFERENCE]}
CALENDAR_WRITTEN = {"anyOf": [{"type": "string", "pattern": _unnamed(CALENDAR)}, REFERENCE]}
HOUR_WRITTEN = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}


class _AsWritten(Plain):
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
    whole = read_part("protocol_file")
    properties = whole["properties"]
    properties["sources"]["items"] = Source.model_json_schema(schema_generator=Plain)
    properties["values"]["items"] = Value.model_json_schema(schema_generator=Plain)
    properties["closing"] = {"type": "array", "items": {"enum": [str(each) for each in Condition]}}
    properties["watch-on"] = {"type": "array", "items": {"enum": [str(each) for each in Trigger]}}
    properties["stand-down"] = StandDown.model_json_schema()
    properties["mass-report"] = MassReport.model_json_schema(schema_generator=Plain)
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
