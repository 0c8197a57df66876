"""`PUT /register/...`: every bad row named, and nothing half-applied."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from hmac import compare_digest
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from services.casework import metrics
from services.casework.policy import register_import, spreadsheet
from services.casework.policy.consistency import cross_faults, sharing_faults
from services.casework.policy.register_import import Fault, Import
from services.casework.policy.rows import TABLES
from services.casework.store.date_changes import reckoned, tell_of_changes
from services.casework.store.directory_changes import listed, tell_of_listings
from services.casework.store.event_intake import Moment
from services.casework.store.import_writer import held, sharing, write
from services.platform.delivery.channels.http.ssrf_guard import ForbiddenDestination, require_permitted_url
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import Problem, body_within, media_type_of
from services.platform.runtime.limits import REGISTER_BYTES
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store

MOST_FAULTS = 500
"""Named in one answer. A file that is wrong throughout is seen to be so by then."""
UNREADABLE = HTTPStatus.BAD_REQUEST, "Not readable"


class RegisterDoor:
    def __init__(self, store: Store, clocks: Clocks, keyring: Keyring, token: str, *, sandbox: bool) -> None:
        self._store = store
        self._clocks = clocks
        self._keyring = keyring
        self._token = token.encode()
        self._sandbox = sandbox

    async def take(self, request: Request, authority: str, table: str | None) -> JSONResponse:
        """Answers 200 with the count of rows a table, once all of it is durable. Raises Problem otherwise."""
        authorise(request, self._token)
        if table is not None and table not in TABLES:
            raise Problem(HTTPStatus.NOT_FOUND, "No such table", f"The tables are {', '.join(TABLES)}.")
        media_type = media_type_of(request)
        wanted = "application/json" if table is None else "text/csv"
        if media_type != wanted:
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not readable", f"The content type {wanted} is needed here."
            )
        document = _document(await body_within(request, REGISTER_BYTES), table)
        given, faults = register_import.read(document, authority)
        faults += _never_sent_to(given, sandbox=self._sandbox)
        async with self._store.transaction() as uow:
            before = await held(uow, authority)
            given, passed_over = register_import.without(given, before.given_away)
            faults += cross_faults(given, before.known)
            _require_none(faults)
            dates = await reckoned(uow, authority)
            people = await listed(uow, authority)
            await write(uow, self._keyring, authority, given, before, self._clocks.story())
            _require_none(sharing_faults(given, await sharing(uow, authority)))
            moment = Moment(self._clocks.story(), self._clocks.wall())
            await tell_of_changes(uow, authority, dates, moment)
            await tell_of_listings(uow, authority, people, at=moment.story)
        metrics.IMPORTS.labels("applied").inc()
        answer: dict[str, Any] = {"authority": authority, "rows": _counts(given)}
        return JSONResponse(answer | ({"transferred": list(passed_over)} if passed_over else {}))


def authorise(request: Request, expected: bytes) -> None:
    """Raises Problem where the request does not bear the register's token, or its path names what there cannot be."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not compare_digest(token.strip().encode(), expected):
        detail = "The register's bearer token is needed."
        raise Problem(HTTPStatus.UNAUTHORIZED, "Not authenticated", detail, headers={"WWW-Authenticate": "Bearer"})
    for name, value in request.path_params.items():
        if "\x00" in value:
            raise Problem(HTTPStatus.NOT_FOUND, "No such thing", "No name holds a NUL.", field=name)


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


def _never_sent_to(given: Import, *, sandbox: bool) -> Iterator[Fault]:
    """What the sender would refuse is refused here, by the same judgement, while somebody is there to put it right."""
    for at, force in (given.forces or {}).items():
        try:
            if force.notice_url is not None:
                require_permitted_url(force.notice_url, sandbox=sandbox)
        except ForbiddenDestination as error:
            wanted = f"an HTTPS URL with a public address is needed: {error}"
            yield Fault("forces", at, force.id, "notice_url", wanted)


def _require_none(faults: Sequence[Fault]) -> None:
    """Raises Problem, which ends the import's transaction without a trace."""
    if not faults:
        return
    metrics.IMPORTS.labels("refused").inc()
    rows = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    detail = f"Nothing was changed: {rows}. Each is named by table, row (counted from 1), field and what is wanted."
    named = [asdict(fault) for fault in faults[:MOST_FAULTS]]
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The import does not hold together", detail, errors=named)


def _counts(given: Import) -> dict[str, int]:
    tables = {name: getattr(given, name) for name in TABLES}
    return {name: len(rows) for name, rows in tables.items() if rows is not None}
