"""Reads requests within limits, and answers a bad one with a problem document (RFC 9457): what was wrong, in which
field, and what would be right.

A document never repeats what the request held, since that may be personal. A route's answers, its problem documents
among them, are described in its service's OpenAPI document. Requests are limited before they reach the database: by
address and name, and by address alone.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from cachetools import TTLCache
from fastapi.exceptions import RequestValidationError
from prometheus_client import Counter
from pydantic import Field
from python_multipart.multipart import parse_options_header
from starlette.applications import Starlette
from starlette.datastructures import FormData, ImmutableMultiDict
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message

from services.platform.runtime.settings import EnvironmentSettings

FORM_BYTES = 64 * 1024
"""A page's form, or one that Twilio posts."""
FORM_FIELDS = 200
MESSAGE_BYTES = 65_536
"""An agency's event or a force's reply."""
LIST_BYTES = 1_000_000
"""A force's daily list of open episodes."""
REGISTER_BYTES = 20_000_000
"""An import of the register."""
MAIL_BYTES = 2_000_000
"""An answer or a bounce, as the relay hands it over."""


MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
BODY_WITHIN_SECONDS = 10.0
BYTES_A_SECOND = 100_000
"""A body may take the former, plus the time that the largest allowed body needs at the latter. So a client that sends a
byte now and then cannot hold a connection.
"""


class Problem(Exception):
    """Raised by a route; becomes the answer. `errors` lists several faults, each with its own `field`."""

    def __init__(
        self,
        status: HTTPStatus,
        title: str,
        detail: str,
        *,
        field: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.field = field
        self.errors = errors
        self.headers = headers

    def response(self) -> Response:
        document: dict[str, Any] = {"title": self.title, "status": int(self.status), "detail": self.detail}
        if self.field is not None:
            document["field"] = self.field
        if self.errors:
            document["errors"] = [dict(each) for each in self.errors]
        headers = None if self.headers is None else dict(self.headers)
        return _Escaped(document, status_code=self.status, headers=headers, media_type=MEDIA_TYPE)


class _Escaped(JSONResponse):
    """Escapes lone surrogates, which UTF-8 cannot hold: a field's name may repeat them from the request."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


def answer_with_problems(
    pages: Starlette, *, passing: tuple[type[Exception], ...], passes_by_itself: Callable[[BaseException], bool]
) -> None:
    """Every error of `pages` becomes a problem document.

    Errors of the classes `passing` for which `passes_by_itself` holds become 503 with Retry-After. Unforeseen errors
    become 500 and are still raised, for the log.
    """

    async def answer_problem(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 Starlette calls with nothing else
        return error.response()

    async def answer_refusal(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 as above
        status = HTTPStatus(error.status_code)
        return Problem(status, status.phrase, status.description or status.phrase, headers=error.headers).response()

    async def answer_invalid(_request: Request, error: Exception) -> Response:
        """FastAPI's own answer would repeat the value."""
        assert isinstance(error, RequestValidationError)  # noqa: S101 as above
        first = error.errors()[0]
        field = str(first["loc"][-1])
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Not valid", f"{first['msg']}.", field=field).response()

    async def answer_away(_request: Request, error: Exception) -> Response:
        if not passes_by_itself(error):
            raise error
        detail = "What this needs is away for the moment. Send the same again."
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Not now", detail, headers=headers).response()

    async def answer_unforeseen(_request: Request, _error: Exception) -> Response:
        detail = "The fault is ours. Send the same again later; nothing of this request was kept."
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Our fault", detail).response()

    pages.add_exception_handler(Problem, answer_problem)
    pages.add_exception_handler(HTTPException, answer_refusal)
    pages.add_exception_handler(RequestValidationError, answer_invalid)
    for each in passing:
        pages.add_exception_handler(each, answer_away)
    pages.add_exception_handler(Exception, answer_unforeseen)


def media_type_of(request: Request) -> str:
    """Returns the request's content type without parameters such as the charset; empty if it has none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def bearer_of(request: Request) -> str:
    """The request's bearer token. Empty where it has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def body_within(request: Request, most: int) -> bytes:
    """Reads up to `most` bytes. Raises Problem: 413 for more, 408 if it takes too long, 400 if the client has gone."""
    body = bytearray()
    within = BODY_WITHIN_SECONDS + most / BYTES_A_SECOND
    try:
        async with asyncio.timeout(within):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    detail = f"The body may have {most} bytes at most."
                    raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large", detail)
    except TimeoutError:
        detail = f"The body must be there within {within:.0f} seconds."
        headers = {"Connection": "close"}
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "Body too slow", detail, headers=headers) from None
    except ClientDisconnect:
        raise Problem(
            HTTPStatus.BAD_REQUEST, "Body incomplete", "The connection closed before the body's end."
        ) from None
    return bytes(body)


Answers: TypeAlias = dict[int | str, dict[str, Any]]
"""As FastAPI takes them, under `responses`."""
WRITTEN = yaml.load(Path(__file__).with_name("openapi_errors.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
BY_ALL = (408, 503)
"""Every storing route may answer these."""


def refusals(*statuses: int) -> Answers:
    """Descriptions of refusals with these statuses, and those of `BY_ALL`."""
    content = {MEDIA_TYPE: {"schema": WRITTEN["problem"]}}
    found = (*statuses, *BY_ALL)
    return {status: {"description": WRITTEN["refusals"][status], "content": content} for status in found}


def read_routes(module: str) -> dict[str, dict[str, Any]]:
    """By route, FastAPI's `openapi_extra` and `responses`: the `request`, `answers` and statuses `refused` that the
    YAML file beside a module writes.
    """
    written = yaml.load(Path(module).with_suffix(".yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return {
        route: {
            "openapi_extra": each.get("request", {}),
            "responses": each.get("answers", {}) | refusals(*each.get("refused", ())),
        }
        for route, each in written.items()
    }


def header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": True, "description": description, "schema": {"type": "string"}}


SIGNED = [header(name, description) for name, description in WRITTEN["signed"].items()]


FORM_TYPE = "application/x-www-form-urlencoded"
Fields: TypeAlias = ImmutableMultiDict[str, str]


async def read_form(request: Request) -> Fields:
    """The fields that were filled in. Raises Problem: 415 for another type, 400 for too many and for what is no text,
    and as `body_within`.
    """
    form = await parse_form(request, FORM_TYPE, FORM_BYTES)
    return ImmutableMultiDict([(name, value) for name, value in form.multi_items() if isinstance(value, str) and value])


async def parse_form(request: Request, media_type: str, most: int, files: int = 0) -> FormData:
    """Everything that was posted, of `most` bytes, with its files. Raises as `read_form`."""
    # The parser decodes by any codec that the sender names, in seconds a field, or to what the database cannot keep.
    charset = parse_options_header(request.headers.get("content-type"))[1].get(b"charset", b"utf-8")
    if media_type_of(request) != media_type or charset.lower() not in {b"utf-8", b"utf8"}:
        detail = f"The content type must be {media_type}, in UTF-8."
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not a form", detail, field="content-type")
    body = await body_within(request, most)

    async def whole() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        form = await Request(request.scope, whole).form(
            max_files=files, max_fields=FORM_FIELDS, max_part_size=FORM_BYTES
        )
    except (MultiPartException, HTTPException):  # the latter inside an application
        detail = f"A form here has {FORM_FIELDS} fields at most{f', and {files} files' if files else ''}."
        raise Problem(HTTPStatus.BAD_REQUEST, "Not a form", detail, field="body") from None
    try:
        for name, value in form.multi_items():
            require_text(name, value if isinstance(value, str) else value.filename or "")
    except Problem:
        await form.close()
        raise
    return form


def require_text(name: str, value: str) -> None:
    """Raises Problem (400) for a NUL: the database cannot store one, and nobody types one."""
    if "\x00" in value:
        detail = f"The field {name} holds a NUL character, which cannot be stored."
        raise Problem(HTTPStatus.BAD_REQUEST, "Not text", detail, field=name)


def place_of(request: Request) -> str:
    """Where a request comes from. Behind a proxy that nobody has declared: whom the proxy names last, which is the one
    address in that header that it wrote itself. Otherwise everybody behind it would be one place.
    """
    peer = request.client.host if request.client else ""
    network, address = _network_of(peer)
    if address is not None and address.is_private:
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        behind, known = _network_of(forwarded)
        return behind if known is not None else network
    return network


def _network_of(host: str) -> tuple[str, IPv4Address | IPv6Address | None]:
    """The address itself; of IPv6 the /64 network, since one customer may use any address in it."""
    try:
        address = ip_address(host)
    except ValueError:
        return host, None
    is_long = isinstance(address, IPv6Address)
    return str(ip_network((address, 64), strict=False)) if is_long else str(address), address


WITHIN_SECONDS = 60
MOST_OF_A_STRANGER = 60
MOST_OF_SOMEBODY_KNOWN = 1200
"""An agency that sends more within a minute waits, and loses nothing: it sends the same again."""
NAMES_OF_AN_ADDRESS = 10
"""One address may ask as often as so many strangers: a gateway may have many people behind it, and a flood of made-up
names still ends.
"""
KNOWN_FOR_SECONDS = 3600
MOST_KEYS = 10_000
NAME_LETTERS = 200
"""What is kept of a name. No honest one is longer, and ones as long as a request would fill the memory."""
HELD_BACK = Counter("requests_held_back", "Requests that were not looked at, since too many came", ["who"])
for who in ("known", "stranger"):
    HELD_BACK.labels(who)


class StrangerSettings(EnvironmentSettings):
    stranger_requests: int = Field(
        default=MOST_OF_A_STRANGER,
        ge=1,
        description="how many requests a minute are looked at of a name that is not known at an address",
    )


class Strangers:
    """Counts requests. Whoever was known by a name at an address lately has a count of their own: a stranger with the
    same address, a proxy's for instance, does not shut them out.
    """

    def __init__(self) -> None:
        self._most = StrangerSettings().stranger_requests
        self._asked: TTLCache[tuple[str, ...], Iterator[int]] = TTLCache(MOST_KEYS, WITHIN_SECONDS)
        self._known: TTLCache[tuple[str, ...], bool] = TTLCache(MOST_KEYS, KNOWN_FOR_SECONDS)

    def let_in(self, request: Request, name: str) -> None:
        """Counts the request; `name` is what it says of itself. Raises Problem 429 if there were too many."""
        somebody = _somebody(request, name)
        known = somebody in self._known
        is_too_often = self._count((*somebody, str(known))) > (MOST_OF_SOMEBODY_KNOWN if known else self._most)
        if is_too_often or (not known and self._count(somebody[:1]) > self._most * NAMES_OF_AN_ADDRESS):
            HELD_BACK.labels("known" if known else "stranger").inc()
            headers = {"Retry-After": str(WITHIN_SECONDS)}
            detail = "Too many requests: this one was not processed. Send it again after the seconds in Retry-After."
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many", detail, headers=headers)

    def _count(self, whose: tuple[str, ...]) -> int:
        return next(self._asked.setdefault(whose, count(1)))

    def remember(self, request: Request, name: str) -> None:
        """Notes that the request proved to be from `name`: from now on it has a count of its own."""
        self._known[_somebody(request, name)] = True


def _somebody(request: Request, name: str) -> tuple[str, str]:
    return place_of(request), name[:NAME_LETTERS]
