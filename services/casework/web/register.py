"""Takes imports of the register: `PUT /register/...`. Names every bad row, and applies all of an import or nothing."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from services.casework import metrics
from services.casework.policy import register_import, spreadsheet
from services.casework.policy.consistency import birth_faults, cross_faults, sharing_faults
from services.casework.policy.import_brake import Loss, excessive
from services.casework.policy.register_import import Fault, Import
from services.casework.policy.rows import TABLES
from services.casework.settings import CaseworkSettings
from services.casework.store.history.import_record import ImportSource, begin_import, keep_import, losses_of
from services.casework.store.import_writer import (
    corrections_by_reference,
    forget_corrections,
    lock_and_read,
    people_sharing_a_number,
    write_import,
)
from services.casework.store.register_changes import (
    people_on_directory,
    publish_date_changes,
    publish_directory_changes,
)
from services.casework.web.bearer import Bearers, require_tables
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import Problem, body_within, media_type_of
from services.platform.runtime.limits import REGISTER_BYTES
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store

MOST_FAULTS = 500
"""Named in one answer. By then it is clear that the whole file is wrong."""
UNREADABLE = HTTPStatus.BAD_REQUEST, "Not readable"


class RegisterEndpoint:
    def __init__(
        self, store: Store, clocks: Clocks, keyring: Keyring, bearers: Bearers, settings: CaseworkSettings
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._keyring = keyring
        self._bearers = bearers
        self._settings = settings
        self._at_once = asyncio.Semaphore(max(1, settings.database_connections // 2))
        """Connections are left to agencies' events, however many authorities import at two in the morning."""

    async def take(self, request: Request, authority: str, table: str | None) -> JSONResponse:
        """Answers 200 with the number of rows of each table once all of it is durable. Raises Problem otherwise."""
        credential = await self._bearers.credential(request, authority)
        if table is not None and table not in TABLES:
            raise Problem(HTTPStatus.NOT_FOUND, "No such table", f"The tables are {', '.join(TABLES)}.")
        media_type = media_type_of(request)
        wanted = "application/json" if table is None else "text/csv"
        if media_type != wanted:
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not readable", f"The content type {wanted} is needed here."
            )
        body = await body_within(request, REGISTER_BYTES)
        document = _document(body, table)
        require_tables(credential, document)
        given, faults = register_import.read(document, authority)
        faults += birth_faults(given, self._clocks.story().date())
        sha256 = hashlib.sha256(body).hexdigest()
        async with self._at_once, self._store.transaction([authority]) as uow:
            imported = await begin_import(uow)
            before = await lock_and_read(uow, authority)
            given, passed_over = register_import.drop_given_away(given, before.given_away)
            corrected = await uow.fetch(corrections_by_reference(self._keyring, authority))
            given, kept, agreed = register_import.keep_corrections(given, corrected)
            _require_none([*faults, *cross_faults(given, before.known)])
            at = self._clocks.story()
            people = await uow.fetch(people_on_directory(authority))
            await write_import(uow, self._keyring, authority, given, before, at)
            _require_none(sharing_faults(given, await uow.fetch(people_sharing_a_number(authority))))
            if request.query_params.get("confirm") != sha256:
                losses = await uow.fetch(losses_of(imported, authority))
                _require_meant(excessive(losses, self._settings.import_brake_share), sha256)
            forget_corrections(uow, authority, agreed)
            await publish_date_changes(uow, authority, imported)
            await publish_directory_changes(uow, authority, people)
            rows = _counts(given)
            source = ImportSource(credential.id, {*rows, *(["authority"] if given.authority else [])}, sha256)
            changed = await keep_import(uow, imported, authority, source, at)
        metrics.IMPORTS.labels("applied").inc()
        answer: dict[str, Any] = {"authority": authority, "rows": rows, "import": str(imported), "changed": changed}
        more = {"transferred": list(passed_over), "corrections_kept": kept}
        return JSONResponse(answer | {name: each for name, each in more.items() if each})


def _document(body: bytes, table: str | None) -> Mapping[str, Any]:
    try:
        text = body.decode("utf-8-sig")
        document = json.loads(text) if table is None else {table: spreadsheet.rows_of(text, table)}
    except UnicodeDecodeError:
        raise Problem(*UNREADABLE, "The body must be UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Problem(
            *UNREADABLE, f"The body must be JSON; line {error.lineno}, column {error.colno} is not."
        ) from None
    except RecursionError:
        raise Problem(*UNREADABLE, "The body must not be nested so deeply.") from None
    except ValueError as error:
        detail = "A number is too long." if table is None else f"The sheet cannot be read: {error}."
        raise Problem(*UNREADABLE, detail) from None
    if not isinstance(document, dict):
        raise Problem(*UNREADABLE, "The body must be one JSON object with a list of rows a table.")
    return document


def _require_none(faults: Sequence[Fault]) -> None:
    """Raises Problem, which rolls the import back."""
    if not faults:
        return
    metrics.IMPORTS.labels("refused").inc()
    rows = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    detail = f"Nothing was changed: {rows}. Each is named by table, row (counted from 1), field and what is wanted."
    named = [asdict(fault) for fault in faults[:MOST_FAULTS]]
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The import does not hold together", detail, errors=named)


def _require_meant(losses: Mapping[str, Loss], sha256: str) -> None:
    """Raises Problem, which rolls the import back, where it would end more than an import may without being asked."""
    if not losses:
        return
    metrics.IMPORTS.labels("held").inc()
    would = "; ".join(f"{what}: {each.lost} of {each.of}" for what, each in losses.items())
    detail = f"Nothing was changed. This import would end or change {would}. If that is meant, send the same body again with ?confirm={sha256}."
    named = [{"field": what} | asdict(each) for what, each in losses.items()]
    raise Problem(HTTPStatus.CONFLICT, "This import would end too much unasked", detail, errors=named)


def _counts(given: Import) -> dict[str, int]:
    tables = {name: getattr(given, name) for name in TABLES}
    return {name: len(rows) for name, rows in tables.items() if rows is not None}
