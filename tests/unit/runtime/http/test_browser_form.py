"""A form is read as browsers post it, and given up where it is none or too large."""

import pytest
from starlette.requests import Request
from starlette.types import Message

from services.platform.runtime.problems import FORM_BYTES, FORM_FIELDS, Problem, parse_form, read_form

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
        (posted(b"a=1&who=x%00"), 400),
    ],
)
async def test_what_is_none_or_too_large_is_refused(request_: Request, status: int) -> None:
    with pytest.raises(Problem) as refused:
        await read_form(request_)
    assert refused.value.status == status


async def test_as_many_fields_as_are_allowed_are_read() -> None:
    body = b"&".join(b"a=1" for _ in range(FORM_FIELDS))
    assert (await read_form(posted(body))).getlist("a") == ["1"] * FORM_FIELDS


FILES = "multipart/form-data"


def with_file(name: bytes, said: bytes, charset: str = "") -> Request:
    parts = (b'name="mapping"\r\n\r\n' + said, b'name="file"; filename="' + name + b'"\r\n\r\nrows')
    body = b"".join(b"--x\r\nContent-Disposition: form-data; " + each + b"\r\n" for each in parts) + b"--x--\r\n"
    return posted(body, media_type=f"{FILES}; boundary=x{charset}")


@pytest.mark.parametrize("charset", ["", "; charset=UTF-8", '; charset="utf8"'])
async def test_files_are_taken_in_utf_8(charset: str) -> None:
    form = await parse_form(with_file(b"a.csv", b"who: x", charset), FILES, FORM_BYTES, 1)
    assert form["mapping"] == "who: x"
    await form.close()


@pytest.mark.parametrize(
    ("request_", "status", "field"),
    [
        (with_file(b"a.csv", b"a\0"), 400, "mapping"),
        (with_file(b"a.csv", b"\\ud800", "; charset=unicode_escape"), 415, "content-type"),
        (with_file(b"a.csv", b"-" + b"9" * 60_000, "; charset=punycode"), 415, "content-type"),
    ],
    ids=["NUL", "half a character", "slow"],
)
async def test_what_the_database_cannot_keep_and_a_codec_of_the_senders_are_refused(
    request_: Request, status: int, field: str
) -> None:
    with pytest.raises(Problem) as refused:
        await parse_form(request_, FILES, FORM_BYTES, 1)
    assert (refused.value.status, refused.value.field) == (status, field)
