"""Where Twilio reports what became of a text, and where the button of a mail leads."""

from http import HTTPStatus

from fastapi import FastAPI

from services.delivery import callback_contract, link_contract
from services.delivery.callbacks import status_route
from services.delivery.link_pages import LinkPages
from services.delivery.links import Purpose
from services.delivery.receipts import Receipts
from services.professionals.answering import Acknowledging
from services.professionals.settings import ProfessionalsSettings
from services.runtime.clocks import Clocks
from services.store.web import new_web_app


def pages(receipts: Receipts, acknowledging: Acknowledging, clocks: Clocks, settings: ProfessionalsSettings) -> FastAPI:
    app = new_web_app("professionals")
    status = status_route(
        receipts, public_url=settings.public_url, tokens=settings.twilio_tokens, accounts=settings.twilio_accounts
    )
    app.add_api_route(
        status.path,
        status.endpoint,
        methods=["POST"],
        status_code=HTTPStatus.NO_CONTENT,
        responses=callback_contract.REFUSED,
        openapi_extra=callback_contract.STATUS,
    )
    links = LinkPages(settings.links, clocks, Purpose.ACKNOWLEDGE, acknowledging.shows, acknowledging.acts)
    for opening in link_contract.openings(links):
        app.add_api_route(**opening)
    return app
