"""Takes imports of the register: `/register/...`. Names every bad row, and applies all of an import or nothing."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse

from services.casework.settings import CaseworkSettings
from services.options.register_upkeep import history
from services.options.register_upkeep.credentials import Bearers, Credential, require_tables
from services.options.register_upkeep.importer import Held, Refused, RegisterImporter, Sent
from services.options.register_upkeep.openapi import ROUTES
from services.options.register_upkeep.organisations import OrganisationEndpoint
from services.options.register_upkeep.photographs import PhotographEndpoint
from services.options.register_upkeep.policy import sheets
from services.options.register_upkeep.policy.register_import import MOST_FAULTS, Fault, Loss
from services.options.register_upkeep.policy.rows import FED, TABLES
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import REGISTER_BYTES, Problem, body_within, media_type_of, parse_form
from services.platform.store.unit_of_work import Store

MOST_FILES = 40
UNREADABLE = HTTPStatus.BAD_REQUEST, "Not readable"


@dataclass(frozen=True)
class RegisterEndpoint:
    """Answers once all of it is durable. Raises Problem if it refuses."""

    importer: RegisterImporter
    bearers: Bearers

    async def take_import(self, request: Request, authority: str) -> JSONResponse:
        """Several tables as one JSON document. All of it, or nothing."""
        return await self._take(request, authority, None)

    async def take_table(self, request: Request, authority: str, table: str) -> JSONResponse:
        """One table as CSV. All of it, or nothing."""
        return await self._take(request, authority, table)

    async def take_rows(self, request: Request, authority: str, table: str) -> JSONResponse:
        """Single rows, each as of a time; a row that the register has as of that time or a later one is passed over.
        Rows that are not sent stay. All of them, or nothing.
        """
        return await self._take(request, authority, table, feed=True)

    async def _take(self, request: Request, authority: str, table: str | None, *, feed: bool = False) -> JSONResponse:
        credential = await self.bearers.credential(request, authority)
        if table is not None and table not in (FED if feed else TABLES):
            wanted = f"The tables are {', '.join(FED if feed else TABLES)}."
            raise Problem(HTTPStatus.NOT_FOUND, "No such table", wanted)
        media_type = media_type_of(request)
        offered = (
            ("application/json", "text/csv") if feed else ("application/json",) if table is None else ("text/csv",)
        )
        if media_type not in offered:
            detail = f"The content type {' or '.join(offered)} is needed here."
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not readable", detail)
        async with self.bearers.upload(authority):
            body = await body_within(request, REGISTER_BYTES)
            document = await asyncio.to_thread(_document, body, table, media_type)
            sent = Sent(document, hashlib.sha256(body).hexdigest(), credential.id, feed=feed)
            return await self._import(request, authority, credential, sent, lambda fault: fault)

    async def take_files(self, request: Request, authority: str) -> JSONResponse:
        """A council's own files, with a mapping of their columns and values to ours. All of them, or nothing."""
        credential = await self.bearers.credential(request, authority)
        async with self.bearers.upload(authority):
            return await self._take_files(request, authority, credential)

    async def _take_files(self, request: Request, authority: str, credential: Credential) -> JSONResponse:
        form = await parse_form(request, "multipart/form-data", REGISTER_BYTES, MOST_FILES)
        files = [each for each in form.getlist("file") if isinstance(each, UploadFile)]
        said = form.get("mapping", "")
        try:
            text = (await said.read()).decode() if isinstance(said, UploadFile) else said
            named = {each.filename or "": (await each.read()).decode("utf-8-sig") for each in files}
            if len(named) < len(files):
                raise Problem(*UNREADABLE, "Each file must have a name of its own.", field="file")
            mapped = await asyncio.to_thread(_apply_mapping, text, named)
        except UnicodeDecodeError:
            raise Problem(*UNREADABLE, "The files must be UTF-8.") from None
        except sheets.MappingFault as fault:
            raise Problem(*UNREADABLE, f"{fault}.", field="mapping") from None
        finally:
            await form.close()
        if mapped.faults:
            raise _refusal(mapped.faults)
        sent = Sent(mapped.document, sheets.digest_of(text, named), credential.id)
        return await self._import(request, authority, credential, sent, mapped.place)

    async def undo_import(self, request: Request, authority: str, imported: UUID) -> JSONResponse:
        """Puts back what an import of the last 35 days changed, unless rows were changed since."""
        credential = await self.bearers.credential(request, authority, TABLES)
        try:
            async with self.importer.store.transaction([authority]) as uow:
                now = self.importer.clocks.wall()
                undoing = await history.undo_import(uow, imported, authority, credential.id, now)
        except history.CannotUndo as cannot:
            raise Problem(HTTPStatus.CONFLICT, "It cannot be undone", f"Nothing was changed: {cannot}.") from None
        return JSONResponse({"authority": authority, "import": str(undoing), "undoes": str(imported)})

    async def _import(
        self, request: Request, authority: str, credential: Credential, sent: Sent, place: Callable[[Fault], Fault]
    ) -> JSONResponse:
        """`place` says where a fault stands in the sender's own files."""
        require_tables(credential, sent.document)
        asked = request.query_params
        sent = replace(sent, confirmed=asked.get("confirm") == sent.sha256, trying=asked.get("try") == "yes")
        try:
            return JSONResponse(await self.importer.take(authority, sent))
        except Held as held:
            raise _held(held.losses, sent.sha256) from None
        except Refused as refused:
            raise _refusal([place(each) for each in refused.faults]) from None


def _apply_mapping(mapping: str, files: Mapping[str, str]) -> sheets.Mapped:
    """Raises MappingFault."""
    return (sheets.read_mapping(mapping) if ":" in mapping else sheets.shipped_mapping(mapping)).apply(files)


def _document(body: bytes, table: str | None, media_type: str) -> Mapping[str, Any]:
    try:
        text = body.decode("utf-8-sig")
        document = sheets.rows_of(text, table) if table and media_type == "text/csv" else json.loads(text)
    except UnicodeDecodeError:
        raise Problem(*UNREADABLE, "The body must be UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Problem(
            *UNREADABLE, f"The body must be JSON; line {error.lineno}, column {error.colno} is not."
        ) from None
    except RecursionError:
        raise Problem(*UNREADABLE, "The body must not be nested so deeply.") from None
    except ValueError as error:
        detail = f"The sheet cannot be read: {error}." if media_type == "text/csv" else "A number is too long."
        raise Problem(*UNREADABLE, detail) from None
    if table is not None:
        return {table: document}
    if not isinstance(document, dict):
        raise Problem(*UNREADABLE, "The body must be one JSON object with a list of rows a table.")
    return document


def _refusal(faults: Sequence[Fault]) -> Problem:
    rows = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    detail = f"Nothing was changed: {rows}. Each is named by table, row (counted from 1), field and what is wanted."
    named = [{name: each for name, each in asdict(fault).items() if each is not None} for fault in faults[:MOST_FAULTS]]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The import does not hold together", detail, errors=named)


def _held(losses: Mapping[str, Loss], sha256: str) -> Problem:
    would = "; ".join(f"{what}: {each.lost} of {each.of}" for what, each in losses.items())
    detail = f"Nothing was changed. This import would end or change {would}. If that is meant, send the same body again with ?confirm={sha256}."
    named = [{"field": what, "confirm": sha256} | asdict(each) for what, each in losses.items()]
    return Problem(HTTPStatus.CONFLICT, "This import would end too much unasked", detail, errors=named)


def mount(app: FastAPI, store: Store, clocks: Clocks, settings: CaseworkSettings) -> None:
    """Adds to casework's API. The docstring of each endpoint is its description in OpenAPI."""
    bearers = Bearers(store, clocks)
    register = RegisterEndpoint(RegisterImporter(store, clocks, settings.keyring, settings), bearers)
    photographs = PhotographEndpoint(store, clocks, settings.keyring, bearers)
    OrganisationEndpoint(store, clocks, settings.keyring).mount(app)
    register_path, photograph_path = "/register/{authority}", "/register/{authority}/children/{reference}/photograph"
    for method, path, endpoint, described, status in (
        ("PUT", register_path, register.take_import, "import", HTTPStatus.OK),
        ("PUT", f"{register_path}/{{table}}", register.take_table, "table", HTTPStatus.OK),
        ("PATCH", f"{register_path}/{{table}}", register.take_rows, "rows", HTTPStatus.OK),
        ("POST", f"{register_path}/files", register.take_files, "files", HTTPStatus.OK),
        ("POST", f"{register_path}/imports/{{imported}}/undo", register.undo_import, "undo", HTTPStatus.OK),
        ("PUT", photograph_path, photographs.take_photograph, "photograph", HTTPStatus.NO_CONTENT),
        ("DELETE", photograph_path, photographs.remove_photograph, "removal", HTTPStatus.NO_CONTENT),
    ):
        app.add_api_route(path, endpoint, methods=[method], status_code=status, **ROUTES[described])
