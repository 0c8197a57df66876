"""Describes the pages behind one-time links in a service's OpenAPI document."""

from typing import Any

from starlette.responses import HTMLResponse

from services.platform.delivery.links.pages import LinkPages
from services.platform.runtime.http.openapi_errors import read_routes


def openings(links: LinkPages) -> list[dict[str, Any]]:
    """The arguments of FastAPI's `add_api_route` that mount these pages, one set a method."""
    return [
        {
            "path": links.route().path,
            "endpoint": links.answer,
            "methods": [method],
            "operation_id": f"{method.lower()}_{links.purpose.name.lower()}",
            "response_class": HTMLResponse,
        }
        | described
        for method, described in read_routes(__file__).items()
    ]
