"""What a force may answer, and what it is answered, as OpenAPI."""

from http import HTTPStatus
from typing import Any

from services.platform.runtime.http.openapi_errors import SIGNED, described, refusals
from services.police.open_list.schema import OpenList
from services.police.replies.schema import Reply

REPLY: dict[str, Any] = {
    "parameters": SIGNED,
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Reply"}}},
    },
}
SCHEMA = Reply.model_json_schema(ref_template="#/components/schemas/{model}")
LIST_SCHEMA = OpenList.model_json_schema(ref_template="#/components/schemas/{model}")
COMPONENTS: dict[str, Any] = (
    SCHEMA["$defs"]
    | LIST_SCHEMA["$defs"]
    | {
        "Reply": {name: value for name, value in SCHEMA.items() if name != "$defs"},
        "OpenList": {name: value for name, value in LIST_SCHEMA.items() if name != "$defs"},
    }
)
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
LIST: dict[str, Any] = {
    "parameters": SIGNED,
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OpenList"}}},
    },
}
LIST_ANSWERS = {
    202: described(
        "Durable, and compared.",
        "application/json",
        {
            "type": "object",
            "required": ["taken", "not_told"],
            "properties": {
                "taken": {"type": "string"},
                "not_told": {
                    "type": "array",
                    "items": {"type": "string", "format": "uuid"},
                    "description": "Episodes on the list of which this force was never told here.",
                },
            },
        },
    ),
} | refusals(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
