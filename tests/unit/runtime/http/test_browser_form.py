"""A form is read as browsers post it, and given up where it is none or too large."""

import pytest
from starlette.requests import Request
from starlette.types import Message

from services.platform.runtime.http.browser_form import read_form
from services.platform.runtime.http.problems import Problem
from services.platform.runtime.limits import FORM_BYTES, FORM_FIELDS

BROWSERS = "application/x-www-form-urlencoded"


def posted(*chunks: bytes, media_type: str = BROWSERS) -> Request:
    left = [*chunks]

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    scope = {"type": "http", "app": object(), "headers": [(b"content-type", media_type.encode())]}
    return Request(scope, receive)


async def test_fields_are_read_with_their_repetitions_and_without_what_was_left_empty() -> None:
    fields = await read_form(
        posted(b"answer=yes&who=a+b&wh", b"o=c%C3%A9%ff&left=", media_type=f"{BROWSERS}; charset=utf-8")
    )
    assert fields.multi_items() == [("answer", "yes"), ("who", "a b"), ("who", "cé\ufffd")]


async def test_nothing_is_an_empty_form() -> None:
    assert not (await read_form(posted(b""))).multi_items()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (posted(b"answer=yes", media_type="text/plain"), 415),
        (posted(b"answer=yes", media_type="multipart/form-data; boundary=x"), 415),
        (posted(b"a=1&" * (FORM_FIELDS + 1)), 400),
        (posted(b"a=", b"1" * FORM_BYTES), 413),
    ],
)
async def test_what_is_none_or_too_large_is_refused(request_: Request, status: int) -> None:
    with pytest.raises(Problem) as refused:
        await read_form(request_)
    assert refused.value.status == status


async def test_as_many_fields_as_are_allowed_are_read() -> None:
    body = b"&".join(b"a=1" for _ in range(FORM_FIELDS))
    assert (await read_form(posted(body))).getlist("a") == ["1"] * FORM_FIELDS
