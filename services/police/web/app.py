"""Serves the webhooks of forces (replies, lists of open episodes) and the pages behind links."""

from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic.json_schema import models_json_schema

from services.platform.delivery.links.pages import LinkPages, mount_pages
from services.platform.delivery.links.tokens import Links, Purpose
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import SIGNED, read_routes
from services.platform.store.transient_errors import new_web_app
from services.police.replies import OpenList, Reply
from services.police.web.linked_notice import is_searched_for
from services.police.web.notice_page import DetailsPage, NoticePage
from services.police.web.webhooks import OpenListWebhook, ReplyWebhook

ROUTES = read_routes(__file__)
for _route in ROUTES.values():
    _route["openapi_extra"] = {"parameters": SIGNED} | _route["openapi_extra"]
_, _schemas = models_json_schema(
    [(Reply, "validation"), (OpenList, "validation")], ref_template="#/components/schemas/{model}"
)
COMPONENTS: dict[str, Any] = _schemas["$defs"]
"""The schemas of forces' bodies. FastAPI cannot describe them: the signature is checked before the body is parsed."""


def pages(
    links: Links,
    clocks: Clocks,
    replies: ReplyWebhook,
    lists: OpenListWebhook,
    notice: NoticePage,
    details: DetailsPage,
) -> FastAPI:
    app = new_web_app("police")

    @app.post("/forces/{force_id}/replies", status_code=HTTPStatus.ACCEPTED, **ROUTES["replies"])
    async def take_reply(force_id: str, request: Request) -> JSONResponse:
        """An acknowledgement, a reference, a grade, news: signed (Standard Webhooks) by the force's reply secret."""
        return await replies.take(request, force_id)

    @app.post("/forces/{force_id}/open-list", status_code=HTTPStatus.ACCEPTED, **ROUTES["open-list"])
    async def take_open_list(force_id: str, request: Request) -> JSONResponse:
        """Which of the episodes that it was told of the force holds open, once a day; signed as a reply is."""
        return await lists.take(request, force_id)

    outlives = partial(is_searched_for, notice.store, notice.keyring)
    mount_pages(
        app,
        LinkPages(links, clocks, Purpose.NOTICE, notice.answer, outlives=outlives),
        LinkPages(links, clocks, Purpose.DETAILS, details.answer, outlives=outlives),
    )
    return app
