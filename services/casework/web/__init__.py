"""Serves casework's API: agencies' events, imports of the register, and photographs. The docstring of each endpoint is
its description in OpenAPI.
"""

from http import HTTPStatus

from fastapi import FastAPI

from services.casework.credentials import Bearers
from services.casework.organisations import OrganisationEndpoint
from services.casework.register_importer import RegisterImporter
from services.casework.settings import CaseworkSettings
from services.casework.web.events import EventEndpoint
from services.casework.web.openapi import ROUTES
from services.casework.web.photographs import PhotographEndpoint
from services.casework.web.register import RegisterEndpoint
from services.platform.runtime.clocks import Clocks
from services.platform.store.transient_errors import new_web_app
from services.platform.store.unit_of_work import Store


def pages(store: Store, clocks: Clocks, settings: CaseworkSettings) -> FastAPI:
    keyring = settings.keyring
    events = EventEndpoint(store, clocks, keyring)
    bearers = Bearers(store, clocks)
    register = RegisterEndpoint(RegisterImporter(store, clocks, keyring, settings), bearers)
    photographs = PhotographEndpoint(store, clocks, keyring, bearers)
    organisations = OrganisationEndpoint(store, clocks, keyring)
    app = new_web_app("casework")
    app.add_api_route("/organisations/changes", organisations.show, include_in_schema=False)
    for name, step in (("approve", organisations.approve), ("take-back", organisations.take_back)):
        path = f"/organisations/changes/{{change}}/{name}"
        app.add_api_route(path, step, methods=["POST"], include_in_schema=False)

    register_path, photograph_path = "/register/{authority}", "/register/{authority}/children/{reference}/photograph"
    for method, path, endpoint, described, status in (
        ("POST", "/events", events.take_event, "event", HTTPStatus.ACCEPTED),
        ("PUT", register_path, register.take_import, "import", HTTPStatus.OK),
        ("PUT", f"{register_path}/{{table}}", register.take_table, "table", HTTPStatus.OK),
        ("PATCH", f"{register_path}/{{table}}", register.take_rows, "rows", HTTPStatus.OK),
        ("POST", f"{register_path}/files", register.take_files, "files", HTTPStatus.OK),
        ("POST", f"{register_path}/imports/{{imported}}/undo", register.undo_import, "undo", HTTPStatus.OK),
        ("PUT", photograph_path, photographs.take_photograph, "photograph", HTTPStatus.NO_CONTENT),
        ("DELETE", photograph_path, photographs.remove_photograph, "removal", HTTPStatus.NO_CONTENT),
    ):
        app.add_api_route(path, endpoint, methods=[method], status_code=status, **ROUTES[described])
    return app
