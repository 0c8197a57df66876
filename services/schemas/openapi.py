"""Renders each service's OpenAPI document from its routes, and the webhooks that a force receives. Calls
nothing behind them, so needs nothing there.
"""

import importlib
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
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
from services.options.polled_forces.polled import PollEndpoint
from services.options.register_upkeep.endpoint import mount
from services.platform.delivery.links import Links
from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import SIGNED
from services.police.notices.schema import Notice
from services.police.web import webhooks as police_web
from services.police.web.notice_page import DetailsPage, NoticePage
from services.professionals.web import acknowledge_page as professionals_web
from services.schemas.messages import read_part
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
    """By service, of those that serve more than what monitoring asks."""
    return {service: _document(service) for service in DECLARED}


def police_webhooks() -> dict[str, Any]:
    """What a force receives: it gives the URL, Safe Return calls it."""
    whole = read_part("police_webhooks")
    schema = Notice.model_json_schema(ref_template="#/components/schemas/{model}")
    whole["components"]["schemas"] = schema.pop("$defs") | {"Notice": schema}
    whole["webhooks"]["notice"]["post"]["parameters"] = SIGNED
    return whole


def _document(service: str) -> dict[str, Any]:
    document = DECLARED[service]().openapi()
    document["paths"] = document["paths"] | MONITORING
    document["info"]["description"] = (importlib.import_module(f"services.{service}").__doc__ or "").strip()
    return name_parts(document)


def name_parts(document: dict[str, Any]) -> dict[str, Any]:
    """Once, under `components` and by name, what the document holds in several places: models and answers. A generated
    client then has types with names. What shares a name and differs stays where it is.
    """
    components = document.pop("components", {})
    models: dict[str, Any] = components.get("schemas", {})
    paths = _name_models(document["paths"], models)
    answers = _name_answers(paths)
    named = components | {"schemas": models, "responses": answers}
    used = {part: each for part, each in named.items() if each}
    return document | {"paths": paths} | ({"components": used} if used else {})


def _name_models(node: Any, models: dict[str, Any]) -> Any:
    """Adds to `models`."""
    if isinstance(node, list):
        return [_name_models(each, models) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: _name_models(each, models) for key, each in node.items()}
    name = found.get("title")
    if not isinstance(name, str) or not name.isidentifier() or not {"properties", "enum"} & found.keys():
        return found
    return {"$ref": f"#/components/schemas/{name}"} if models.setdefault(name, found) == found else found


def _name_answers(paths: dict[str, Any]) -> dict[str, Any]:
    """Changes `paths`. An answer is named by its status, as in `TooManyRequests`; a second one of it has a number."""
    given = [
        (answers, status) for path in paths.values() for each in path.values() for answers, status in _answers(each)
    ]
    times = Counter(json.dumps(answers[status]) for answers, status in given)
    named: dict[str, Any] = {}
    for answers, status in given:
        if times[json.dumps(answers[status])] > 1:
            name = _name_of(answers[status], status, named)
            named[name], answers[status] = answers[status], {"$ref": f"#/components/responses/{name}"}
    return named


def _answers(operation: Any) -> list[tuple[dict[str, Any], str]]:
    answers = operation.get("responses", {}) if isinstance(operation, dict) else {}
    return [(answers, status) for status in answers]


RENAMED = {"413": "RequestEntityTooLarge", "422": "UnprocessableEntity"}
"""Python 3.13 gave these other phrases: a contract does not change with what renders it."""


def _name_of(answer: Any, status: str, named: dict[str, Any]) -> str:
    phrase = HTTPStatus(int(status)).phrase.title()
    name = RENAMED.get(status, phrase.replace(" ", "").replace("-", ""))
    numbered = (name if at == 1 else f"{name}{at}" for at in range(1, len(named) + 2))
    return next(each for each in numbered if named.get(each, answer) == answer)


def _casework() -> FastAPI:
    settings = CaseworkSettings.model_construct(master_key=KEY, phone_key=KEY)
    return casework_web.pages(ABSENT, Clocks(), settings, [mount])


def _carers() -> FastAPI:
    return carers_web.pages(ABSENT, ABSENT, ABSENT, Clocks(), CarersSettings.model_construct(**TWILIO), ABSENT, ABSENT)


def _police() -> FastAPI:
    notice, details = NoticePage(ABSENT, Clocks(), ABSENT, ABSENT), DetailsPage(ABSENT, Clocks(), ABSENT, ABSENT)
    app = police_web.pages(LINKS, Clocks(), ABSENT, ABSENT, notice, details)
    PollEndpoint(ABSENT, Clocks(), ABSENT, ABSENT).mount(app)
    document = app.openapi()
    document.setdefault("components", {}).setdefault("schemas", {}).update(police_web.COMPONENTS)
    return app


def _professionals() -> FastAPI:
    settings = CorrespondenceSettings.model_construct(**TWILIO, link_key=KEY)
    acknowledging = professionals_web.AcknowledgePage(ABSENT, Clocks(), ABSENT, ABSENT)
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
