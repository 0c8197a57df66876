"""What a force may answer, and what it is answered, as OpenAPI."""

from http import HTTPStatus
from typing import Any

from services.police.reply import Reply
from services.runtime.refusals import SIGNED, described, refusals

REPLY: dict[str, Any] = {
    "parameters": SIGNED,
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Reply"}}},
    },
}
SCHEMA = Reply.model_json_schema(ref_template="#/components/schemas/{model}")
COMPONENTS: dict[str, Any] = SCHEMA["$defs"] | {
    "Reply": {name: value for name, value in SCHEMA.items() if name != "$defs"}
}
"""What `REPLY` refers to."""
ANSWERS = {
    202: described(
        "Durable. The same reply again has this same answer, and no second effect.",
        "application/json",
        {"type": "object", "required": ["taken"], "properties": {"taken": {"type": "string"}}},
    ),
} | refusals(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
