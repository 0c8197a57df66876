"""Describes the webhooks of forces as OpenAPI. FastAPI cannot: the signature is checked before the body is parsed."""

from http import HTTPStatus
from typing import Any

from services.platform.runtime.http.openapi_errors import SIGNED, describe_answer, refusals
from services.police.open_list.schema import OpenList
from services.police.replies.schema import Reply


def _signed_body(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"parameters": SIGNED, "requestBody": {"required": True, "content": content}}


REPLY, LIST = _signed_body("Reply"), _signed_body("OpenList")
SCHEMAS = {
    each.__name__: each.model_json_schema(ref_template="#/components/schemas/{model}") for each in (Reply, OpenList)
}
COMPONENTS: dict[str, Any] = {}
"""The schemas that `REPLY` and `LIST` refer to."""
for _schema in SCHEMAS.values():
    COMPONENTS |= _schema.pop("$defs")
COMPONENTS |= SCHEMAS
ANSWERS = {
    202: describe_answer(
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
    HTTPStatus.TOO_MANY_REQUESTS,
)
POLL = {"parameters": SIGNED}
NOTICES = {
    200: describe_answer(
        "The notices after the cursor, the oldest first, each as a webhook would have brought it.",
        "application/json",
        {
            "type": "object",
            "required": ["notices", "after"],
            "properties": {
                "notices": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["cursor", "headers", "body"],
                        "properties": {
                            "cursor": {"type": "string"},
                            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
                            "body": {"type": "string", "description": "The exact bytes that the headers sign."},
                        },
                    },
                },
                "after": {"type": "string", "description": "The cursor to ask with once all of them are stored."},
            },
        },
    ),
} | refusals(HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS)
LIST_ANSWERS = {
    202: describe_answer(
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
    HTTPStatus.TOO_MANY_REQUESTS,
)
