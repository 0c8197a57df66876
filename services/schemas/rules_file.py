"""Renders the JSON Schema of a protocol file, for editors and for authors of an authority's own rules.

Rendered from the grammar that reads it, save for what the grammar unfolds before it looks: a question,
a length of time, an hour, and a trigger that stands alone.
"""

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from services.protocol.law.sources import Source
from services.protocol.law.values import AMOUNT, Value
from services.protocol.policy.rule_language.grammar import MassReport, Rule, StandDown
from services.protocol.policy.rule_language.periods import CALENDAR, LENGTH
from services.protocol.policy.rule_language.questions import NUMBERED, Question
from services.protocol.policy.rule_language.vocabulary import Condition, Trigger
from services.schemas.messages import DIALECT, Plain


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
LINE = {"type": "string", "minLength": 1}


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
    kinds |= {"Rule": rule, "Asked": _question()}
    triggers = {"type": "array", "items": {"enum": [str(each) for each in Trigger]}}
    return {
        "$schema": DIALECT,
        "title": "Protocol file",
        "description": "Whom to tell what, by when, and who is next while nobody answers. `python -m services check` says more.",
        "type": "object",
        "required": ["protocol", "version", "rules"],
        "additionalProperties": False,
        "properties": {
            "protocol": LINE,
            "version": {"type": ["string", "number"]},
            "authority": LINE
            | {"description": "Whose own rules these are. Left out: the default for every authority."},
            "adopted": _adoption(),
            "sources": _list_of(Source, "Further texts that the rules of this file may cite."),
            "values": _list_of(Value, "Numbers of the law, in a file for every authority alone."),
            "closing": {"type": "array", "items": {"enum": [str(each) for each in Condition]}},
            "watch-on": triggers,
            "stand-down": StandDown.model_json_schema(),
            "mass-report": MassReport.model_json_schema(schema_generator=Plain),
            "approved": {"$ref": "#/$defs/Approval"},
            "rules": {"type": "array", "items": {"$ref": "#/$defs/Rule"}},
        },
        "$defs": kinds,
    }


def _list_of(model: type[BaseModel], description: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": "array",
        "items": model.model_json_schema(schema_generator=Plain),
    }


def _adoption() -> dict[str, Any]:
    return {
        "description": "Who adopted this file, and the first day on which it holds: at once, where none is said.",
        "type": "object",
        "properties": {"by": LINE, "from": {"type": "string", "format": "date"}},
        "required": ["by"],
        "additionalProperties": False,
    }


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
