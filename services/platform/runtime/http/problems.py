"""Answers a bad request with a problem document (RFC 9457): what was wrong, in which field, and what would be right.

A document never repeats what the request held, since that may be personal. A route's answers, its problem documents
among them, are described in its service's OpenAPI document.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

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
