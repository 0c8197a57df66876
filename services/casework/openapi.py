"""Describes agencies' events as OpenAPI (`openapi.yaml`), with their schema."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from services.casework.policy import GOES_WITH, NOT_AN_AGENCYS, OURS, WITH_DETAILS, Envelope
from services.platform.runtime.problems import SIGNED, read_routes
from services.safeguarding.child_events.events import Told
from services.safeguarding.contracts import contracts
from services.safeguarding.notice_fields import ReportQuestion

FOR_REGISTER = yaml.load(Path(__file__).with_name("event_fields.yaml").read_text(), yaml.CSafeLoader)
FOR_REGISTER["details"]["properties"] = dict.fromkeys(ReportQuestion, FOR_REGISTER["details"]["properties"])


def sayable() -> list[type[Told]]:
    """The kinds that an agency's list may hold."""
    told = [each for each in contracts().values() if issubclass(each, Told) and not issubclass(each, NOT_AN_AGENCYS)]
    return sorted(told, key=lambda each: each.kind)


def event_schema() -> dict[str, Any]:
    """One alternative a kind: the envelope, with the content of that kind."""
    envelope = Envelope.model_json_schema()
    properties = {name: about for name, about in envelope["properties"].items() if name not in ("type", "data")}
    return {
        "title": "AgencyEvent",
        "description": "A CloudEvent 1.0 in structured JSON. `subject` is our child id, `<authority>/<the authority's "
        "reference>`, or what the agency calls the child: a child nobody knows is a provisional child, and no refusal.",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time"],
        "properties": properties,
        "oneOf": [_alternative(kind) for kind in sayable()],
    }


def _alternative(kind: type[Told]) -> dict[str, Any]:
    content = whole_schema(kind)
    kept = {name: about for name, about in content["properties"].items() if name not in (*OURS, "words")}
    more = ["words", *(["details"] if issubclass(kind, WITH_DETAILS) else [])]
    more += [name for name, (its_kind, _) in GOES_WITH.items() if kind is its_kind]
    said = {name: FOR_REGISTER[name] for name in more}
    data = {"type": "object", "additionalProperties": False, "properties": kept | said}
    required = [name for name in content.get("required", []) if name in kept]
    return {
        "title": kind.kind,
        "description": " ".join((kind.__doc__ or "").split()),
        "properties": {"type": {"const": kind.kind}, "data": data | ({"required": required} if required else {})},
    } | ({"required": ["data"]} if required else {})


def whole_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A part of an OpenAPI document has no $defs of its own."""
    schema = model.model_json_schema()
    whole: dict[str, Any] = _inline_refs(schema, schema.get("$defs", {}))
    return whole


def _inline_refs(schema: Any, kinds: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inline_refs(each, kinds) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inline_refs(kinds[schema["$ref"].rpartition("/")[2]], kinds)
    return {name: _inline_refs(each, kinds) for name, each in schema.items() if name != "$defs"}


ROUTES = read_routes(__file__)
ROUTES["event"]["openapi_extra"]["parameters"] = SIGNED
_body = ROUTES["event"]["openapi_extra"]["requestBody"]
_body["content"]["application/cloudevents+json"]["schema"] = event_schema()
