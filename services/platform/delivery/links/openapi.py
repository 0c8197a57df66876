"""Describes the pages behind one-time links in a service's OpenAPI document."""

from http import HTTPStatus
from typing import Any

from starlette.responses import HTMLResponse

from services.platform.delivery.links.pages import LinkPages
from services.platform.runtime.http.openapi_errors import describe_answer, refusals

PAGE = {"type": "string"}
SHOWN = {
    200: describe_answer("The page, as things stand now.", "text/html", PAGE),
    404: describe_answer("A link that was never given out, or was altered.", "text/html", PAGE),
    410: describe_answer("A link that is too old.", "text/html", PAGE),
} | refusals()
ACTED = SHOWN | refusals(HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
TOKEN: dict[str, Any] = {
    "parameters": [
        {
            "name": "token",
            "in": "path",
            "required": True,
            "description": "Signed; names a delivery and what its page is for, and no one.",
            "schema": {"type": "string"},
        }
    ]
}
PRESSED: dict[str, Any] = TOKEN | {
    "requestBody": {
        "description": "Which button was pressed, and what was filled in where the page asks for more.",
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {"answer": {"type": "string"}},
                    "additionalProperties": {"type": "string"},
                }
            }
        },
    }
}
"""Opening a link acts upon nothing, since mail scanners open links."""


def openings(links: LinkPages) -> list[dict[str, Any]]:
    """The arguments of FastAPI's `add_api_route` that mount these pages, one set a method."""
    return [
        {
            "path": links.route().path,
            "endpoint": links.answer,
            "methods": [method],
            "operation_id": f"{method.lower()}_{links.purpose.name.lower()}",
            "response_class": HTMLResponse,
            "responses": answers,
            "openapi_extra": contract,
        }
        for method, answers, contract in (("GET", SHOWN, TOKEN), ("POST", ACTED, PRESSED))
    ]
