"""Mounts the route for Twilio's reports and the page behind a mail's button."""

from dataclasses import replace

from fastapi import FastAPI

from services.platform.delivery.links.pages import LinkPages, mount_pages
from services.platform.delivery.links.tokens import Purpose
from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.delivery.sms_status.receipts import Receipts
from services.platform.delivery.sms_status.webhook import CallKeys, mount_receipts_route, mount_status_route
from services.platform.runtime.clocks import Clocks
from services.platform.store.transient_errors import new_web_app
from services.professionals.web.acknowledge_page import AcknowledgePage


def pages(
    receipts: Receipts, keys: CallKeys, acknowledging: AcknowledgePage, clocks: Clocks, settings: CorrespondenceSettings
) -> FastAPI:
    app = new_web_app("professionals")
    mount_status_route(app, receipts, keys, settings.twilio_door("status"))
    mount_receipts_route(app, receipts, settings.notify_door("status"))
    of_one = replace(acknowledging, alone=True)
    mount_pages(
        app,
        LinkPages(settings.links, clocks, Purpose.ACKNOWLEDGE, acknowledging.answer, acknowledging.find),
        LinkPages(settings.links, clocks, Purpose.DEED, of_one.answer, of_one.find),
    )
    return app
