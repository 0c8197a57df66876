"""Renders the webhooks that a force receives as an OpenAPI document: the force gives the URL, Safe Return calls it."""

from typing import Any

from services.platform.runtime.http.openapi_errors import SIGNED
from services.police.notices.schema import Notice
from services.schemas.written import read_part


def document() -> dict[str, Any]:
    whole = read_part("police_webhooks")
    schema = Notice.model_json_schema(ref_template="#/components/schemas/{model}")
    whole["components"]["schemas"] = schema.pop("$defs") | {"Notice": schema}
    whole["webhooks"]["notice"]["post"]["parameters"] = SIGNED
    return whole
