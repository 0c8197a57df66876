"""Renders each service's OpenAPI document from its routes, and the webhooks that a force receives. Calls
nothing behind them, so needs nothing there.
"""

import importlib
from base64 import b64encode
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from services.carers.inbound import web as carers_web
from services.carers.settings import CarersSettings
from services.casework import web as casework_web
from services.casework.settings import CaseworkSettings
from services.console import web as console_web
from services.console.settings import ConsoleSettings
from services.platform.delivery.links.tokens import Links
from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import SIGNED
from services.police.notices.schema import Notice
from services.police.web import app as police_web
from services.police.web.app import COMPONENTS
from services.police.web.notice_page import DetailsPage, NoticePage
from services.professionals.web import acknowledge_page as professionals_web
from services.professionals.web.acknowledge_page import AcknowledgePage
from services.schemas.messages import HEARS, read_part
from services.strategy import web as strategy_web
from services.strategy.web import RecordReading, RecordWriting, ReplyPage

KEY = SecretStr(b64encode(bytes(32)).decode())
LINKS = Links(KEY.get_secret_value(), "http://127.0.0.1")
ABSENT: Any = None
"""Stands in for the database, the keys and other services behind a declared route."""
NO_STORE: Any = SimpleNamespace(walled=lambda _: None)
TWILIO: dict[str, Any] = {
    "twilio_account_sid": "AC",
    "twilio_auth_token": KEY,
    "twilio_auth_token_alternate": None,
    "public_url": "http://127.0.0.1",
}

MONITORING = read_part("monitoring")
"""What every service shows."""


def documents() -> dict[str, dict[str, Any]]:
    """By service."""
    return {service: _document(service) for service in HEARS}


def police_webhooks() -> dict[str, Any]:
    """What a force receives: it gives the URL, Safe Return calls it."""
    whole = read_part("police_webhooks")
    schema = Notice.model_json_schema(ref_template="#/components/schemas/{model}")
    whole["components"]["schemas"] = schema.pop("$defs") | {"Notice": schema}
    whole["webhooks"]["notice"]["post"]["parameters"] = SIGNED
    return whole


def _document(service: str) -> dict[str, Any]:
    declare = DECLARED.get(service)
    app = FastAPI(title=f"Safe Return: {service}", version="1") if declare is None else declare()
    document = app.openapi()
    document["paths"] = document["paths"] | MONITORING
    document["info"]["description"] = (importlib.import_module(f"services.{service}").__doc__ or "").strip()
    return document


def _casework() -> FastAPI:
    settings = CaseworkSettings.model_construct(master_key=KEY, phone_key=KEY)
    return casework_web.pages(ABSENT, Clocks(), settings)


def _carers() -> FastAPI:
    return carers_web.pages(ABSENT, ABSENT, ABSENT, Clocks(), CarersSettings.model_construct(**TWILIO), ABSENT, ABSENT)


def _police() -> FastAPI:
    notice, details = NoticePage(ABSENT, Clocks(), ABSENT, ABSENT), DetailsPage(ABSENT, Clocks(), ABSENT, ABSENT)
    app = police_web.pages(LINKS, Clocks(), ABSENT, ABSENT, ABSENT, notice, details)
    document = app.openapi()
    document.setdefault("components", {}).setdefault("schemas", {}).update(COMPONENTS)
    return app


def _professionals() -> FastAPI:
    settings = CorrespondenceSettings.model_construct(**TWILIO, link_key=KEY)
    acknowledging = AcknowledgePage(ABSENT, Clocks(), ABSENT, ABSENT)
    return professionals_web.pages(ABSENT, ABSENT, acknowledging, Clocks(), settings)


def _strategy() -> FastAPI:
    writing, reading = RecordWriting(ABSENT, ABSENT, Clocks(), ABSENT), RecordReading(ABSENT, ABSENT)
    return strategy_web.pages(LINKS, Clocks(), ReplyPage(ABSENT, ABSENT), writing, reading)


def _console() -> FastAPI:
    settings = ConsoleSettings.model_construct(master_key=KEY, phone_key=KEY)
    return console_web.pages(NO_STORE, Clocks(), ABSENT, settings)


DECLARED: dict[str, Callable[[], FastAPI]] = {
    "casework": _casework,
    "carers": _carers,
    "police": _police,
    "professionals": _professionals,
    "strategy": _strategy,
    "console": _console,
}
