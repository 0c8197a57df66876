"""Describes Twilio's requests for OpenAPI."""

from pathlib import Path
from typing import Any

import yaml

from services.platform.delivery.links.signed_forms import FORM_TYPE
from services.platform.runtime.http.openapi_errors import Answers, header, refusals

WRITTEN = yaml.load(Path(__file__).with_suffix(".yaml").read_text(), yaml.CSafeLoader)
SIGNATURE = header(
    "X-Twilio-Signature", "Twilio's signature of the public URL and this form, by the account's auth token."
)
REFUSED = refusals(400, 403, 413, 415)
SAID: Answers = {200: {"description": "What is said next.", "content": {"text/xml": {"schema": {"type": "string"}}}}}


def describe_form(name: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    """A request of Twilio's; each field with its description. Further fields are Twilio's own and are signed too."""
    properties = {field: {"type": "string", "description": about} for field, about in WRITTEN[name].items()}
    schema = {"type": "object", "properties": properties, "additionalProperties": {"type": "string"}}
    body = {"required": True, "content": {FORM_TYPE: {"schema": schema}}}
    return {"parameters": [SIGNATURE, *parameters], "requestBody": body}


KEYS = describe_form("call", WRITTEN["delivery"])
"""Of `POST /calls/keys`."""
STATUS = describe_form("status", WRITTEN["delivery"])
"""Of `POST /texts/status`."""
