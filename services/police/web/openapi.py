"""Describes the webhooks of forces as OpenAPI. FastAPI cannot: the signature is checked before the body is parsed."""

from typing import Any

from pydantic.json_schema import models_json_schema

from services.platform.runtime.http.openapi_errors import SIGNED, read_routes
from services.police.open_list.schema import OpenList
from services.police.replies.schema import Reply

ROUTES = read_routes(__file__)
for _route in ROUTES.values():
    _route["openapi_extra"] = {"parameters": SIGNED} | _route["openapi_extra"]
_, _schemas = models_json_schema(
    [(Reply, "validation"), (OpenList, "validation")], ref_template="#/components/schemas/{model}"
)
COMPONENTS: dict[str, Any] = _schemas["$defs"]
"""The schemas of their bodies."""
