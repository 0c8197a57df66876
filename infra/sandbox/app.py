"""Serves the outside world's HTTP: one application on one port."""

from fastapi import FastAPI

from infra.sandbox.notify_api import NotifyRefusalError, answer_notify_refusal, notify_routes
from infra.sandbox.outside_world import OutsideWorld
from infra.sandbox.page import page_routes
from infra.sandbox.police_api import police_routes
from infra.sandbox.scripts_api import behaviour_routes, mail_routes, scripts_routes
from infra.sandbox.twilio_api import twilio_routes
from infra.sandbox.twilio_errors import TwilioRefusalError, answer_refusal


def build_app(world: OutsideWorld) -> FastAPI:
    """Mount every part of an outside world that is open."""
    app = FastAPI(title="Safe Return sandbox: the outside world, played")
    app.add_exception_handler(TwilioRefusalError, answer_refusal)
    app.add_exception_handler(NotifyRefusalError, answer_notify_refusal)
    for routes in (
        twilio_routes,
        notify_routes,
        police_routes,
        scripts_routes,
        mail_routes,
        behaviour_routes,
        page_routes,
    ):
        app.include_router(routes(world))
    return app
