"""Describes the webhooks of forces as OpenAPI. FastAPI cannot: the signature is checked before the body is parsed."""

from typing import Any

from services.platform.runtime.http.openapi_errors import SIGNED, read_routes
from services.police.open_list.schema import OpenList
from services.police.replies.schema import Reply

ROUTES = read_routes(__file__)


def _signed_body(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"parameters": SIGNED, "requestBody": {"required": True, "content": content}}


ROUTES["replies"]["openapi_extra"] = _signed_body("Reply")
ROUTES["open-list"]["openapi_extra"] = _signed_body("OpenList")
ROUTES["notices"]["openapi_extra"] = {"parameters": SIGNED}
SCHEMAS = {
    each.__name__: each.model_json_schema(ref_template="#/components/schemas/{model}") for each in (Reply, OpenList)
}
COMPONENTS: dict[str, Any] = {}
"""The schemas that they refer to."""
for _schema in SCHEMAS.values():
    COMPONENTS |= _schema.pop("$defs")
COMPONENTS |= SCHEMAS
