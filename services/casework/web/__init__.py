"""Serves casework's API: agencies' events, imports of the register, and photographs."""

from http import HTTPStatus
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from services.casework.register_importer import RegisterImporter
from services.casework.settings import CaseworkSettings
from services.casework.web.bearer import Bearers
from services.casework.web.events import EventEndpoint
from services.casework.web.openapi import ROUTES
from services.casework.web.organisations import OrganisationEndpoint
from services.casework.web.photographs import PhotographEndpoint
from services.casework.web.register import RegisterEndpoint
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Store
from services.platform.store.web import new_web_app


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

    @app.post("/events", status_code=HTTPStatus.ACCEPTED, **ROUTES["event"])
    async def take_event(request: Request) -> JSONResponse:
        """A CloudEvent in structured JSON, signed as Standard Webhooks with one of the agency's secrets."""
        return await events.take(request)

    @app.put("/register/{authority}", **ROUTES["import"])
    async def take_import(authority: str, request: Request) -> JSONResponse:
        """Several tables as one JSON document. All of it, or nothing."""
        return await register.take(request, authority, None)

    @app.put("/register/{authority}/{table}", **ROUTES["table"])
    async def take_table(authority: str, table: str, request: Request) -> JSONResponse:
        """One table as CSV. All of it, or nothing."""
        return await register.take(request, authority, table)

    @app.patch("/register/{authority}/{table}", **ROUTES["rows"])
    async def take_rows(authority: str, table: str, request: Request) -> JSONResponse:
        """Single rows, each as of a time; a row that the register has as of that time or a later one is passed over.
        Rows that are not sent stay. All of them, or nothing.
        """
        return await register.take(request, authority, table, feed=True)

    @app.post("/register/{authority}/files", **ROUTES["files"])
    async def take_files(authority: str, request: Request) -> JSONResponse:
        """A council's own files, with a mapping of their columns and values to ours. All of them, or nothing."""
        return await register.take_files(request, authority)

    @app.post("/register/{authority}/imports/{imported}/undo", **ROUTES["undo"])
    async def undo_import(authority: str, imported: UUID, request: Request) -> JSONResponse:
        """Puts back what an import of the last 35 days changed, unless rows were changed since."""
        return await register.undo(request, authority, imported)

    path = "/register/{authority}/children/{reference}/photograph"

    @app.put(path, status_code=HTTPStatus.NO_CONTENT, **ROUTES["photograph"])
    async def take_photograph(authority: str, reference: str, request: Request) -> Response:
        """A child's photograph, replacing an earlier one. Police see it by a link while the child is searched for."""
        return await photographs.take(request, authority, reference)

    @app.delete(path, status_code=HTTPStatus.NO_CONTENT, **ROUTES["removal"])
    async def remove_photograph(authority: str, reference: str, request: Request) -> Response:
        """No answer tells whether there was one."""
        return await photographs.remove(request, authority, reference)

    return app
