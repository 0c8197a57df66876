"""Renders the webhooks that a force receives as an OpenAPI document: the force gives the URL, Safe Return calls it."""

from http import HTTPStatus
from typing import Any

from services.platform.runtime.http.openapi_errors import SIGNED
from services.police.notices.schema import Notice


def document() -> dict[str, Any]:
    schema = Notice.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = schema.pop("$defs")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Safe Return: notices to a police force",
            "version": "1",
            "description": "Each notice is signed as Standard Webhooks with a secret of the force's and repeated, under the same "
            "`webhook-id`, until the force's system has taken it. Taken is not acknowledged: an officer's acknowledgement comes "
            "as a reply (openapi/police.json).",
        },
        "webhooks": {
            "notice": {
                "post": {
                    "operationId": "take_notice",
                    "summary": "A child is missing, or what was told has changed.",
                    "parameters": SIGNED,
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Notice"}}},
                    },
                    "responses": {
                        "2XX": {
                            "description": "The force's system has it. A repeat of what it has is answered so, too."
                        },
                        str(int(HTTPStatus.TOO_MANY_REQUESTS)): {"description": "Sent again after Retry-After."},
                        str(int(HTTPStatus.GONE)): {
                            "description": "Nobody is here any more: a person telephones instead."
                        },
                        "4XX": {"description": "Refused. What is not worth repeating ends in a telephone call."},
                        "5XX": {
                            "description": "Sent again, soon at first, then less often, without end of trying while the child is missing."
                        },
                    },
                }
            }
        },
        "components": {"schemas": parts | {"Notice": schema}},
    }
