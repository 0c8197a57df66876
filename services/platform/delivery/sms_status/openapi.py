"""Describes Twilio's status callback for OpenAPI."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

from services.platform.delivery.links.signed_forms import FORM_TYPE
from services.platform.runtime.http.openapi_errors import describe_answer, header, refusals

SIGNATURE = header(
    "X-Twilio-Signature", "Twilio's signature of the public URL and this form, by the account's auth token."
)
ACCOUNT = "The account at Twilio. Another than ours is refused."
REFUSED = refusals(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)


def form(**fields: str) -> dict[str, Any]:
    """A request body of Twilio's; each field with its description. Further fields are Twilio's own and are signed too."""
    properties = {name: {"type": "string", "description": about} for name, about in fields.items()}
    schema = {"type": "object", "properties": properties, "additionalProperties": {"type": "string"}}
    return {"required": True, "content": {FORM_TYPE: {"schema": schema}}}


DELIVERY: dict[str, Any] = {
    "name": "delivery",
    "in": "query",
    "required": True,
    "description": "The delivery that it is about, as the callback's URL named it.",
    "schema": {"type": "string", "format": "uuid"},
}
SAID: dict[int | str, dict[str, Any]] = {200: describe_answer("What is said next.", "text/xml", {"type": "string"})}
FIELDS = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
CALL_FORM = form(**FIELDS["call"])
KEYS: dict[str, Any] = {"parameters": [SIGNATURE, DELIVERY], "requestBody": CALL_FORM}
"""Of `POST /calls/keys`."""
STATUS: dict[str, Any] = {"parameters": [SIGNATURE, DELIVERY], "requestBody": form(**FIELDS["status"])}
"""Of `POST /texts/status`."""
