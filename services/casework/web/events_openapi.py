"""Describes agencies' events and their answers as OpenAPI."""

from http import HTTPStatus
from typing import Any

from services.casework.policy.agency_event import GOES_WITH, NOT_AN_AGENCYS, OURS, WITH_DETAILS, Envelope
from services.platform.runtime.http.openapi_errors import SIGNED, describe_answer, refusals
from services.safeguarding.child_events.events import Told
from services.safeguarding.contracts import contracts
from services.safeguarding.notice_fields import ReportQuestion

WORDS: dict[str, Any] = {
    "type": "array",
    "maxItems": 10,
    "items": {"type": "string", "minLength": 1, "maxLength": 2000},
    "description": "What was said, in words. Kept encrypted in the register; only its id travels.",
}

DETAILS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {each: {"type": "string", "minLength": 1, "maxLength": 2000} for each in ReportQuestion},
    "description": "Answers to what a control room asks. Kept as words are; they stand in the notice to police, each in its place.",
}

FOR_REGISTER: dict[str, dict[str, Any]] = {
    "moves_to": {
        "type": "string",
        "maxLength": 60,
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$",
        "description": "The receiving authority's reference of where the child lives from now on. Left out: where it lives now.",
    },
    "date_of_birth": {
        "type": "string",
        "format": "date",
        "pattern": "^(19|20|21)[0-9]{2}-",
        "description": "As the assessment has found it. It goes into the register and travels no further.",
    },
}


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
    schema = kind.model_json_schema()
    content = inline_refs(schema, schema.get("$defs", {}))
    kept = {name: about for name, about in content["properties"].items() if name not in (*OURS, "words")}
    said = {"words": WORDS} | ({"details": DETAILS} if issubclass(kind, WITH_DETAILS) else {})
    said |= {name: FOR_REGISTER[name] for name, (its_kind, _) in GOES_WITH.items() if kind is its_kind}
    data = {"type": "object", "additionalProperties": False, "properties": kept | said}
    required = [name for name in content.get("required", []) if name in kept]
    alternative: dict[str, Any] = {
        "title": kind.kind,
        "description": " ".join((kind.__doc__ or "").split()),
        "properties": {
            "type": {"const": kind.kind},
            "data": data | ({"required": required} if required else {}),
        },
    }
    return alternative | ({"required": ["data"]} if required else {})


def inline_refs(schema: Any, kinds: dict[str, Any]) -> Any:
    """A part of an OpenAPI document has no $defs of its own."""
    if isinstance(schema, list):
        return [inline_refs(each, kinds) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return inline_refs(kinds[schema["$ref"].rpartition("/")[2]], kinds)
    return {name: inline_refs(each, kinds) for name, each in schema.items() if name != "$defs"}


EVENT = {
    "parameters": SIGNED,
    "requestBody": {"required": True, "content": {"application/cloudevents+json": {"schema": event_schema()}}},
}
EVENT_ANSWERS = {
    202: describe_answer(
        "Durable. The same again has this same answer, and no second effect.",
        "application/json",
        {
            "type": "object",
            "required": ["source", "id", "child", "identified"],
            "properties": {
                "source": {"type": "string"},
                "id": {"type": "string"},
                "child": {"type": "string", "description": "The child's id, or a provisional one."},
                "identified": {"type": "boolean", "description": "False where a person is asked who the child is."},
            },
        },
    ),
} | refusals(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
