"""Mounts the pages behind one-time links, and describes them in the service's OpenAPI document."""

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from services.platform.delivery.links.pages import LinkPages
from services.platform.runtime.http.openapi_errors import read_routes


def mount_pages(app: FastAPI, *pages: LinkPages) -> None:
    for each in pages:
        for method, described in read_routes(__file__).items():
            app.add_api_route(
                each.route().path,
                each.answer,
                methods=[method],
                operation_id=f"{method.lower()}_{each.purpose.name.lower()}",
                response_class=HTMLResponse,
                **described,
            )
