"""Makes one whole CloudEvent for each kind from the kind's own schema, the same at every rendering."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from services.platform.messages.envelope import compose
from services.safeguarding.identifiers import NAMESPACE
from services.safeguarding.message import Message
from services.schemas.messages import read_part
from services.schemas.traffic import first_to_say

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
