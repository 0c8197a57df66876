"""Describes a route's problem documents in its service's OpenAPI document."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from services.platform.runtime.http.problems import MEDIA_TYPE

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457. It never repeats what the request held, since that may be personal.",
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was wrong, and what would be right."},
        "field": {"type": "string", "description": "The one field that it is about."},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "Several faults, each with its place."},
    },
}
MEANINGS = {
    HTTPStatus.BAD_REQUEST: "The body cannot be read. Sending the same again will not help.",
    HTTPStatus.UNAUTHORIZED: "Not authenticated.",
    HTTPStatus.FORBIDDEN: "Authenticated for something else, or not at all.",
    HTTPStatus.NOT_FOUND: "No such thing.",
    HTTPStatus.REQUEST_TIMEOUT: "The body took too long. Send the same again.",
    HTTPStatus.CONFLICT: "What is there stands against it: the detail says what.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is over its limit.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Another content type is needed.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Readable, but not as its contract wants it. Every fault is named by its field.",
    HTTPStatus.TOO_MANY_REQUESTS: "More came than is looked at. Send the same again, after Retry-After.",
    HTTPStatus.SERVICE_UNAVAILABLE: "What this needs is away for the moment. Send the same again, after Retry-After.",
}


def refusals(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Returns FastAPI's `responses` for these statuses, and for 408 and 503, which every storing route may answer."""
    found = (*statuses, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.SERVICE_UNAVAILABLE)
    return {int(status): describe_answer(MEANINGS[status], MEDIA_TYPE, PROBLEM) for status in found}


def describe_answer(description: str, media_type: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": dict(schema)}}}


def header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": True, "description": description, "schema": {"type": "string"}}


SIGNED = [
    header("webhook-id", "The same at each repeat. What came once has no second effect."),
    header("webhook-timestamp", "Seconds since 1970 (UTC), within 5 minutes of the truth."),
    header(
        "webhook-signature",
        "`v1,` and the base64 of the HMAC-SHA256, or `v1a,` and that of the Ed25519 signature; several, separated by "
        "spaces, while a key is changed.",
    ),
]
"""Standard Webhooks 1.0 (https://www.standardwebhooks.com)."""
