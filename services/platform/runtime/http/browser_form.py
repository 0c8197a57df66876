"""Reads a form that a browser posted, within limits."""

from http import HTTPStatus
from typing import TypeAlias

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, ImmutableMultiDict
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Message

from services.platform.runtime.http.problems import Problem, body_within, media_type_of
from services.platform.runtime.limits import FORM_BYTES, FORM_FIELDS

MEDIA_TYPE = "application/x-www-form-urlencoded"
Fields: TypeAlias = ImmutableMultiDict[str, str]


async def read_form(request: Request) -> Fields:
    """The fields that were filled in. Raises Problem: 415 for another type, 400 for too many and for what is no text,
    and as `body_within`.
    """
    form = await parse_form(request, MEDIA_TYPE, FORM_BYTES)
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
